/** What answers no clients gives way to what does: the niceness of each thread of a tracker that runs. */
import assert from "node:assert/strict";
import { NICENESS } from "../../src/give_way.ts";
import { startTracker, writeConfig } from "../support/tracker_process.ts";

/** Threads that only tried something are gone by then. */
const SETTLE_MS_MAX = 30_000;

Deno.test({
  name: "keeper and plugin hosts give way, fronts and office do not, in a cell or outside",
  // Elsewhere niceness is the process's.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = Deno.makeTempDirSync({ prefix: "waggle_give_way_" });
    try {
      Deno.writeTextFileSync(`${folder}/list`, "");
      const settings = {
        "access.blacklist": "list",
        "tracker.state": "state",
        "tracker.workers": 2,
        "plugins.dir": "in",
      };
      // One thread for the keeper, and two for the list's host.
      assert.deepEqual(await countNice(folder, settings, 6), { others: 3, nice: 3 });
      Deno.mkdirSync(`${folder}/in`);
      const code = "export default { name: 'two', stats: { two: () => '' }, admitAnnounce: () => undefined };";
      Deno.writeTextFileSync(`${folder}/in/two.js`, code);
      // Another in each cell.
      assert.deepEqual(await countNice(folder, settings, 9), { others: 6, nice: 3 });
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

// Threads of a tracker's parts, by whether they give way: `threads` of them, when those that try plugins have ended.
async function countNice(folder: string, settings: Readonly<Record<string, string | number>>, threads: number) {
  await using tracker = await startTracker(["-f", writeConfig(folder, settings)], folder);
  const endMs = performance.now() + SETTLE_MS_MAX;
  for (;;) {
    const niceness = readNiceness(tracker.pid);
    if (niceness.length === threads || performance.now() > endMs) {
      return {
        others: niceness.filter((own) => own === 0).length,
        nice: niceness.filter((own) => own === NICENESS).length,
      };
    }
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
