/**
 * The signs of life of a thread that runs plugins, in shared memory, so that the supervisor can tell a thread that a
 * plugin holds up, and which plugin it is. A thread that was given up while it was in a slot never comes out of it: its
 * successor has taken over what it had open.
 *
 *   word 0   beats, counted up by a timer of the thread's own
 *   word 1   mark of the plugin whose slot is running; 0 = none, GIVEN_UP = the thread has a successor
 *   word 2   mark of the plugin that was begun last and may go on later: a page that waits, a module being loaded; 0 = none
 *   word 3   MiB of bytes outside of the heap, which no limit of the heap holds
 */

const BEATS = 0, WITHIN = 1, BESIDE = 2, OUTSIDE = 3, WORDS = 4;
const GIVEN_UP = -1;

/** How often a thread beats: several times between two looks of the supervisor. */
export const BEAT_MS = 200;

/** Shared memory for one thread. A successor gets its own. */
export function createLife(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * 4);
}

/** The number of plugin `index` here; 0 is no plugin. */
export function markOf(index: number): number {
  return index + 1;
}

/** The thread's end. */
export class Life {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer = createLife()) {
    this.#words = new Int32Array(memory);
  }

  /** Says that the thread gets its turns. `outsideBytes`: what it holds outside of the heap, shared memory apart. */
  beat(outsideBytes: number): void {
    this.#words[OUTSIDE] = Math.floor(outsideBytes / (1024 * 1024));
    this.#words[BEATS]++;
  }

  /** A slot of plugin `mark` begins, which ends before anything else of the thread goes on. One store. */
  enter(mark: number): void {
    this.#words[WITHIN] = mark;
  }

  /** The slot has ended. Does not return to a thread that was given up meanwhile. About 10 ns. */
  leave(mark: number): void {
    if (Atomics.compareExchange(this.#words, WITHIN, mark, 0) === mark) return;
    for (;;) Atomics.wait(this.#words, WITHIN, GIVEN_UP);
  }

  /** Something of plugin `mark` begins that may go on later. */
  begin(mark: number): void {
    this.#words[BESIDE] = mark;
  }

  /** Nothing that was begun goes on any more. */
  end(): void {
    this.#words[BESIDE] = 0;
  }
}

/** Where a thread was when it was last seen. */
export interface Whereabouts {
  /** Mark of the plugin that held it; 0 = none is known. */
  readonly mark: number;
  /** Whether it was in a slot: then it was outside of the store, and does not come back. */
  readonly isInSlot: boolean;
}

/** The supervisor's end. */
export class LifeSeen {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Beats so far. */
  get beats(): number {
    return Atomics.load(this.#words, BEATS);
  }

  /** MiB of bytes that it held outside of the heap when it beat last. */
  get outsideMebibytes(): number {
    return Atomics.load(this.#words, OUTSIDE);
  }

  /** Mark of the plugin of which something was begun that goes on; 0 = none. */
  get begun(): number {
    return Atomics.load(this.#words, BESIDE);
  }

  /** Whether it is in a plugin's code, or may be. */
  get isInPlugin(): boolean {
    return Atomics.load(this.#words, WITHIN) > 0 || this.begun > 0;
  }

  /** Gives the thread up. From a slot it never returns; elsewhere it must be ended by other means. */
  giveUp(): Whereabouts {
    const mark = Atomics.load(this.#words, WITHIN);
    if (mark > 0 && Atomics.compareExchange(this.#words, WITHIN, mark, GIVEN_UP) === mark) {
      return { mark, isInSlot: true };
    }
    return { mark: Atomics.load(this.#words, BESIDE), isInSlot: false };
  }
}
