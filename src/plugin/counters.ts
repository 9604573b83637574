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
  /** Calls of a front's slot that took SLOW_MS or longer, and of a page that held up all others for PAGE_SLOW_MS. */
  slow: 2,
  /** The longest of them, in milliseconds. */
  slowestMs: 3,
  /** Announces that afterAnnounce was not told. */
  lost: 4,
  /** Slots that were called. */
  calls: 5,
  /** Threads that were ended because it held them up, or took their memory. */
  ended: 6,
} as const;

/** A front's slot is slow from here on: two hundred requests wait meanwhile. */
export const SLOW_MS = 1;
/** A page is slow from here on, before it waits for the first time: all other pages wait meanwhile. */
export const PAGE_SLOW_MS = 100;

const ROW = 8;

/** Shared memory for the threads of a tracker with `fronts` fronts. */
export function createPluginCounters(fronts: number): SharedArrayBuffer {
  return new SharedArrayBuffer((fronts + 3) * PLUGINS_MAX * ROW * 8);
}

/** Number of the office among the threads; the fronts come first. */
export function officeThread(fronts: number): number {
  return fronts;
}

/** Number of the hosts: each plugin has one, and its own row. */
export function hostThread(fronts: number): number {
  return fronts + 1;
}

/** Number of the supervisor. */
export function supervisorThread(fronts: number): number {
  return fronts + 2;
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

/** Begins row `index` anew in every thread: it is another plugin's now. */
export function clearPlugin(memory: SharedArrayBuffer, index: number): void {
  const threads = memory.byteLength / (PLUGINS_MAX * ROW * 8);
  for (let thread = 0; thread < threads; thread++) pluginRow(memory, thread, index).fill(0);
}

/** Counts a fault of the plugin `name` in its `row`. Said when their number doubles: one that always fails fills no disk. */
export function countFault(name: string, slot: string, row: Float64Array, error: unknown): void {
  const faults = ++row[PLUGIN_COUNTER.faults]!;
  if (Number.isInteger(Math.log2(faults))) {
    console.error(`plugin ${name}: ${slot} failed (${faults} so far): ${showFault(error)}`);
  }
}

// What a plugin throws need not even be printable.
function showFault(error: unknown): string {
  try {
    return String(error instanceof Error ? error.stack ?? error.message : error);
  } catch {
    return "it threw what cannot be shown";
  }
}
