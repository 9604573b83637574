/**
 * Trackers that are started as root: what is left of it in every thread, ports that only root may bind, parts that come
 * back afterwards, and a folder that nobody gets out of. From source; executable_test.ts does it with the executable.
 */
import assert from "node:assert/strict";
import { FAIL_PLUGIN, failFront, tryConfinement, writeFiles } from "../contract/confinement.ts";
import {
  freeLowPort,
  makeOpenFolder,
  NOBODY,
  onlyUser,
  OpenSources,
  privilegesOf,
  testAsRoot,
} from "../support/root.ts";
import { Program, startTracker } from "../support/tracker_process.ts";

testAsRoot("root from source becomes another user in every thread, and parts come back on its ports", async () => {
  using sources = await OpenSources.copy();
  const folder = makeOpenFolder("waggle_user_"), low = freeLowPort();
  writeFiles(folder, { "plugins/fail.js": FAIL_PLUGIN, "t.conf": "tracker.workers 1\ntracker.memory 32\n" });
  {
    await using tracker = await startTracker(
      ["-u", "nobody", "-p", `${low}`, "-P", `${low}`, "-f", "t.conf"],
      folder,
      sources.command,
      sources.env,
    );
    assert.match(
      tracker.printed(),
      new RegExp(`^running as nobody \\(user ${NOBODY}, group ${NOBODY}\\) in ${folder}$`, "m"),
    );
    assert.match(tracker.errors(), /^from its sources the tracker is not confined to /m);
    assert.doesNotMatch(tracker.errors(), /threads|Running as root/);
    assert.deepEqual(privilegesOf(tracker.pid), onlyUser(NOBODY));
    await failFront(tracker, low);
    assert.deepEqual(privilegesOf(tracker.pid), onlyUser(NOBODY));
    assert.equal(await tracker.stop("SIGTERM"), 0);
  }
  Deno.removeSync(folder, { recursive: true });
});

testAsRoot("portable fronts that may not bind a port as the user that root becomes say so", async () => {
  using sources = await OpenSources.copy();
  const folder = makeOpenFolder("waggle_user_"), low = freeLowPort(), [program, ...first] = sources.command;
  writeFiles(folder, { "t.conf": "tracker.front portable\ntracker.workers 1\ntracker.memory 32\n" });
  const args = [...first, "-u", "nobody", "-i", "127.0.0.1", "-p", `${low}`, "-f", "t.conf"];
  const run = new Program(program!, args, folder, sources.env);
  assert.equal(await run.ended(), 111, run.printed());
  const said =
    `^Cannot listen on tcp 127\\.0\\.0\\.1:${low}: Permission denied .*; portable fronts bind as the tracker's user`;
  assert.match(run.printed(), new RegExp(said, "m"));
  Deno.removeSync(folder, { recursive: true });
});

testAsRoot("root is confined to a folder, where everything goes on", async () => {
  using sources = await OpenSources.copy();
  await tryConfinement({
    command: sources.command,
    env: sources.env,
    prepare: (jail) => sources.putInto(jail),
    // Types are taken off by the supervisor, for which the runtime asks something of /proc.
    files: { "etc/plugins/typed.ts": TYPED_PLUGIN },
  });
});

testAsRoot("root that cannot be given up keeps the tracker from serving, with one sentence and 111", async (t) => {
  using sources = await OpenSources.copy();
  const closed = Deno.makeTempDirSync({ prefix: "waggle_closed_" }), open = makeOpenFolder("waggle_open_");
  const blocked = makeOpenFolder("waggle_blocked_");
  for (const folder of [open, blocked]) await sources.putInto(folder);
  // Where a folder has to be made there is something else.
  Deno.writeTextFileSync(`${blocked}/proc`, "");
  const without = (capability: string) => ["setpriv", "--bounding-set", `-${capability}`, "--"];
  const given = "Cannot start: started as root, and that could not be given up:";
  const rows: { args: string[]; before?: string[]; env?: Record<string, string>; want: string }[] = [
    { args: ["-u", "root"], want: 'Cannot start: tracker.user must be neither root nor of its group, and is "root"' },
    {
      args: ["-u", "jane"],
      want: 'Cannot start: tracker.user must be a number or a user of /etc/passwd, and is "jane"',
    },
    {
      args: ["-u", "nobody", "-d", closed],
      want: `Cannot start: tracker.rootdir must be a directory that tracker.user nobody can enter, and is "${closed}"`,
    },
    {
      args: ["-u", "nobody"],
      env: { DENO_DIR: `${closed}/cache` },
      want: "Cannot start: from its sources, tracker.user nobody must be able to read ",
    },
    {
      args: ["-d", blocked],
      want: "Cannot start: tracker.rootdir must have a symbolic link proc/self/exe to /tracker inside, ",
    },
    { args: ["-d", open], before: without("sys_chroot"), want: `${given} chroot: Operation not permitted` },
    { args: ["-d", open], before: without("setgid"), want: `${given} setgroups: Operation not permitted` },
    { args: ["-d", open], before: without("setuid"), want: `${given} setuid: Operation not permitted` },
  ];
  Deno.renameSync(`${sources.folder}/cache`, `${closed}/cache`);
  await runRefusals(rows.filter(({ env }) => env !== undefined));
  Deno.renameSync(`${closed}/cache`, `${sources.folder}/cache`);
  await runRefusals(rows.filter(({ env }) => env === undefined));
  for (const folder of [closed, open, blocked]) Deno.removeSync(folder, { recursive: true });

  async function runRefusals(chosen: typeof rows): Promise<void> {
    for (const { args, before = [], env, want } of chosen) {
      await t.step(want, async () => {
        const [program, ...rest] = [...before, ...sources.command, "-i", "127.0.0.1", "-p", "0", ...args];
        const run = new Program(program!, rest, "/", env ?? sources.env);
        assert.equal(await run.ended(), 111, run.printed());
        const lines = run.printed().trim().split("\n").filter((line) =>
          !line.startsWith("from its sources the tracker")
        );
        assert.equal(lines.length, 1, run.printed());
        assert.ok(lines[0]!.startsWith(want), lines[0]);
      });
    }
  }
});

const TYPED_PLUGIN = `import type { Plugin } from "waggle/plugin";
export default {
  name: "typed",
  admitScrape(): undefined {
    if (Math.random() < 0) throw new Error("never");
  },
} satisfies Plugin;
`;
