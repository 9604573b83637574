/** A tracker that is told to stop before it serves: whatever its start waits for, it ends, and serves nobody. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { makeFifo } from "../../src/fifo.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { StateRun, withStatePath } from "../support/state.ts";
import { commandFromSource, Program, writeConfig } from "../support/tracker_process.ts";

const OPTIONS = { ignore: Deno.build.os !== "linux" };
/** A host's stop takes 1.5 s, on a machine that others keep busy; the starts here take longer than this, or for ever. */
const STOP_MS_MAX = 30_000;
const SLOW_PLUGIN = `export default { name: "slow", async start(context) {
  context.log("begins");
  await new Promise((resolve) => setTimeout(resolve, 100_000));
} };`;
/** Enough that loading them takes longer than to be told to stop. */
const TORRENTS = 50_000;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(
    `${signal} while a plugin starts ends the tracker`,
    OPTIONS,
    withStatePath(async (path) => {
      const folder = path.replace(/\/[^/]*$/, "");
      Deno.mkdirSync(`${folder}/plugins`);
      Deno.writeTextFileSync(`${folder}/plugins/slow.js`, SLOW_PLUGIN);
      const tracker = start(folder, { "tracker.state": path });
      await tracker.waitFor(/^plugin slow: begins$/m);
      await stopEarly(tracker, signal);
    }),
  );
}

Deno.test(
  "SIGTERM while a state dump comes from a FIFO that nobody writes to ends the tracker",
  OPTIONS,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), fifo = `${folder}/dump`;
    assert.equal(makeFifo({ path: fifo, setting: "a test" }), null);
    const tracker = start(folder, { "tracker.load_statedump": fifo });
    // Resolves when the other end is open as well.
    using _writer = await Deno.open(fifo, { write: true });
    await stopEarly(tracker, "SIGTERM");
  }),
);

Deno.test(
  "SIGTERM while the state is loaded ends the tracker, and the state is what it was",
  OPTIONS,
  withStatePath(async (path) => {
    const run = new StateRun(path), hash = new Uint8Array(20), names = new DataView(hash.buffer);
    for (let i = 0; i < TORRENTS; i++) {
      names.setUint32(0, Math.imul(i, 0x9e3779b1));
      run.announce(hash, Uint8Array.of(10, 0, 0, 1), 1000, true, 0);
    }
    run.keeper.stop();
    const lock = `${path}.lock`;
    Deno.removeSync(lock);
    const tracker = start(path.replace(/\/[^/]*$/, ""), { "tracker.state": path });
    while (!existsSync(lock)) await new Promise((resolve) => setTimeout(resolve, 1));
    await stopEarly(tracker, "SIGTERM");
    const file = StateFile.open(path);
    try {
      assert.deepEqual(file.problems(), []);
      assert.equal([...file.rows()].length, TORRENTS);
    } finally {
      file.close();
    }
  }),
);

function start(folder: string, settings: Readonly<Record<string, string>>): Program {
  const config = writeConfig(folder, { "tracker.memory": 64, "tracker.workers": 1, ...settings });
  const [program = "", ...words] = commandFromSource();
  return new Program(program, [...words, "-i", "127.0.0.1", "-p", "0", "-P", "0", "-f", config], folder);
}

async function stopEarly(tracker: Program, signal: Deno.Signal): Promise<void> {
  assert.equal(await tracker.stop(signal, STOP_MS_MAX), 0, tracker.printed());
  assert.match(tracker.printed(), /^told to stop before it serves$/m);
  assert.doesNotMatch(tracker.printed(), /listening on/);
}
