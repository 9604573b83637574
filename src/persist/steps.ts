/**
 * When the keeper works and when it rests. What it does beside the fronts is broken into steps with a rest after each. A
 * front that wakes up on the keeper's core waits for the end of a step at most: what has lower priority is put aside only
 * after its turn, a millisecond or two.
 */

/** Length of a step: a good deal less than most announces take. */
const STEP_MS = 0.05;
/** A rest, in which whoever waits for the core gets it; the system makes it a little longer. */
const REST_MS = 0.05;
/** A rest after a pass is so many times as long as the pass, or an interval. */
const RESTS = 2.5;

const NEVER_CHANGES = new Int32Array(new SharedArrayBuffer(4));

/** Steps of one thread. */
export class Steps {
  #begunMs = 0;
  #rests = false;

  /** Before the first piece of work. `rests`: false when somebody waits for the end of it. */
  begin(rests: boolean): void {
    this.#rests = rests;
    this.#begunMs = performance.now();
  }

  /** Between two pieces of work: rests if the step has been long enough. */
  rest(): void {
    if (!this.#rests || performance.now() - this.#begunMs < STEP_MS) return;
    Atomics.wait(NEVER_CHANGES, 0, 0, REST_MS);
    this.#begunMs = performance.now();
  }
}

/**
 * Rest until the next pass, which then ends an interval after this one began if it takes as long: a crash loses no more.
 * With passes too long for that, the rest for those who announce comes first.
 */
export function restMs(intervalMs: number, tookMs: number): number {
  return Math.max(intervalMs - 2 * tookMs, Math.min(intervalMs, tookMs * RESTS));
}
