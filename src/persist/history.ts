/**
 * Takes the figures of each minute out of the shared memory, and keeps them until they are in the state file. A minute
 * is the wall clock's; how long it was is measured on the tracker's own clock, so that the figures of a minute that the
 * wall clock shows twice, or for a moment only, are still right: each event is counted once, in the minute it fell in.
 */
import { COUNTER, HTTP_ERROR, REFUSALS_MAX, sumCounters } from "../stats/counters.ts";
import { readTotals } from "../swarm/totals.ts";
import { COUNTS, type Figure, FIGURES, type HistoryMinute, LEVELS } from "./history_minutes.ts";
import type { HistoryTable } from "./history_table.ts";

/** Minutes that wait for a file that cannot be written: a day. Older ones are let go, and are gaps. */
const WAITING_MAX = 1440;

// Words of the shared memory: whether it is in use, the second up to which all is counted, and the counters then.
const IS_BEGUN = 0, SECOND = 1, COUNTED = 2;

/** Counters that are rows, and how long they are: the history has their sums. */
const ROWS: Readonly<Record<string, number>> = {
  refusals: REFUSALS_MAX,
  httpErrors: Object.keys(HTTP_ERROR).length,
};

/**
 * Shared memory for what has been counted so far: a keeper that comes back after a failure goes on from there, and what
 * its predecessor had not written is a gap.
 */
export function createHistoryMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((COUNTED + COUNTS.length) * 8);
}

/** What the history looks at. */
export interface HistorySource {
  readonly arena: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** From createHistoryMemory. */
  readonly memory: SharedArrayBuffer;
}

/** A minute or a part of one that waits. */
interface Part extends HistoryMinute {
  /** Another tracker served already: the levels are its own. */
  readonly isYielded: boolean;
}

/** The history of one tracker. Times are handed in: `wallMinute` since 1970, `second` of the tracker's clock. */
export class History {
  readonly #words: Int32Array;
  readonly #counters: SharedArrayBuffer;
  readonly #counted: Float64Array;
  #minute: number;
  #isYielding = false;
  #waiting: Part[] = [];

  /** Counts from the tracker's start on, or from where an earlier one in this memory has been. */
  constructor({ arena, counters, memory }: HistorySource, wallMinute: number, second: number) {
    this.#words = new Int32Array(arena);
    this.#counters = counters;
    this.#counted = new Float64Array(memory);
    this.#minute = wallMinute;
    if (this.#counted[IS_BEGUN] === 0) this.begin(wallMinute, second);
  }

  /** The time counts from here: of a tracker that takes over from another, or goes on after all, whose time it was so far. */
  begin(wallMinute: number, second: number): void {
    this.#isYielding = false;
    this.#minute = wallMinute;
    this.#counted[SECOND] = second;
    this.#counted[IS_BEGUN] = 1;
  }

  /** Another tracker serves, and the time is its own: what is still counted here is added to its minutes. */
  yieldTo(second: number): void {
    this.close(second);
    this.#isYielding = true;
  }

  /** Ends the minute if `wallMinute` is another. */
  turn(wallMinute: number, second: number): void {
    if (wallMinute === this.#minute) return;
    this.close(second);
    this.#minute = wallMinute;
  }

  /** Ends the minute as it is: what comes later in it is added. */
  close(second: number): void {
    const figures = this.#take(second);
    this.#waiting.push({ minute: this.#minute, figures, isYielded: this.#isYielding });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  /** Writes what waits, in the caller's transaction. `say`: takes a line for the operator. */
  save(table: HistoryTable, say: (line: string) => void): void {
    for (const each of this.#waiting) {
      if (!table.add(each, each.isYielded)) {
        say("state: the last hours of the history could not be read, and are begun anew");
      }
    }
  }

  /** The transaction is done: nothing waits any more. */
  noteSaved(): void {
    this.#waiting = [];
  }

  #take(second: number): number[] {
    const counted = this.#counted, sums = sumCounters(this.#counters), totals = readTotals(this.#words);
    const seconds = this.#isYielding ? 0 : second - counted[SECOND]!;
    counted[SECOND] = second;
    return FIGURES.map((name) => {
      if (name === "seconds") return seconds;
      if (LEVELS.includes(name)) return totals[name as Figure & keyof typeof totals];
      return this.#since(name as typeof COUNTS[number], sums);
    });
  }

  // What has been counted since the last time.
  #since(name: typeof COUNTS[number], sums: Float64Array): number {
    const at = COUNTED + COUNTS.indexOf(name), from = COUNTER[name];
    const now = sums.subarray(from, from + (ROWS[name] ?? 1)).reduce((sum, value) => sum + value, 0);
    const count = now - this.#counted[at]!;
    this.#counted[at] = now;
    // Both trackers have the same sockets: what the kernel drops is counted by the one that serves.
    return this.#isYielding && name === "udpKernelDrops" ? 0 : count;
  }
}
