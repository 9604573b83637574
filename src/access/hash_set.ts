/**
 * A set of info hashes in shared memory: one thread writes, any thread looks up, nobody waits. Open addressing with
 * linear probing under a keyed hash, so that nobody outside can make a lookup long.
 *
 *   word 0  slots           word 1  entries in use      word 2  entries taken out, whose slots stay theirs
 *   word 3  hash key, 4 words
 *   word 8… slots of three words, the mark of an info hash
 *           0  bits 31-2 of its keyed hash, which say where it is; bits 1-0 state (0 free, 1 taken out, 2 in use)
 *           1  its hash under another key        2  its last word
 *
 * A mark stands for its hash: that another hash of a list of five million has the same is as likely as one in 10^21, and
 * who aims for it would have to announce 2^62 hashes, because the keys are secret. The hashes themselves would take
 * twice the memory, and there are two sets while one takes the place of the other (docs/adr/0015).
 *
 * A slot is never given to another hash, so that a reader cannot see half of one and half of the other: it sees the
 * hash or, for an instant, does not yet. A set too full is copied into a larger one.
 */
import { keyedHash } from "../swarm/keyed_hash.ts";

/** Words of a slot: 5 million hashes take 5,000,000 / 0.7 * 12 = 86 MB. */
const SLOT_WORDS = 3;
const HEAD_WORDS = 8;
const SLOTS = 0, USED = 1, REMOVED = 2, KEY = 3;
const FREE = 0, TAKEN_OUT = 1, IN_USE = 2, STATE_MASK = 3;
/** No slot: of a set that has no free one, which is none of ours. */
const NOWHERE = -1;
/** Words of an info hash. */
const HASH_WORDS = 5;
/** Share of the slots that a set is made for, the share to which it is used again, and the share at which it is full. */
const LOAD = 0.7, LOAD_REUSED = 0.8, LOAD_MAX = 0.85;
/** A set this many times too large is not used again for a smaller one. */
const REUSE_MAX = 2;
/** Slots of the smallest set. */
const SLOTS_MIN = 64;
/** Info hashes that a set is made for at most: 0.9 GB, beside those of tracker.memory. */
export const HASHES_MAX = 50_000_000;
/** Words of the key that a list is made with. */
export const LIST_KEY_WORDS = 4;

/** A set of info hashes. */
export class HashSet {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #slots: number;
  /** The mark of the hash at hand. */
  #placeWord = 0;
  #secondWord = 0;
  #lastWord = 0;

  /** A view of a set made by `create`. */
  constructor(memory: SharedArrayBuffer) {
    const words = new Int32Array(memory);
    this.memory = memory;
    this.#words = words;
    // Written by a thread that runs plugins: what it says is not believed beyond what there is.
    this.#slots = Math.min(words[SLOTS], Math.floor((words.length - HEAD_WORDS) / SLOT_WORDS));
  }

  /** Whether `memory` is of a length that can be viewed as a set. */
  static fits(memory: SharedArrayBuffer): boolean {
    return memory.byteLength % 4 === 0 && memory.byteLength >= HEAD_WORDS * 4 && !memory.growable;
  }

  /** An empty set with room for `entries` hashes. `key`: four secret words. Throws when they are more than HASHES_MAX. */
  static create(entries: number, key: Int32Array): HashSet {
    if (entries > HASHES_MAX) throw new Error(`a list may have at most ${HASHES_MAX} info hashes`);
    const slots = Math.max(SLOTS_MIN, Math.ceil(entries / LOAD));
    const memory = new SharedArrayBuffer((HEAD_WORDS + slots * SLOT_WORDS) * 4), words = new Int32Array(memory);
    words[SLOTS] = slots;
    words.set(key.subarray(0, LIST_KEY_WORDS), KEY);
    return new HashSet(memory);
  }

  /** An empty set in the memory of one that nobody reads any more; null when it is too small, or far too large. */
  static reuse(memory: SharedArrayBuffer, entries: number): HashSet | null {
    const words = new Int32Array(memory), slots = words[SLOTS], wanted = Math.max(SLOTS_MIN, Math.ceil(entries / LOAD));
    if (slots < wanted * LOAD / LOAD_REUSED || slots > wanted * REUSE_MAX) return null;
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

  /** Whether the hash of five words at `at` is in the set. About 80 ns, without allocation. */
  has(hash: Int32Array, at: number): boolean {
    this.#mark(hash, at);
    return (this.#words[this.#find()] & STATE_MASK) === IN_USE;
  }

  /** Adds the hash of five words at `at`. For the writer only, and not when `isFull`. */
  add(hash: Int32Array, at: number): void {
    this.#mark(hash, at);
    this.#addMark();
  }

  /** Takes the hash of five words at `at` out. For the writer only. */
  remove(hash: Int32Array, at: number): void {
    this.#mark(hash, at);
    const words = this.#words, slot = this.#find();
    if ((words[slot] & STATE_MASK) !== IN_USE) return;
    Atomics.store(words, slot, this.#placeWord | TAKEN_OUT);
    words[USED]--;
    words[REMOVED]++;
  }

  /** A copy with room for `entries` hashes or for its own twice over. Throws when it cannot be larger. */
  grown(entries = 0): HashSet {
    const words = this.#words,
      double = this.size * 2,
      room = this.size < HASHES_MAX ? Math.min(HASHES_MAX, double) : double;
    const larger = HashSet.create(Math.max(entries, room), words.slice(KEY, KEY + LIST_KEY_WORDS));
    for (let slot = HEAD_WORDS; slot < words.length; slot += SLOT_WORDS) {
      if ((words[slot] & STATE_MASK) !== IN_USE) continue;
      larger.#placeWord = words[slot] & ~STATE_MASK;
      larger.#secondWord = words[slot + 1];
      larger.#lastWord = words[slot + 2];
      larger.#addMark();
    }
    return larger;
  }

  #mark(hash: Int32Array, at: number): void {
    const words = this.#words;
    this.#placeWord = keyedHash(words[KEY], words[KEY + 1], hash, at, HASH_WORDS) & ~STATE_MASK;
    this.#secondWord = keyedHash(words[KEY + 2], words[KEY + 3], hash, at, HASH_WORDS);
    this.#lastWord = hash[at + HASH_WORDS - 1];
  }

  #addMark(): void {
    const words = this.#words, slot = this.#find(), state = words[slot] & STATE_MASK;
    if (slot === NOWHERE || state === IN_USE) return;
    if (state === TAKEN_OUT) words[REMOVED]--;
    words[slot + 1] = this.#secondWord;
    words[slot + 2] = this.#lastWord;
    words[USED]++;
    // The state comes last: who sees it sees the hash.
    Atomics.store(words, slot, this.#placeWord | IN_USE);
  }

  // The slot of the hash that was marked, or the free one where it would be. NOWHERE when there is neither: a reader must
  // not loop for ever over memory that another thread writes.
  #find(): number {
    const words = this.#words, slots = this.#slots, placeWord = this.#placeWord;
    let index = Math.floor((placeWord >>> 0) * slots / 0x100000000);
    for (let probes = 0; probes < slots; probes++) {
      const slot = HEAD_WORDS + index * SLOT_WORDS, word = words[slot];
      if (word === FREE) return slot;
      if (
        (word & ~STATE_MASK) === placeWord && words[slot + 1] === this.#secondWord && words[slot + 2] === this.#lastWord
      ) return slot;
      if (++index === slots) index = 0;
    }
    return NOWHERE;
  }
}
