/**
 * Many networks in shared memory, asked with an address: ranges, sorted, none touching another, looked for by halving.
 * A hundred thousand take 17 steps and no allocation. Made once, then only read; another list is another memory.
 *
 *   word 0  IPv4 ranges   word 1  IPv6 ranges   word 2  networks they were made of
 *   word 4… the first address of each IPv4 range, then the last of each
 *   then    the first address of each IPv6 range (4 words), then the last of each
 *
 * Addresses are numbers here, not the bytes of the network: their words are turned round, and the highest bit with them,
 * so that signed words are in the order of addresses. What is signed fits a small integer, which is never allocated.
 */
import type { AddressRegisters } from "../bittorrent/address.ts";
import { orderedWord, RangeRuns } from "./range_runs.ts";

const COUNT4 = 0, COUNT6 = 1, NETWORKS = 2, HEAD_WORDS = 4;

/** One thread's view of the networks. */
export class NetworkRanges {
  /** Networks they were made of. */
  readonly size: number;
  readonly #words: Int32Array;
  readonly #count4: number;
  readonly #count6: number;
  readonly #first6: number;

  /** `memory`: of a NetworkRangesBuilder. */
  constructor(memory: SharedArrayBuffer) {
    const words = this.#words = new Int32Array(memory);
    this.#count4 = words[COUNT4];
    this.#count6 = words[COUNT6];
    this.size = words[NETWORKS];
    this.#first6 = HEAD_WORDS + this.#count4 * 2;
  }

  /** Whether a network holds the address. */
  holds({ family, address }: AddressRegisters): boolean {
    return family === 4 ? this.#holds4(orderedWord(address[0])) : this.#holds6(address);
  }

  #holds4(asked: number): boolean {
    const words = this.#words;
    // `low`: ranges that begin at or below what is asked.
    let low = 0, high = this.#count4;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (words[HEAD_WORDS + middle] <= asked) low = middle + 1;
      else high = middle;
    }
    return low > 0 && asked <= words[HEAD_WORDS + this.#count4 + low - 1];
  }

  #holds6(address: Int32Array): boolean {
    const a = orderedWord(address[0]),
      b = orderedWord(address[1]),
      c = orderedWord(address[2]),
      d = orderedWord(address[3]);
    let low = 0, high = this.#count6;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#first6 + middle * 4, a, b, c, d) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.#compare(this.#first6 + (this.#count6 + low - 1) * 4, a, b, c, d) >= 0;
  }

  // Where the address at `at` is, seen from the one in words: -1 before it, 0 the same, 1 after it.
  #compare(at: number, a: number, b: number, c: number, d: number): number {
    const words = this.#words;
    if (words[at] !== a) return words[at] < a ? -1 : 1;
    if (words[at + 1] !== b) return words[at + 1] < b ? -1 : 1;
    if (words[at + 2] !== c) return words[at + 2] < c ? -1 : 1;
    return words[at + 3] === d ? 0 : words[at + 3] < d ? -1 : 1;
  }
}

/** Puts networks together. */
export class NetworkRangesBuilder {
  readonly #runs4 = new RangeRuns(1);
  readonly #runs6 = new RangeRuns(4);
  /** Networks so far. */
  size = 0;

  /** Adds the IPv4 network of `address` (its one word, as the network sends it) and `bits`. */
  add4(address: Int32Array, bits: number): void {
    this.#runs4.add(address, bits);
    this.size++;
  }

  /** The same of IPv6: four words. */
  add6(address: Int32Array, bits: number): void {
    this.#runs6.add(address, bits);
    this.size++;
  }

  /** Does a part of the work that is left before `build`. True: there is more. */
  settle(): boolean {
    return this.#runs4.settle() || this.#runs6.settle();
  }

  /** The networks in shared memory, for NetworkRanges, when all is settled. */
  build(): SharedArrayBuffer {
    const { ranges: ranges4 } = this.#runs4, { ranges: ranges6 } = this.#runs6;
    const memory = new SharedArrayBuffer((HEAD_WORDS + ranges4.length + ranges6.length) * 4);
    const words = new Int32Array(memory), count4 = ranges4.length / 2, count6 = ranges6.length / 8;
    words[COUNT4] = count4;
    words[COUNT6] = count6;
    words[NETWORKS] = this.size;
    for (let i = 0; i < count4; i++) {
      words[HEAD_WORDS + i] = ranges4[i * 2];
      words[HEAD_WORDS + count4 + i] = ranges4[i * 2 + 1];
    }
    const first6 = HEAD_WORDS + count4 * 2, last6 = first6 + count6 * 4;
    for (let i = 0; i < count6 * 4; i += 4) {
      for (let word = 0; word < 4; word++) {
        words[first6 + i + word] = ranges6[i * 2 + word];
        words[last6 + i + word] = ranges6[i * 2 + 4 + word];
      }
    }
    return memory;
  }
}
