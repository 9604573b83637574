/**
 * The tracker's clock: whole seconds that it has run, on the monotonic clock, in shared memory. One part moves it, so
 * that all threads agree and a jump of the wall clock ages nobody; the rest read it once a batch.
 */

/** How often the owner moves the clock. */
export const CLOCK_TICK_MS = 200;

/**
 * A tick that comes later than this after the one before: the process was stopped, or the machine slept. Nobody could
 * announce meanwhile, so that time ages nobody either.
 */
export const STOPPED_MS = 10_000;

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

/** What moves the clock: its owner has one. */
export class ClockHand {
  readonly #clock: Clock;
  #lastMs: number;
  #ranMs = 0;

  /** `nowMs`: milliseconds on the monotonic clock, as of every tick. */
  constructor(clock: Clock, nowMs: number) {
    this.#clock = clock;
    this.#lastMs = nowMs;
  }

  /** To be called every CLOCK_TICK_MS. */
  tick(nowMs: number): void {
    const passedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#ranMs += passedMs > STOPPED_MS ? CLOCK_TICK_MS : passedMs;
    this.#clock.second = Math.floor(this.#ranMs / 1000);
  }
}
