/** What a tracker takes besides time on its core: memory, full and idle, and the time until it answers. */
import { formatCount, formatMegabytes, markdownTable, median } from "./figures.ts";
import type { Scene } from "./generator.ts";
import { fill } from "./throughput.ts";
import { startTracker, type Tracker } from "./trackers.ts";

/** Swarms of the memory table. */
export const MEMORY_SCENE: Scene = { torrents: 1_000_000, peers: 2_800_000 };
/** The same for `--quick`, and for trackers that would need minutes. */
export const MEMORY_SCENE_SMALL: Scene = { torrents: 100_000, peers: 280_000 };

/** Fronts of the idle and start tables, where a tracker has a choice. */
const FRONTS = 2;
/** An idle tracker is looked at after this time, when what its start left over is gone. */
const IDLE_SECONDS = 2;

/** Memory in RAM before and after `scene` is filled. Returns the table in markdown. */
export async function benchMemory(
  trackers: readonly Tracker[],
  scene: Scene,
  tell: (text: string) => void,
): Promise<string> {
  const rows: string[][] = [];
  for (const tracker of trackers) {
    const { torrents, peers } = tracker.slow ? MEMORY_SCENE_SMALL : scene;
    tell(`${tracker.name}: memory of ${formatCount(peers)} peers`);
    const running = await startTracker(tracker, { torrents, fronts: 1 });
    try {
      await settle();
      const before = running.program.residentBytes();
      await fill(running, { torrents, peers });
      const after = running.program.residentBytes();
      rows.push([
        tracker.name,
        formatCount(torrents),
        formatCount(peers),
        formatMegabytes(before),
        formatMegabytes(after),
        formatMegabytes((after - before) / peers * 1e6),
      ]);
    } finally {
      await running.program.stop();
    }
  }
  return markdownTable(["memory", "torrents", "IPv4 peers", "before", "after", "a million peers"], rows);
}

/** Memory of trackers that nobody asks anything. Returns the table in markdown. */
export async function benchIdle(trackers: readonly Tracker[], tell: (text: string) => void): Promise<string> {
  const rows: string[][] = [];
  for (const tracker of trackers) {
    tell(`${tracker.name}: idle`);
    const running = await startTracker(tracker, { torrents: 1, fronts: FRONTS });
    try {
      await settle();
      const before = running.program.cpuSeconds();
      await settle();
      const cpuShare = (running.program.cpuSeconds() - before) / IDLE_SECONDS;
      rows.push([
        tracker.name,
        formatMegabytes(running.program.residentBytes()),
        `${(cpuShare * 100).toFixed(1)} %`,
      ]);
    } finally {
      await running.program.stop();
    }
  }
  return markdownTable(["idle, ours with two fronts", "resident", "CPU"], rows);
}

/** Time from the start of the process to the first answer over both UDP and HTTP. Returns the table in markdown. */
export async function benchStart(
  trackers: readonly Tracker[],
  repeats: number,
  tell: (text: string) => void,
): Promise<string> {
  const rows: string[][] = [];
  for (const tracker of trackers) {
    tell(`${tracker.name}: start`);
    const seconds: number[] = [];
    // The first start fills caches and is not counted.
    for (let i = 0; i <= repeats; i++) {
      const running = await startTracker(tracker, { torrents: 1, fronts: FRONTS });
      await running.program.stop();
      if (i > 0) seconds.push(running.startSeconds);
    }
    rows.push([tracker.name, formatStart(median(seconds)), formatStart(Math.max(...seconds))]);
  }
  return markdownTable(["start to first answer, warm caches", "median", "longest"], rows);
}

function formatStart(seconds: number): string {
  return `${(seconds * 1000).toFixed(0)} ms`;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
}
