/** Faults of our own: each ends its part and no other, with a stack; the supervisor's own ends the tracker, saved. */
import assert from "node:assert/strict";
import { App } from "../../src/app.ts";
import { ConfigDraft } from "../../src/config/config.ts";
import { announceRequest, exchange, startApp } from "../support/app.ts";
import { withStatePath } from "../support/state.ts";
import { commandFromSource, startTracker, writeConfig } from "../support/tracker_process.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const FIRST = /10:incompletei1e/, SECOND = /10:incompletei2e/;

Deno.test(
  "a keeper that fails comes back, and saves what its predecessor had not",
  OPTIONS,
  withStatePath(async (path) => {
    const config = `tracker.workers 1\ntracker.state ${path}\ntracker.state_seconds 3600\n`;
    {
      await using tracker = await startApp("portable", config);
      assert.match(await exchange(tracker.tcpPort, announceRequest("k", 1001)), FIRST);
      const said = await failOnce(tracker.app, "keeper");
      assert.match(said, /^keeper: failed and is started again in \d+ ms: Error: part: unknown message[^]*\n {4}at /);
      assert.equal(tracker.app.restarts, 1);
    }
    await using again = await startApp("portable", config);
    assert.match(await exchange(again.tcpPort, announceRequest("k", 1002)), SECOND);
  }),
);

Deno.test("a plugin's host that fails comes back with its lists", OPTIONS, async () => {
  const list = Deno.makeTempFileSync(), served = "6c".repeat(20);
  Deno.writeTextFileSync(list, `${served}\n`);
  await using tracker = await startApp("portable", `tracker.workers 1\naccess.whitelist ${list}\n`);
  assert.match(await failOnce(tracker.app, "plugin accesslist"), /^plugin accesslist: failed and is started again/);
  assert.match(await exchange(tracker.tcpPort, announceRequest("l", 1001)), FIRST);
  assert.match(await exchange(tracker.tcpPort, announceRequest("m", 1001)), /failure reason/);
  assert.equal(tracker.app.restarts, 1);
  Deno.removeSync(list);
});

Deno.test(
  "a supervisor that fails says so, saves, and ends with exit code 70",
  { ...OPTIONS, ignore: Deno.build.os === "windows" },
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, "");
    const config = writeConfig(folder, { "tracker.state": path, "tracker.state_seconds": 3600, "tracker.memory": 32 });
    const program = new URL("../support/failing_supervisor.ts", import.meta.url).pathname;
    {
      await using tracker = await startTracker(["-f", config], undefined, [
        ...commandFromSource().slice(0, -1),
        program,
      ]);
      assert.match(await exchange(tracker.httpPort, announceRequest("s", 1001)), FIRST);
      assert.equal(await tracker.stop("SIGUSR1"), 70);
      const stack = /^supervisor: failed, and the tracker stops: Error: the supervisor's own mistake\n {4}at /m;
      assert.match(tracker.errors(), stack);
      assert.match(tracker.printed(), /^state: 1 torrents saved/m);
    }
    await using again = await startTracker(["-f", config]);
    assert.match(await exchange(again.httpPort, announceRequest("s", 1002)), SECOND);
  }),
);

Deno.test("however often a reload is asked for, one runs and one more waits", OPTIONS, async () => {
  await using tracker = await startApp("portable", "tracker.workers 1\n");
  const { app } = tracker, asked = Array.from({ length: 100 }, () => app.reload());
  assert.equal(new Set(asked).size, 1);
  await asked[0];
  const later = app.reload();
  assert.notEqual(later, asked[0]);
  await later;
});

Deno.test("a reload that is asked for during the start waits for it", OPTIONS, async () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_reload_" }), said: string[] = [], { log } = console;
  const plugin =
    "export default { name: 'one', start: ({ log }) => log('begins'), reload: ({ log }) => log('reloads') };";
  Deno.writeTextFileSync(`${folder}/one.js`, plugin);
  const draft = new ConfigDraft(), listen = "listen.tcp 127.0.0.1:0\nlisten.udp 127.0.0.1:0\n";
  draft.applyFile("test.conf", `${listen}tracker.memory 32\ntracker.workers 1\nplugins.dir ${folder}\n`);
  const app = new App(draft.finish());
  console.log = (line) => said.push(line);
  try {
    const started = app.start(), reloaded = app.reload();
    assert.equal(await started, null);
    await reloaded;
  } finally {
    await app.stop();
    console.log = log;
  }
  const lines = said.filter((line) => /^plugin one: \w+s$/.test(line));
  assert.deepEqual(lines, ["plugin one: begins", "plugin one: reloads"]);
  Deno.removeSync(folder, { recursive: true });
});

// A message no part knows is a fault of ours. Resolves, when the part is back, to what was said of it.
async function failOnce(app: App, name: string): Promise<string> {
  const part = app.parts.get(name)!, back = part.untilStarted(), { error } = console, said: unknown[] = [];
  console.error = (...words) => said.push(...words);
  try {
    part.post({ type: "nonsense" } as never);
    await back;
  } finally {
    console.error = error;
  }
  return said.join(" ");
}
