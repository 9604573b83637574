/**
 * A set of info hashes in shared memory: one thread writes, any thread looks up, nobody waits. Open addressing with
 * linear probing under a keyed hash, so that nobody outside can make a lookup long.
 *
 *   word 0  slots           word 1  entries in use      word 2  entries taken out, whose slots stay theirs
 *   word 3  hash key, 2 words
 *   word 8… slots of six words: state (0 free, 1 taken out, 2 in use), then the info hash
 *
 * A slot is never given to another hash, so that a reader cannot see half of one and half of the other: it sees the
 * hash or, for an instant, does not yet. A set too full is copied into a larger one.
 */
import { keyedHash } from "../swarm/keyed_hash.ts";

/** Words of a slot: 5 million hashes take 5,000,000 / 0.7 * 24 = 171 MB. */
const SLOT_WORDS = 6;
const HEAD_WORDS = 8;
const SLOTS = 0, USED = 1, REMOVED = 2, KEY = 3;
const FREE = 0, TAKEN_OUT = 1, IN_USE = 2;
/** No slot: of a set that has no free one, which is none of ours. */
const NOWHERE = -1;
/** Share of the slots that a set is made for, and the share at which it is full. */
const LOAD = 0.7, LOAD_MAX = 0.85;
/** A set this many times too large is not used again for a smaller one. */
const REUSE_MAX = 2;
/** Slots of the smallest set. */
const SLOTS_MIN = 64;
/** Info hashes that a set is made for at most: 1.7 GB, beside those of tracker.memory. */
export const HASHES_MAX = 50_000_000;

/** A set of info hashes. */
export class HashSet {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #slots: number;
  readonly #key0: number;
  readonly #key1: number;

  /** A view of a set made by `create`. */
  constructor(memory: SharedArrayBuffer) {
    const words = new Int32Array(memory);
    this.memory = memory;
    this.#words = words;
    // Written by a thread that runs plugins: what it says is not believed beyond what there is.
    this.#slots = Math.min(words[SLOTS], Math.floor((words.length - HEAD_WORDS) / SLOT_WORDS));
    this.#key0 = words[KEY];
    this.#key1 = words[KEY + 1];
  }

  /** Whether `memory` is of a length that can be viewed as a set. */
  static fits(memory: SharedArrayBuffer): boolean {
    return memory.byteLength % 4 === 0 && memory.byteLength >= HEAD_WORDS * 4 && !memory.growable;
  }

  /** An empty set with room for `entries` hashes. `key`: two secret words. Throws when they are more than HASHES_MAX. */
  static create(entries: number, key: Int32Array): HashSet {
    if (entries > HASHES_MAX) throw new Error(`a list may have at most ${HASHES_MAX} info hashes`);
    const slots = Math.max(SLOTS_MIN, Math.ceil(entries / LOAD));
    const memory = new SharedArrayBuffer((HEAD_WORDS + slots * SLOT_WORDS) * 4), words = new Int32Array(memory);
    words[SLOTS] = slots;
    words[KEY] = key[0];
    words[KEY + 1] = key[1];
    return new HashSet(memory);
  }

  /** An empty set in the memory of one that nobody reads any more; null when it is too small, or far too large. */
  static reuse(memory: SharedArrayBuffer, entries: number): HashSet | null {
    const words = new Int32Array(memory), slots = words[SLOTS], wanted = Math.max(SLOTS_MIN, Math.ceil(entries / LOAD));
    if (slots < wanted || slots > wanted * REUSE_MAX) return null;
    words.fill(0, HEAD_WORDS);
    words[USED] = words[REMOVED] = 0;
    return new HashSet(memory);
  }

  /** Hashes in the set. */
  get size(): number {
    return this.#words[USED];
  }

  /** Whether the next `add` needs a larger set. */
  get isFull(): boolean {
    return this.#words[USED] + this.#words[REMOVED] >= this.#slots * LOAD_MAX - 1;
  }

  /** Whether the hash of five words at `at` is in the set. About 50 ns, without allocation. */
  has(hash: Int32Array, at: number): boolean {
    const slot = this.#find(hash, at);
    return this.#words[slot] === IN_USE;
  }

  /** Adds the hash of five words at `at`. For the writer only, and not when `isFull`. */
  add(hash: Int32Array, at: number): void {
    const words = this.#words, slot = this.#find(hash, at);
    if (slot === NOWHERE || words[slot] === IN_USE) return;
    if (words[slot] === TAKEN_OUT) words[REMOVED]--;
    for (let i = 0; i < 5; i++) words[slot + 1 + i] = hash[at + i];
    words[USED]++;
    // The state comes last: who sees it sees the hash.
    Atomics.store(words, slot, IN_USE);
  }

  /** Takes the hash of five words at `at` out. For the writer only. */
  remove(hash: Int32Array, at: number): void {
    const words = this.#words, slot = this.#find(hash, at);
    if (words[slot] !== IN_USE) return;
    Atomics.store(words, slot, TAKEN_OUT);
    words[USED]--;
    words[REMOVED]++;
  }

  /** A copy with room for `entries` hashes or for its own twice over. Throws when it cannot be larger. */
  grown(entries = 0): HashSet {
    const words = this.#words,
      double = this.size * 2,
      room = this.size < HASHES_MAX ? Math.min(HASHES_MAX, double) : double;
    const larger = HashSet.create(Math.max(entries, room), Int32Array.of(this.#key0, this.#key1));
    for (let slot = HEAD_WORDS; slot < words.length; slot += SLOT_WORDS) {
      if (words[slot] === IN_USE) larger.add(words, slot + 1);
    }
    return larger;
  }

  // The slot of the hash, or the free one where it would be. NOWHERE when there is neither: a reader must not loop for ever
  // over memory that another thread writes.
  #find(hash: Int32Array, at: number): number {
    const words = this.#words, slots = this.#slots;
    const spread = keyedHash(this.#key0, this.#key1, hash, at, 5) >>> 0;
    let index = Math.floor(spread * slots / 0x100000000);
    for (let probes = 0; probes < slots; probes++) {
      const slot = HEAD_WORDS + index * SLOT_WORDS;
      if (words[slot] === FREE) return slot;
      if (
        words[slot + 1] === hash[at] && words[slot + 2] === hash[at + 1] && words[slot + 3] === hash[at + 2] &&
        words[slot + 4] === hash[at + 3] && words[slot + 5] === hash[at + 4]
      ) return slot;
      if (++index === slots) index = 0;
    }
    return NOWHERE;
  }
}
