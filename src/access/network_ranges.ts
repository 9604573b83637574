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

const HIGHEST_BIT = 0x80000000 | 0;
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
    return family === 4 ? this.#holds4(turned(address[0])) : this.#holds6(address);
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
    const a = turned(address[0]), b = turned(address[1]), c = turned(address[2]), d = turned(address[3]);
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
  /** First and last address of each network, as numbers. */
  readonly #ranges4: number[] = [];
  readonly #ranges6: [first: bigint, last: bigint][] = [];

  /** Networks so far. */
  get size(): number {
    return this.#ranges4.length / 2 + this.#ranges6.length;
  }

  /** Adds the network of `address` (4 or 16 bytes) and `bits`. Bits past the prefix mean nothing. */
  add(address: Uint8Array, bits: number): void {
    const view = new DataView(address.buffer, address.byteOffset, address.length);
    if (address.length === 4) {
      const size = 2 ** (32 - bits), first = Math.floor(view.getUint32(0) / size) * size;
      this.#ranges4.push(first, first + size - 1);
      return;
    }
    const rest = (1n << BigInt(128 - bits)) - 1n, whole = view.getBigUint64(0) << 64n | view.getBigUint64(8);
    this.#ranges6.push([whole & ~rest, whole | rest]);
  }

  /** The networks in shared memory, for NetworkRanges. */
  build(): SharedArrayBuffer {
    const ranges4 = mergeRanges4(this.#ranges4), ranges6 = mergeRanges6(this.#ranges6);
    const count4 = ranges4.length / 2, count6 = ranges6.length;
    const memory = new SharedArrayBuffer((HEAD_WORDS + count4 * 2 + count6 * 8) * 4), words = new Int32Array(memory);
    words[COUNT4] = count4;
    words[COUNT6] = count6;
    words[NETWORKS] = this.size;
    for (let i = 0; i < count4; i++) {
      words[HEAD_WORDS + i] = ranges4[i * 2] ^ HIGHEST_BIT;
      words[HEAD_WORDS + count4 + i] = ranges4[i * 2 + 1] ^ HIGHEST_BIT;
    }
    const first6 = HEAD_WORDS + count4 * 2;
    for (const [i, [first, last]] of ranges6.entries()) {
      setWords(words, first6 + i * 4, first);
      setWords(words, first6 + (count6 + i) * 4, last);
    }
    return memory;
  }
}

// Sorted by their first addresses, those that overlap or touch made one. Pairs of first and last, flat.
function mergeRanges4(ranges: readonly number[]): number[] {
  // First and last fit one number that sorts as the first does.
  const keys = Float64Array.from({ length: ranges.length / 2 }, (_, i) => ranges[i * 2]);
  const order = Uint32Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b]), merged: number[] = [];
  for (const i of order) {
    const last = ranges[i * 2 + 1], end = merged.length - 1;
    if (end > 0 && keys[i] <= merged[end] + 1) merged[end] = Math.max(merged[end], last);
    else merged.push(keys[i], last);
  }
  return merged;
}

function mergeRanges6(ranges: readonly [bigint, bigint][]): [bigint, bigint][] {
  const merged: [bigint, bigint][] = [];
  for (const [first, last] of ranges.toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)) {
    const before = merged.at(-1);
    if (before === undefined || first > before[1] + 1n) merged.push([first, last]);
    else if (last > before[1]) before[1] = last;
  }
  return merged;
}

function setWords(words: Int32Array, at: number, value: bigint): void {
  for (let i = 0; i < 4; i++) words[at + i] = Number(value >> BigInt(96 - i * 32) & 0xffffffffn) ^ HIGHEST_BIT;
}

// A word of network bytes, read little endian, as it stands in the ranges.
function turned(word: number): number {
  return (word << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24) ^ HIGHEST_BIT;
}
