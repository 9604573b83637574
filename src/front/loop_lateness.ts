/**
 * How late the timers of a front's loop come: what a client waits in the tracker at least, however fast its own request
 * is answered. Kept as a sum in the front's counters; the supervisor looks at what is added to it.
 */
import { COUNTER } from "../stats/counters.ts";

/** The lateness of one front. */
export class LoopLateness {
  readonly #counters: Float64Array;
  readonly #tickMs: number;
  #lastMs = performance.now();

  /** `tickMs`: how often `tick` is to be called. */
  constructor(counters: Float64Array, tickMs: number) {
    this.#counters = counters;
    this.#tickMs = tickMs;
  }

  /** To be called by a timer. */
  tick(): void {
    const nowMs = performance.now();
    this.#counters[COUNTER.lateMilliseconds]! += Math.max(0, nowMs - this.#lastMs - this.#tickMs);
    this.#lastMs = nowMs;
  }
}
