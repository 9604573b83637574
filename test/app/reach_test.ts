/**
 * The table of permissions in docs/architecture.md, held to what running parts can reach: each row by asking the runtime
 * in the part, and by trying. What is in a cell of the table is said there.
 */
import assert from "node:assert/strict";
import { type Permission, PERMISSIONS, type Reach } from "../../src/reach.ts";
import { announceRequest, exchange, type Kind, KINDS } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const ROOT = new URL("../../", import.meta.url);

/** By part: what the table says of each permission. */
const TABLE = readTable();
/** Rows that are asked with each kind of front. */
const FRONT_ROWS = { linux: ["front, linux"], portable: ["front 0, portable", "front 1 and on, portable"] };
const OTHER_ROWS = ["office", "keeper"], HOST_ROW = "plugin host", SUPERVISOR_ROW = "supervisor";

for (const kind of KINDS) {
  for (const hasPlugins of [false, true]) {
    const what = hasPlugins ? "with plugins of the folder" : "by itself";
    Deno.test(`App: ${kind} parts ${what} reach what docs/architecture.md says, and no more`, OPTIONS, async () => {
      await using tracker = await startWithPlugins(
        kind,
        hasPlugins ? PLUGINS : {},
        (folder) => CONFIG(folder, hasPlugins),
      );
      const asked = new Set<string>();
      for (const [name, part] of tracker.app.parts) {
        const row = rowOf(name, kind);
        asked.add(row);
        check(row, await part.reach());
      }
      const rows = [...FRONT_ROWS[kind], ...OTHER_ROWS, ...(hasPlugins ? [HOST_ROW] : [])];
      assert.deepEqual([...asked].sort(), rows.sort());
      // They are as they were: trying has taken nothing from them.
      assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1001)), /10:incompletei1e/);
    });
  }
}

Deno.test("the supervisor has the permissions of the start task, as docs/architecture.md says", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  for (const name of PERMISSIONS) {
    const isGiven = new RegExp(`--allow-${name}(?= )`).test(tasks.start);
    // Without the flag, Deno lets modules come from some hosts of its own choice; an executable has none to come.
    const none = name === "import" ? "Deno's hosts" : "none";
    assert.equal(TABLE.get(SUPERVISOR_ROW)!.get(name), isGiven ? "all" : none, `${SUPERVISOR_ROW}: ${name}`);
  }
});

Deno.test("every row of the table of permissions is held by a test above", () => {
  const rows = [SUPERVISOR_ROW, ...Object.values(FRONT_ROWS).flat(), ...OTHER_ROWS, HOST_ROW];
  assert.deepEqual([...TABLE.keys()].sort(), rows.sort());
});

/** A plugin for each thread that runs some, and one that is granted something. */
const PLUGINS = {
  "plugins/gate.ts": `export default { name: "gate", admitAnnounce: () => undefined, stats: { gate: () => "x" } };`,
  "plugins/reader.ts": `export default { name: "reader", start() {} };`,
  "granted.txt": "",
};

function CONFIG(folder: string, hasPlugins: boolean): string {
  const granted = ["read", "write"].map((what) => `plugin.reader.allow ${what} ${folder}/granted.txt\n`).join("");
  return `tracker.state ${folder}/tracker.sqlite\n` +
    (hasPlugins ? `${granted}plugin.reader.allow net 127.0.0.1:9\n` : "");
}

function rowOf(name: string, kind: Kind): string {
  if (name.startsWith("plugin ")) return HOST_ROW;
  if (!name.startsWith("front ")) return name;
  return kind === "linux" ? "front, linux" : `front ${name === "front 0" ? "0" : "1 and on"}, portable`;
}

function check(row: string, { states, denied }: Reach): void {
  const cells = TABLE.get(row);
  assert.ok(cells !== undefined, `${row} is not in the table`);
  for (const name of PERMISSIONS) {
    const cell = cells.get(name)!, found = `${row}: ${name} is ${states[name]}, ${denied[name] ? "denied" : "reached"}`;
    if (cell === "all") assert.deepEqual([states[name], denied[name]], ["granted", false], found);
    else assert.ok(states[name] !== "granted" && denied[name], `${found}, and the table says ${cell}`);
  }
}

function readTable(): ReadonlyMap<string, ReadonlyMap<Permission, string>> {
  const text = Deno.readTextFileSync(new URL("docs/architecture.md", ROOT));
  const section = text.slice(text.indexOf("\n## Permissions\n")),
    lines = /(?:^\|.*\n)+/m.exec(section)![0].trim().split("\n");
  const [head, , ...rows] = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assert.deepEqual(head!.slice(1), [...PERMISSIONS]);
  return new Map(rows.map(([part, ...cells]) => [part!, new Map(PERMISSIONS.map((name, i) => [name, cells[i]!]))]));
}
