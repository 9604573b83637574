/**
 * Which networks send most: a small table in shared memory, written by one thread, read by anyone. It keeps the heavy
 * senders and forgets the rest: two networks that meet in a slot take from each other, and the heavier stays.
 * Counts are halved every HALVING_MINUTES, so that they are about lately.
 *
 *   slot (words)   0 first 32 bits of the network, in network order   1 the next 32, or IPV4_MARK   2 count   3 unused
 */

/** Slots of a thread's table: 64 KiB. */
const SLOTS = 4096;
const SLOT_WORDS = 4;
/** Stands for "no more bits" in the second word: no IPv6 network of 48 bits or fewer ends in it. */
const IPV4_MARK = 0x04000000;
const MASK6_SECOND = 0x0000ffff;
const HASH_FACTOR = 0x9e3779b1;

/** How often counts are halved. */
export const HALVING_MINUTES = 2;
/** Bits of an IPv6 network: what one site usually has. */
export const NETWORK_BITS6 = 48;

/** Words of one thread's table. */
export const NETWORK_COUNTS_WORDS = SLOTS * SLOT_WORDS;

/** Prefix of the IPv4 networks that are counted by their announces, and by their hasty ones. */
const BUSY_BITS4 = 24, HASTY_BITS4 = 28;

/** Minutes since the last announce from which one is no longer hasty: opentracker's woodpeckers. */
export const HASTY_MINUTES_MAX = 20;

/** Both tables of one thread. */
export class FrontNetworks {
  /** Who announces. */
  readonly busy: NetworkCounts;
  /** Who announces again before HASTY_MINUTES_MAX, but not within a minute. */
  readonly hasty: NetworkCounts;

  /** `memory`: from createNetworkCounts. `index`: the thread's number. */
  constructor(memory: SharedArrayBuffer, index: number) {
    const table = (number: number) => new Int32Array(memory, number * NETWORK_COUNTS_WORDS * 4, NETWORK_COUNTS_WORDS);
    this.busy = new NetworkCounts(table(index * 2), BUSY_BITS4);
    this.hasty = new NetworkCounts(table(index * 2 + 1), HASTY_BITS4);
  }

  /** Halves all counts if it is time. */
  age(minute: number): void {
    this.busy.age(minute);
    this.hasty.age(minute);
  }
}

/** Shared memory for the tables of `threads` threads. */
export function createNetworkCounts(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * 2 * NETWORK_COUNTS_WORDS * 4);
}

/** One thread's table. */
export class NetworkCounts {
  readonly #words: Int32Array;
  readonly #mask4: number;
  readonly #bits4: number;
  #halvedMinute = 0;

  /** `words`: NETWORK_COUNTS_WORDS of shared memory. `bits4`: length of an IPv4 network's prefix, 8 to 32. */
  constructor(words: Int32Array, bits4: number) {
    this.#words = words;
    this.#bits4 = bits4;
    // Address words are little endian: the first byte of the address is the lowest.
    const bytes = Uint8Array.from({ length: 4 }, (_, i) => 0xff << Math.max(0, Math.min(8, 8 - (bits4 - i * 8))));
    this.#mask4 = new Int32Array(bytes.buffer)[0]!;
  }

  /** Counts one request of the address. A few nanoseconds. */
  note(address: Int32Array, family: number): void {
    const first = family === 4 ? address[0]! & this.#mask4 : address[0]!;
    const second = family === 4 ? IPV4_MARK : address[1]! & MASK6_SECOND;
    const at = (Math.imul(first ^ second, HASH_FACTOR) >>> 20) * SLOT_WORDS, w = this.#words;
    if (w[at] === first && w[at + 1] === second) w[at + 2]!++;
    else if (w[at + 2]! > 0) w[at + 2]!--;
    else {
      w[at] = first;
      w[at + 1] = second;
      w[at + 2] = 1;
    }
  }

  /** Halves all counts if it is time. `minute`: of the tracker's clock. */
  age(minute: number): void {
    if (minute - this.#halvedMinute < HALVING_MINUTES) return;
    this.#halvedMinute = minute;
    for (let at = 2; at < NETWORK_COUNTS_WORDS; at += SLOT_WORDS) this.#words[at]! >>= 1;
  }

  /** Calls `each` for every network counted: its bytes (4 or 16, overwritten by the next), its bits and its count. */
  forEach(each: (address: Uint8Array, bits: number, count: number) => void): void {
    const words = new Int32Array(4), bytes = new Uint8Array(words.buffer);
    for (let at = 0; at < NETWORK_COUNTS_WORDS; at += SLOT_WORDS) {
      const count = this.#words[at + 2]!;
      if (count <= 0) continue;
      const is4 = this.#words[at + 1] === IPV4_MARK;
      words[0] = this.#words[at]!;
      words[1] = is4 ? 0 : this.#words[at + 1]!;
      each(is4 ? bytes.subarray(0, 4) : bytes, is4 ? this.#bits4 : NETWORK_BITS6, count);
    }
  }
}
