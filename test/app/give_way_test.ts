/** What answers no clients gives way to what does: the niceness of each thread of a tracker that runs. */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { NICENESS } from "../../src/give_way.ts";
import { startTracker, writeConfig } from "../support/tracker_process.ts";

/** By then threads that only tried something are gone, and the keeper has given way. */
const SETTLE_MS_MAX = 30_000;

Deno.test({
  name: "keeper and plugin hosts give way, fronts and office do not, in a cell or outside",
  // Elsewhere niceness is the process's.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = Deno.makeTempDirSync({ prefix: "waggle_give_way_" });
    try {
      Deno.writeTextFileSync(`${folder}/list`, "");
      Deno.mkdirSync(`${folder}/in`);
      const settings = {
        "access.blacklist": "list",
        "tracker.state": "state",
        "tracker.workers": 2,
        "plugins.dir": "in",
      };
      // One thread for the keeper, and two for the list's host.
      await assertNice(folder, settings, { others: 3, nice: 3 });
      const code = "export default { name: 'two', stats: { two: () => '' }, admitAnnounce: () => undefined };";
      Deno.writeTextFileSync(`${folder}/in/two.js`, code);
      // Another in each cell.
      await assertNice(folder, settings, { others: 6, nice: 3 });
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

type Settings = Readonly<Record<string, string | number>>;

// Threads of a tracker's parts, by whether they give way.
async function assertNice(folder: string, settings: Settings, want: { others: number; nice: number }) {
  await using tracker = await startTracker(["-f", writeConfig(folder, settings)], folder);
  const endMs = performance.now() + SETTLE_MS_MAX;
  for (;;) {
    const niceness = readNiceness(tracker.pid), nice = niceness.filter((own) => own === NICENESS).length;
    const counts = { others: niceness.filter((own) => own === 0).length, nice };
    if (isDeepStrictEqual(counts, want)) return;
    assert.ok(performance.now() < endMs, `${JSON.stringify(counts)}, and not ${JSON.stringify(want)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function readNiceness(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) => {
    const stat = readStat(`/proc/${pid}/task/${name}/stat`);
    // Not those that the runtime starts for itself.
    return stat.includes("(worker-") ? [Number(stat.replace(/^.*\) /, "").split(" ")[16])] : [];
  });
}

// Empty: the thread has ended.
function readStat(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || String(error).includes("No such process")) return "";
    throw error;
  }
}
