/**
 * What plugins' slots did, counted: for each thread and plugin a row of numbers in shared memory, written by that thread
 * alone. Doubles hold whole numbers to 2^53.
 */
import { PLUGINS_MAX } from "./plugin_set.ts";

/** Index of each number in a row. */
export const PLUGIN_COUNTER = {
  /** Announces and scrapes it refused. */
  refused: 0,
  /** Slots that threw. */
  faults: 1,
  /** Calls of a front's slot that took longer than SLOW_MS. */
  slow: 2,
  /** The longest of them, in milliseconds. */
  slowestMs: 3,
  /** Announces that afterAnnounce was not told. */
  lost: 4,
} as const;

/** A front's slot is slow from here on: two hundred requests wait meanwhile. */
export const SLOW_MS = 1;

const ROW = 8;

/** Shared memory for `threads` threads. */
export function createPluginCounters(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * PLUGINS_MAX * ROW * 8);
}

/** The row of plugin `index` in thread `thread`. */
export function pluginRow(memory: SharedArrayBuffer, thread: number, index: number): Float64Array {
  return new Float64Array(memory, (thread * PLUGINS_MAX + index) * ROW * 8, ROW);
}

/** The numbers of plugin `index` over all threads: sums, and the longest time. */
export function sumPlugin(memory: SharedArrayBuffer, index: number): Float64Array {
  const sums = new Float64Array(ROW), threads = memory.byteLength / (PLUGINS_MAX * ROW * 8);
  for (let thread = 0; thread < threads; thread++) {
    const row = pluginRow(memory, thread, index);
    for (let i = 0; i < ROW; i++) {
      sums[i] = i === PLUGIN_COUNTER.slowestMs ? Math.max(sums[i]!, row[i]!) : sums[i]! + row[i]!;
    }
  }
  return sums;
}
