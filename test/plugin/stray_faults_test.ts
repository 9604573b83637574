/** What plugins throw outside of their slots, in a running tracker: counted as theirs, and nobody loses a connection. */
import assert from "node:assert/strict";
import { StrayFaults } from "../../src/plugin/stray_faults.ts";
import { announceRequest, exchange, KINDS, readReplies, writeAll } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** By the first letter of the torrent: what goes wrong. */
const PLUGIN = `import { fail } from "./_part.js";
const deeds = {
  a: async () => { throw new Error("in a promise"); },
  b: () => { setTimeout(() => { throw new Error("in a timer"); }); },
  c: () => { Promise.reject(new Error("in another promise")); },
  d: () => { setTimeout(() => { throw "no error in a timer, " + new Error().stack; }); },
  e: () => { queueMicrotask(() => fail("by a part")); },
};
export default {
  name: "stray",
  admitAnnounce: ({ infoHash }) => deeds[String.fromCharCode(infoHash[0])]?.(),
  routes: { top: () => { deeds.b(); return "top"; } },
};
`;
const PART = `export const fail = (why) => setTimeout(() => { throw new Error(why); });`;
const SERVED = /8:intervali/, CANNOT_DECIDE = /14:failure reason42:the tracker cannot decide; try again later/;

for (const kind of KINDS) {
  Deno.test(`a plugin that throws outside of its slots ends no ${kind} front, nor the office`, OPTIONS, async () => {
    await using tracker = await startWithPlugins(
      kind,
      { "plugins/stray.js": PLUGIN, "plugins/_part.js": PART },
      () => "tracker.workers 1\n",
    );
    const ask = (letter: string) => exchange(tracker.tcpPort, announceRequest(letter, 1001));
    using other = await Deno.connect({ hostname: "127.0.0.1", port: tracker.tcpPort });
    const askKept = async () => {
      await writeAll(other, announceRequest("z", 1001));
      return await readReplies(other, 1);
    };
    assert.match(await askKept(), SERVED);
    assert.match(await ask("a"), CANNOT_DECIDE);
    await tracker.untilLogged(/^plugin stray: admitAnnounce failed \(1 so far\): Error: .* returned a promise/);
    for (const letter of ["b", "c", "d"]) assert.match(await ask(letter), SERVED);
    await tracker.untilLogged(/^plugin stray: what it does outside of its slots failed \(2 so far\): .*in a/);
    await tracker.untilLogged(/^plugin stray: what it does outside of its slots failed \(4 so far\): .*in a/);
    assert.match(await ask("e"), SERVED);
    await tracker.untilLogged(/^plugins: what one does outside of its slots failed: .*_part\.js/);
    assert.match(await exchange(tracker.tcpPort, "GET /plugin/stray/top HTTP/1.1\r\n\r\n"), /\r\n\r\ntop$/);
    await tracker.untilLogged(/^plugin stray: what it does outside of its slots failed \(1 so far\): .*in a timer/);
    assert.match(await askKept(), SERVED);
    assert.equal(tracker.app.restarts, 0);
    const metrics = await exchange(tracker.tcpPort, "GET /metrics HTTP/1.1\r\n\r\n");
    assert.match(metrics, /\nwaggle_plugin_faults_total{plugin="stray"} 5\n/);
  });
}

Deno.test("StrayFaults.claims() claims what names a plugin's module, and nothing of ours", () => {
  const faults = new StrayFaults(), row = new Float64Array(8), module = "file:///plugins/x.js";
  const spec = { name: "x", file: "plugins/x.js", url: module, slots: [], modes: [], paths: [], values: {}, index: 0 };
  const by = (stack: unknown) => Object.defineProperty(new Error("boom"), "stack", { value: stack });
  assert.equal(faults.claims(by(`Error: boom\n    at ${module}:1:1`)), false, "before it is told of any");
  faults.watch({ modules: new Map([[module, ""]]), plugins: [{ ...spec, origin: "folder" }] }, () => row);
  const rows: [error: unknown, file: string | undefined, want: boolean][] = [
    [by(`Error: boom\n    at ${module}?v=3:1:1`), undefined, true],
    ["no error", `${module}?v=1`, true],
    [by("Error: boom\n    at file:///src/tracker/gate.ts:1:1"), "file:///src/tracker/gate.ts", false],
    [by("Error: boom\n    at file:///plugins/other.js:1:1"), undefined, false],
    [by(undefined), undefined, false],
    ["no error", undefined, false],
    [undefined, undefined, false],
  ];
  const error = console.error;
  console.error = () => {};
  try {
    for (const [thrown, file, want] of rows) assert.equal(faults.claims(thrown, file), want);
  } finally {
    console.error = error;
  }
  assert.equal(row[1], 2);
});
