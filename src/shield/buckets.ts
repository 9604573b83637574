/**
 * Token buckets of addresses, in one table of fixed size in shared memory that all fronts read and write without a lock.
 * An IPv4 address has an entry, and so has an IPv6 network of 64 bits: what one customer has.
 *
 *   word 0, 1    hash key, secret: nobody outside can aim at a set
 *   word 16…     SETS sets of 16 words, a cache line each: four entries of four words
 *   entry        0 hash of the address   1 datagrams   2 proven requests   3 bad connection ids
 *
 * Two addresses with one hash, of 32 bits, have one entry: one in four billion pairs, and nobody can look for them.
 *
 * A bucket is one word: the tick up to which its tokens are spent. Time is counted in ticks of one token each, so that a
 * bucket fills by itself; what is missing in it is the word less the tick of now, and a word from before is a full one.
 *
 * An address that finds its set full takes the place of the entry whose buckets miss least: the one that forgetting does
 * the least for. Strangers in any number therefore push out strangers and the idle, never a flooder, and whoever is
 * forgotten begins anew with full buckets. Fronts that write one bucket at the same moment may lose a token of it.
 */
import { keyedHash } from "../swarm/keyed_hash.ts";
import type { AddressRegisters } from "../bittorrent/address.ts";

/**
 * Sets: 65,536 addresses, which at their limits come to more than any machine can take. In 1 MiB, because every request
 * looks into the table: one that a processor's caches do not hold would cost more than all the rest of this file.
 */
export const SETS = 16384;
/** Entries of a set: as many as a cache line holds. */
export const WAYS = 4;
const HEAD_WORDS = 16, SET_WORDS = 16, ENTRY_WORDS = 4;
/** The set of an address is the highest 14 bits of its hash. */
const SETS_SHIFT = 18;

/** The buckets of an entry: datagrams, whoever sent them. */
export const DATAGRAMS = 1;
/** Requests whose source is proven: by a good connection id, or by a TCP connection. */
export const PROVEN = 2;
/** Datagrams with a bad connection id. */
export const BAD_IDS = 3;

/**
 * Fronts read the clock once a batch: theirs may be a little apart, and a bucket seem more than empty. What is missing
 * more than this, penalties included, is from a time so long ago that ticks have come round.
 */
const SKEW_SECONDS = 60;

/** How much a bucket holds and how fast it fills. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Shared memory for the table. `key`: two secret words. */
export function createBuckets(key: Int32Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((HEAD_WORDS + SETS * SET_WORDS) * 4);
  new Int32Array(memory).set(key.subarray(0, 2));
  return memory;
}

/** One thread's view of the table. */
export class Buckets {
  readonly #words: Int32Array;
  readonly #key0: number;
  readonly #key1: number;
  readonly #rates: readonly BucketRate[];
  /** Ticks of now in each bucket's own time. */
  readonly #now = new Int32Array(ENTRY_WORDS);
  #second = -1;

  /** `memory`: from createBuckets. A rate of each bucket: whole numbers, 1 to 2^20 tokens a second and 1 to 2^24 in all. */
  constructor(memory: SharedArrayBuffer, datagrams: BucketRate, proven: BucketRate, badIds: BucketRate) {
    this.#words = new Int32Array(memory);
    this.#key0 = this.#words[0]!;
    this.#key1 = this.#words[1]!;
    this.#rates = [datagrams, datagrams, proven, badIds];
  }

  /**
   * Takes a token out of a bucket (DATAGRAMS, PROVEN, BAD_IDS) of the address. False: it is empty, and stays so for
   * `penaltySeconds`, which need a bucket that fills by more than one a second. `second`: of the tracker's clock.
   */
  take(source: AddressRegisters, bucket: number, second: number, penaltySeconds = 0): boolean {
    if (second !== this.#second) this.#setTime(second);
    const words = this.#words, at = this.#find(source) + bucket;
    const { perSecond, burst } = this.#rates[bucket]!, now = this.#now[bucket]!, missing = (words[at]! - now) | 0;
    if (missing < 0 || missing > burst + SKEW_SECONDS * perSecond) {
      words[at] = now + 1;
      return true;
    }
    if (missing < burst) {
      words[at] = now + missing + 1;
      return true;
    }
    // Once, where it runs dry: a penalty that every request made longer would be for ever. One tick more, because what is
    // missing falls by whole seconds, and must not stop where it began.
    if (missing === burst && penaltySeconds > 0) words[at] = now + burst + penaltySeconds * perSecond + 1;
    return false;
  }

  #setTime(second: number): void {
    this.#second = second;
    for (let bucket = DATAGRAMS; bucket < ENTRY_WORDS; bucket++) {
      this.#now[bucket] = Math.imul(second, this.#rates[bucket]!.perSecond);
    }
  }

  // The entry of the address, which may be one it has just been given.
  #find({ family, address }: AddressRegisters): number {
    const words = this.#words, hash = keyedHash(this.#key0, this.#key1, address, 0, family === 4 ? 1 : 2);
    const set = HEAD_WORDS + (hash >>> SETS_SHIFT) * SET_WORDS;
    if (words[set] === hash) return set;
    if (words[set + 4] === hash) return set + 4;
    if (words[set + 8] === hash) return set + 8;
    if (words[set + 12] === hash) return set + 12;
    return this.#replace(set, hash);
  }

  // Gives the entry of the set that misses least to a new address, its buckets full.
  #replace(set: number, hash: number): number {
    const words = this.#words;
    let entry = set, least = Infinity;
    for (let at = set; at < set + SET_WORDS; at += ENTRY_WORDS) {
      const missing = this.#missing(at, DATAGRAMS) + this.#missing(at, PROVEN);
      if (missing >= least) continue;
      least = missing;
      entry = at;
    }
    for (let bucket = DATAGRAMS; bucket < ENTRY_WORDS; bucket++) words[entry + bucket] = this.#now[bucket]!;
    words[entry] = hash;
    return entry;
  }

  // The part of a bucket that is missing.
  #missing(entry: number, bucket: number): number {
    const { perSecond, burst } = this.#rates[bucket]!,
      missing = (this.#words[entry + bucket]! - this.#now[bucket]!) | 0;
    return missing < 0 || missing > burst + SKEW_SECONDS * perSecond ? 0 : missing / burst;
  }
}
