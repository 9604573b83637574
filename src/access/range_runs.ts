/**
 * Ranges of addresses, put in order a piece at a time, so that whoever reads a million of them need not stop for it. What
 * comes is sorted run by run, and then of two runs always one is made; in a run no range touches another. Pure.
 *
 * A range is its first and its last address, each of `width` words in the order of addresses: the first word holds the
 * highest bits, and the highest bit of each is turned round, so that signed words sort as the addresses do.
 */

const HIGHEST_BIT = 0x80000000 | 0, WORD_BITS = 32;
/** Ranges that are sorted, and that are merged, at once: a few milliseconds. */
const RUN_RANGES = 8192, STEP_RANGES = 65_536;

/** A word of network bytes, read little endian, as it stands in ranges. */
export function orderedWord(word: number): number {
  return (word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24) ^ HIGHEST_BIT;
}

/** The ranges of one address family. */
export class RangeRuns {
  readonly #width: number;
  /** What has come since the last run. */
  readonly #fresh: Int32Array;
  #freshCount = 0;
  /** Those that wait to be merged; one that was made of two is the last. */
  readonly #runs: Int32Array[] = [];
  #merge: Merge | undefined;

  /** `width`: words of an address, 1 or 4. */
  constructor(width: number) {
    this.#width = width;
    this.#fresh = new Int32Array(RUN_RANGES * 2 * width);
  }

  /** Adds the network of `address`, as the network sends it, and `bits`. Bits past the prefix mean nothing. */
  add(address: Int32Array, bits: number): void {
    const width = this.#width, fresh = this.#fresh, at = this.#freshCount * 2 * width;
    for (let i = 0; i < width; i++) {
      const prefix = bits - i * WORD_BITS, rest = prefix >= WORD_BITS ? 0 : prefix <= 0 ? -1 : -1 >>> prefix;
      const word = orderedWord(address[i]) ^ HIGHEST_BIT;
      fresh[at + i] = (word & ~rest) ^ HIGHEST_BIT;
      fresh[at + width + i] = (word | rest) ^ HIGHEST_BIT;
    }
    if (++this.#freshCount === RUN_RANGES) this.#endRun();
  }

  /** Does a part of what is left to do. True: there is more. */
  settle(): boolean {
    if (this.#freshCount > 0) this.#endRun();
    else if (this.#merge === undefined && this.#runs.length > 1) {
      this.#merge = new Merge(this.#runs.shift()!, this.#runs.shift()!, this.#width);
    } else if (this.#merge?.step()) {
      this.#runs.push(this.#merge.end());
      this.#merge = undefined;
    }
    return this.#merge !== undefined || this.#runs.length > 1;
  }

  /** The ranges in order, when all is settled. */
  get ranges(): Int32Array {
    return this.#runs[0] ?? new Int32Array(0);
  }

  #endRun(): void {
    const width = this.#width, words = this.#fresh, count = this.#freshCount, order = new Uint32Array(count);
    let isSorted = true;
    for (let i = 0; i < count; i++) {
      order[i] = i * 2 * width;
      if (i > 0 && compare(words, order[i - 1], words, order[i], width) > 0) isSorted = false;
    }
    if (!isSorted) order.sort((a, b) => compare(words, a, words, b, width));
    const run = new Joined(count, width);
    for (let i = 0; i < count; i++) run.add(words, order[i]);
    this.#freshCount = 0;
    this.#runs.push(run.end());
  }
}

/** Two runs of which one is made. */
class Merge {
  readonly #a: Int32Array;
  readonly #b: Int32Array;
  readonly #width: number;
  readonly #joined: Joined;
  #inA = 0;
  #inB = 0;

  constructor(a: Int32Array, b: Int32Array, width: number) {
    this.#a = a;
    this.#b = b;
    this.#width = width;
    this.#joined = new Joined((a.length + b.length) / (2 * width), width);
  }

  /** Takes the next ranges. True: those were the last. */
  step(): boolean {
    const width = this.#width, a = this.#a, b = this.#b;
    for (let i = 0; i < STEP_RANGES; i++) {
      const hasA = this.#inA < a.length, hasB = this.#inB < b.length;
      if (!hasA && !hasB) return true;
      if (!hasB || hasA && compare(a, this.#inA, b, this.#inB, width) <= 0) {
        this.#joined.add(a, this.#inA);
        this.#inA += 2 * width;
      } else {
        this.#joined.add(b, this.#inB);
        this.#inB += 2 * width;
      }
    }
    return false;
  }

  /** The run. */
  end(): Int32Array {
    return this.#joined.end();
  }
}

/** Ranges that come in the order of their first addresses; those that overlap or touch become one. */
class Joined {
  readonly #words: Int32Array;
  readonly #width: number;
  /** Where the next range goes. */
  #at = 0;

  constructor(rangesMax: number, width: number) {
    this.#words = new Int32Array(rangesMax * 2 * width);
    this.#width = width;
  }

  add(from: Int32Array, at: number): void {
    const words = this.#words, width = this.#width, last = this.#at - width;
    if (last >= 0 && (compare(from, at, words, last, width) <= 0 || isNext(words, last, from, at, width))) {
      if (compare(from, at + width, words, last, width) <= 0) return;
      for (let i = 0; i < width; i++) words[last + i] = from[at + width + i];
      return;
    }
    for (let i = 0; i < 2 * width; i++) words[this.#at + i] = from[at + i];
    this.#at += 2 * width;
  }

  end(): Int32Array {
    return this.#at === this.#words.length ? this.#words : this.#words.slice(0, this.#at);
  }
}

// Below 0, 0 or above: how the address at `at` stands to the other.
function compare(a: Int32Array, at: number, b: Int32Array, bAt: number, width: number): number {
  for (let i = 0; i < width; i++) if (a[at + i] !== b[bAt + i]) return a[at + i] < b[bAt + i] ? -1 : 1;
  return 0;
}

// Whether the address in `b` is the one after that in `a`.
function isNext(a: Int32Array, at: number, b: Int32Array, bAt: number, width: number): boolean {
  for (let i = width - 1; i >= 0; i--) {
    const next = (a[at + i] + 1) | 0;
    if (b[bAt + i] !== next) return false;
    // Without a carry the words before are the same.
    if (next !== HIGHEST_BIT) return compare(a, at, b, bAt, i) === 0;
  }
  return false;
}
