/** What the tracker's user may do with the files a config names. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Config, Problem } from "../../src/config/config.ts";
import { checkFiles } from "../../src/doctor/list_files.ts";
import { ENTER, findRunAs, locate, READ, refuseAccess, type RunAs, WRITE } from "../../src/doctor/run_as.ts";
import { checkStateFile } from "../../src/doctor/state_file.ts";
import { makeFifo } from "../../src/fifo.ts";
import { APPLICATION_ID } from "../../src/persist/schema.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import type { LeavePlan, StayPlan } from "../../src/privileges/plan.ts";
import { lines, withMachine } from "../support/machine.ts";
import { withFolder } from "../support/tool_world.ts";

type Plan = LeavePlan | StayPlan | Problem;

/** Neither root nor, one hopes, whoever runs the tests. */
const OTHER: RunAs = { name: "other", uid: 54321, gid: 54321, isSelf: false, root: "" };

Deno.test({
  name: "refuseAccess() goes by the bits that are meant for the user",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder((folder) => {
      Deno.chmodSync(folder, 0o755);
      const file = `${folder}/list.txt`, { uid, gid } = Deno.statSync(folder);
      Deno.writeTextFileSync(file, "");
      const owner = { ...OTHER, uid: uid! === 0 ? 54321 : uid! }, group = { ...OTHER, gid: gid! };
      const rows: { mode: number; user: RunAs; right: number; isAllowed: boolean }[] = [
        { mode: 0o644, user: OTHER, right: READ, isAllowed: true },
        { mode: 0o644, user: OTHER, right: WRITE, isAllowed: false },
        { mode: 0o640, user: OTHER, right: READ, isAllowed: false },
        { mode: 0o640, user: group, right: READ, isAllowed: true },
        { mode: 0o604, user: group, right: READ, isAllowed: false },
        { mode: 0o600, user: { ...OTHER, uid: 0 }, right: WRITE, isAllowed: true },
        { mode: 0o200, user: owner, right: READ, isAllowed: false },
      ];
      for (const { mode, user, right, isAllowed } of rows) {
        Deno.chmodSync(file, mode);
        const refused = refuseAccess(user, file, right);
        assert.equal(refused === null, isAllowed, `${mode.toString(8)} ${user.uid}:${user.gid} ${right}`);
      }
      Deno.chmodSync(file, 0o640);
      assert.deepEqual(refuseAccess(OTHER, file, READ), {
        why: `other may not read ${file} (mode 0640, owner ${uid})`,
        commands: [`chmod a+r ${file}`],
      });
      assert.deepEqual(refuseAccess(OTHER, file, WRITE)?.commands, [`chown other ${file}`]);
      // A folder above is in the way, whatever the file allows.
      Deno.chmodSync(file, 0o666);
      Deno.chmodSync(folder, 0o700);
      assert.match(refuseAccess(OTHER, file, READ)!.why, /^other may not enter .* \(mode 0700, owner \d+\)$/);
      assert.match(refuseAccess(OTHER, folder, ENTER)!.commands[0]!, /^chmod a\+x /);
      assert.match(refuseAccess(OTHER, `${folder}/none`, READ)!.why, /^there is no /);
      // Confined to a folder below, it never meets the one above.
      Deno.mkdirSync(`${folder}/jail`);
      Deno.writeTextFileSync(`${folder}/jail/list.txt`, "");
      const confined = { ...OTHER, root: `${folder}/jail` };
      assert.equal(locate(confined, "/list.txt"), `${folder}/jail/list.txt`);
      assert.equal(refuseAccess(confined, locate(confined, "/list.txt"), READ), null);
      Deno.chmodSync(`${folder}/jail`, 0o700);
      assert.match(refuseAccess(confined, locate(confined, "/list.txt"), READ)!.why, /^other may not enter .*jail /);
      Deno.chmodSync(folder, 0o755);
      assert.match(
        refuseAccess(OTHER, folder, WRITE)!.commands[0]!,
        /^install -d -o other /,
        "no folder is given away",
      );
    }),
});

Deno.test("findRunAs() takes the user of the tracker that runs, or the one it would become", async () => {
  const running = { pid: 77, name: "tracker" }, daemon = { name: "daemon", uid: 1, gid: 1 };
  const leave = (confines: boolean) => (config: Config): LeavePlan => {
    return { kind: "leave", user: daemon, root: "/srv/tracker", confines, config, lines: [] };
  };
  const stay = (config: Config): StayPlan => ({ kind: "stay", config, lines: [] });
  const rows: { name: string; uid: number; running?: true; plan: (config: Config) => Plan; want: RunAs | null }[] = [
    { name: "leaves root", uid: 0, plan: leave(false), want: { ...daemon, isSelf: false, root: "" } },
    { name: "leaves it behind", uid: 0, plan: leave(true), want: { ...daemon, isSelf: false, root: "/srv/tracker" } },
    { name: "cannot", uid: 0, plan: () => ({ sentence: "Cannot start: no" }), want: null },
    { name: "is not root", uid: 1, plan: stay, want: { ...daemon, isSelf: true, root: "" } },
    {
      name: "has no name",
      uid: 4711,
      plan: stay,
      want: { name: "4711", uid: 4711, gid: 4711, isSelf: true, root: "" },
    },
    { name: "runs", uid: 0, running: true, plan: stay, want: { ...daemon, isSelf: false, root: "" } },
  ];
  for (const { name, uid, want, plan, ...row } of rows) {
    const files = { "/proc/77/status": "Name:\ttracker\nUid:\t0\t1\t1\t1\n" };
    await withMachine("quiet", { files, examined: { uid, running: row.running ? running : null } }, (examined) => {
      assert.deepEqual(findRunAs({ ...examined, privileges: plan(examined.config) }), want, name);
    });
  }
});

Deno.test("doctor: lists and FIFOs of the config", () =>
  withFolder(async (folder) => {
    for (const name of ["white.txt", "denied.txt"]) Deno.writeTextFileSync(`${folder}/${name}`, "");
    Deno.truncateSync(`${folder}/denied.txt`, 64 * 1024 * 1024 + 1);
    const config = [
      `access.whitelist ${folder}/white.txt`,
      `access.blacklist ${folder}/none.txt`,
      `access.fifo_add ${folder}/white.txt`,
      `access.fifo_delete ${folder}/delete.fifo`,
      `access.deny_networks ${folder}/denied.txt`,
      `tracker.load_statedump ${folder}`,
    ].join("\n");
    await withMachine("quiet", { config }, (examined) => {
      const found = checkFiles(examined);
      assert.match(lines(found)[0]!, /^(ok|warning): the tracker would run as /);
      assert.deepEqual(lines(found).slice(1), [
        `ok: access.whitelist ${folder}/white.txt can be read`,
        `problem: access.blacklist: there is no ${folder}/none.txt, or it cannot be looked at`,
        `problem: access.deny_networks: ${folder}/denied.txt has 67108865 bytes, and 67108864 are read at most`,
        `problem: tracker.load_statedump: ${folder} is not a regular file`,
        `problem: access.fifo_add: ${folder}/white.txt is not a FIFO`,
        `ok: access.fifo_delete ${folder}/delete.fifo is made at the start`,
      ]);
    });
    await withMachine("quiet", { examined: { privileges: { sentence: "Cannot start: no such user" } } }, (examined) => {
      assert.deepEqual(lines(checkFiles(examined)), ["problem: no such user"]);
    });
    const root = { uid: 0, running: null };
    await withMachine("quiet", { examined: root }, (examined) => {
      assert.match(lines(checkFiles(examined))[0]!, /^warning: the tracker would run as root \(uid 0\)/);
      const privileges = { kind: "stay", config: examined.config, lines: ["Running as root: so it says."] } as const;
      assert.deepEqual(lines(checkFiles({ ...examined, privileges })).at(-1), "warning: Running as root: so it says.");
    });
  }));

Deno.test("doctor: the folder of tracker.state", () =>
  withFolder(async (folder) => {
    const path = `${folder}/it's here/tracker.sqlite`, config = `tracker.state ${path}`;
    await withMachine("quiet", { config }, (examined) => {
      const [found] = checkStateFile(examined);
      assert.equal(found!.state, "problem");
      assert.deepEqual(found!.commands, [`ls -ld '${folder}/it'\\''s here/'`]);
      Deno.mkdirSync(`${folder}/it's here`);
      Deno.chmodSync(folder, 0o755);
      Deno.chmodSync(`${folder}/it's here`, 0o777);
      const [kept, room] = lines(checkStateFile(examined));
      assert.match(kept!, /^ok: .*tracker.sqlite can be written by .*, and is made at the start$/);
      assert.match(room!, /^(ok|warning): \d+ MiB are free where .*tracker.sqlite lies$/);
    });
    await withMachine("quiet", {}, (examined) => {
      assert.deepEqual(lines(checkStateFile(examined)), ["ok: nothing is kept: tracker.state is not set"]);
    });
  }));

Deno.test(
  "doctor: a tracker.state that a start would refuse",
  { ignore: Deno.build.os === "windows" },
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/tracker.sqlite`, config = `tracker.state ${path}`;
      const look = async (more = "") => {
        let found = "";
        await withMachine("quiet", { config: config + more }, (examined) => {
          [found = ""] = lines(checkStateFile(examined));
        });
        Deno.removeSync(path, { recursive: true });
        return found;
      };
      const make = (sql: string) => {
        const db = new DatabaseSync(path);
        db.exec(sql);
        db.close();
      };
      const rows: [name: string, make: () => void, want: RegExp][] = [
        ["a folder", () => Deno.mkdirSync(path), /^problem: The state file ".*" is a folder; name another file/],
        [
          "notes",
          () => Deno.writeTextFileSync(path, "my notes\n"),
          /^problem: The state file ".*" is not a database; start/,
        ],
        ["nothing", () => Deno.writeTextFileSync(path, ""), /^problem: The state file ".*" is empty: it was cut off/],
        [
          "another's",
          () => make("CREATE TABLE notes (text)"),
          /^problem: The state file ".*" is the database of another/,
        ],
        [
          "a later version's",
          () => make(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 99; CREATE TABLE torrents (x)`),
          /^problem: The state file ".*" was written by a newer version \(schema 99, this one knows \d+\); run that version/,
        ],
        ["ours", () => StateFile.open(path).close(), /^ok: .*tracker\.sqlite can be written by /],
      ];
      if (Deno.build.os === "linux") {
        rows.push([
          "a FIFO",
          () => void makeFifo({ path, setting: "a test" }),
          /^problem: The state file ".*" is not a regular file; name another/,
        ]);
      }
      for (const [name, make, want] of rows) {
        make();
        Deno.chmodSync(path, 0o777);
        assert.match(await look(), want, name);
      }
      Deno.writeTextFileSync(path, "my notes\n");
      assert.match(
        await look("\ntracker.state_repair on"),
        /^warning: .* is not a database; .*: this start would do so$/,
      );
    }),
);
