/**
 * The tracker's clock: whole seconds since it started, on the monotonic clock, in shared memory. One part moves it, so
 * that all threads agree and a jump of the wall clock ages nobody; the rest read it once a batch.
 */

/** How often the owner moves the clock. */
export const CLOCK_TICK_MS = 200;

/** Shared memory for the clock. */
export function createClock(): SharedArrayBuffer {
  return new SharedArrayBuffer(4);
}

/** One thread's view of the clock. */
export class Clock {
  readonly #second: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#second = new Int32Array(memory);
  }

  /** Seconds since the start. */
  get second(): number {
    return Atomics.load(this.#second, 0);
  }

  /** Moves the clock: for its owner only. */
  set second(second: number) {
    Atomics.store(this.#second, 0, second);
  }
}
