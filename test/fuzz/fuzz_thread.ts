/**
 * Runs fuzz targets in a thread of its own and watches it: an input that never ends is seen from outside, because the
 * thread says beforehand what it tries. The thread is thread.ts.
 */
import { type Find, type InputWatch, slow } from "../support/fuzz.ts";

/** What to try. Each target gets the same share of inputs and time. */
export interface FuzzWish {
  /** Module that exports TARGETS. */
  readonly table: string;
  /** Names of targets; empty = all. */
  readonly targets: readonly string[];
  readonly seed: number;
  /** Inputs of all targets together. */
  readonly inputs: number;
  /** Time for all targets together. */
  readonly seconds: number;
}

/** What a target came to. */
export interface FuzzResult {
  readonly target: string;
  /** Inputs tried, the corpus included. */
  readonly inputs: number;
  readonly seconds: number;
  /** Ways through the code that were told apart. */
  readonly outcomes: number;
  /** Of one input, measured again. */
  readonly slowestMs: number;
  /** After its first inputs and after its last, each time after a garbage collection; null where there is none to ask
   * for. */
  readonly memory: readonly [before: Memory, after: Memory] | null;
  readonly find: Find | null;
}

/** Memory in bytes. */
export interface Memory {
  /** Of the process, in RAM. */
  readonly resident: number;
  /** Live objects of the thread, and buffers outside its heap. */
  readonly heap: number;
}

/** What all came to. */
export interface FuzzReport {
  readonly results: readonly FuzzResult[];
  /** Before the first target went on after its first inputs, and after the last. */
  readonly memory: readonly [before: Memory, after: Memory] | null;
}

/** From the thread. */
export type FromFuzzThread =
  | { readonly type: "result"; readonly result: FuzzResult }
  | { readonly type: "done"; readonly report: FuzzReport };

/** To the thread, once. */
export interface ToFuzzThread {
  readonly wish: FuzzWish;
  readonly watched: SharedArrayBuffer;
}

/** Longest input of any target. */
const WATCHED_BYTES_MAX = 1 << 20;
const NUMBER = 0, LENGTH = 1, TARGET = 2, HEAD_BYTES = 12;
const IDLE = 0;
/** An input that has not ended after this long never will. Longer than what is slow: the machine may be busy. */
const HANG_MS = 10_000, LOOK_EVERY_MS = 500;

/** The thread's side of what it tries: its number, its target and its bytes, in shared memory. */
export class SharedWatch implements InputWatch {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #number = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, HEAD_BYTES >> 2);
    this.#bytes = new Uint8Array(memory, HEAD_BYTES);
  }

  /** Index of the target in the table. */
  set target(index: number) {
    Atomics.store(this.#words, TARGET, index);
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input);
    this.#words[LENGTH] = input.length;
    this.#number = (this.#number + 1) & 0x7fffffff || 1;
    Atomics.store(this.#words, NUMBER, this.#number);
  }

  end(): void {
    Atomics.store(this.#words, NUMBER, IDLE);
  }
}

/** Thrown for an input that does not end: the thread cannot be stopped, so the process should. */
export class Hang extends Error {
  constructor(readonly target: number, readonly input: Uint8Array, ms: number) {
    super(`${slow(ms)} and has not ended: target ${target}, ${input.toHex()}`);
  }
}

/** Fuzzes as wished. `tell` is called with each target's result. Rejects with a Hang. */
export async function fuzz(
  wish: FuzzWish,
  tell: (result: FuzzResult) => void,
  hangMs: number = HANG_MS,
): Promise<FuzzReport> {
  const watched = new SharedArrayBuffer(HEAD_BYTES + WATCHED_BYTES_MAX);
  const thread = new Worker(new URL("./thread.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<FuzzReport>();
  thread.onmessage = ({ data }: MessageEvent<FromFuzzThread>) => {
    if (data.type === "result") tell(data.result);
    else resolve(data.report);
  };
  thread.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`the fuzz thread failed: ${event.message}`));
  };
  thread.postMessage({ wish, watched } satisfies ToFuzzThread);
  const timer = setInterval(watcher(watched, hangMs, reject), Math.min(LOOK_EVERY_MS, hangMs));
  try {
    return await promise;
  } finally {
    clearInterval(timer);
    thread.terminate();
  }
}

// Looks now and then whether the same input is still being tried.
function watcher(watched: SharedArrayBuffer, hangMs: number, reject: (hang: Hang) => void): () => void {
  const words = new Int32Array(watched, 0, HEAD_BYTES >> 2), bytes = new Uint8Array(watched, HEAD_BYTES);
  let seen = IDLE, sinceMs = 0;
  return () => {
    const number = Atomics.load(words, NUMBER), now = performance.now();
    if (number !== seen || number === IDLE) [seen, sinceMs] = [number, now];
    else if (now - sinceMs >= hangMs) {
      reject(new Hang(Atomics.load(words, TARGET), bytes.slice(0, words[LENGTH]), now - sinceMs));
    }
  };
}
