/**
 * A walk over the whole store, shared by all who ask while it is under way, and for some seconds after it began: however
 * many ask, one walk is made at a time.
 */
import type { StatsSnapshot } from "waggle/plugin";

/** One kind of walk, in one thread. */
export class SharedWalk<T> {
  readonly #walk: (snapshot: StatsSnapshot) => Promise<T>;
  readonly #seconds: number;
  #last: { readonly result: Promise<T>; readonly second: number } | undefined;
  #isUnderWay = false;

  /** `seconds`: for which a result is good when the walk is over; 0 = only those who asked before that share it. */
  constructor(walk: (snapshot: StatsSnapshot) => Promise<T>, seconds = 0) {
    this.#walk = walk;
    this.#seconds = seconds;
  }

  /** What the walk under way, or a new one, finds. One that fails fails for all who wait for it, and is forgotten. */
  readonly take = (snapshot: StatsSnapshot): Promise<T> => {
    const { uptimeSeconds: second } = snapshot, last = this.#last;
    if (last !== undefined && (this.#isUnderWay || second - last.second < this.#seconds)) return last.result;
    const walk = this.#last = { result: this.#walk(snapshot), second };
    this.#isUnderWay = true;
    walk.result.finally(() => this.#isUnderWay = false).catch(() => this.#last = undefined);
    return walk.result;
  };
}
