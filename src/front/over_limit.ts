/**
 * Connections of addresses over their limit whose request has begun: it may be a stop, which nobody is refused. A few may
 * wait for the rest of it, and the one that waits longest goes for a new one.
 */

/** Such connections of a front: a flood of them takes few places, and a packet that was lost has time to come again. */
export const OVER_LIMIT_MAX = 256;

/** Those of one front. `T`: what it knows a connection by. */
export class OverLimit<T> {
  readonly #waiting: T[] = [];
  #next = 0;

  /** Takes in a connection. Returns the one that has to go for it, if it still waits. */
  add(connection: T): T | undefined {
    const oldest = this.#waiting[this.#next];
    this.#waiting[this.#next] = connection;
    this.#next = (this.#next + 1) % OVER_LIMIT_MAX;
    return oldest;
  }
}
