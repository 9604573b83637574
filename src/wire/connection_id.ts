/**
 * UDP connection ids (BEP 15): 64 bits that only this tracker can have made for one address at one time, so that a
 * forged source is told apart without remembering anyone.
 *
 *   bits 63–48   time of issue in units of CONNECTION_ID_UNIT_SECONDS, modulo 2^16
 *   bits 47–0    keyed MAC over address and whole time of issue: Chaskey-12 cut to 48 bits
 *
 * Source: Mouha et al., Chaskey (2014); the 12-round form of ISO/IEC 29192-6. It works on 32-bit words, which is what
 * makes it quick here: about 60 ns for IPv4, twice that for IPv6.
 */
import type { AddressRegisters } from "../bittorrent/address.ts";

/** Resolution of the time of issue. */
export const CONNECTION_ID_UNIT_SECONDS = 8;

const ROUNDS = 12;
/** Units an id may be from the future: who issues and who checks may be threads, or processes, a moment apart. */
const UNITS_AHEAD_MAX = 1;

/** Makes and checks connection ids with one key. */
export class ConnectionIds {
  readonly #key: Int32Array;
  readonly #subkey: Int32Array;
  readonly #state = new Int32Array(4);
  readonly #unitsMax: number;
  readonly #aheadSeconds: number;
  /** The id of the last `issue`: high and low word as signed numbers, to be written big endian. */
  high = 0;
  low = 0;

  /**
   * `key`: four secret words. `seconds`: how long an id is good. `aheadSeconds`: added to the seconds of `issue` and
   * `isGood`, so that ids of an earlier run with the same key stay good.
   */
  constructor(key: Int32Array, seconds: number, aheadSeconds = 0) {
    this.#key = key.slice(0, 4);
    this.#subkey = timesTwo(this.#key);
    this.#aheadSeconds = aheadSeconds;
    this.#unitsMax = Math.ceil(seconds / CONNECTION_ID_UNIT_SECONDS);
  }

  /** Makes the id of an address at `second`: see `high` and `low`. */
  issue(source: AddressRegisters, second: number): void {
    this.#make(source, Math.floor((second + this.#aheadSeconds) / CONNECTION_ID_UNIT_SECONDS));
  }

  /**
   * True if the id (`high`, `low` as read big endian) was made for this address, and is neither too old nor from the
   * future.
   */
  isGood(source: AddressRegisters, high: number, low: number, second: number): boolean {
    const issued = high >>> 16, now = Math.floor((second + this.#aheadSeconds) / CONNECTION_ID_UNIT_SECONDS);
    const age = (now + UNITS_AHEAD_MAX - issued) & 0xffff;
    if (age > this.#unitsMax + UNITS_AHEAD_MAX) return false;
    this.#make(source, now + UNITS_AHEAD_MAX - age);
    // One comparison of all bits: nothing to be learned from its time.
    return ((this.high ^ high) | (this.low ^ low)) === 0;
  }

  #make(source: AddressRegisters, unit: number): void {
    const state = this.#state, key = this.#key, subkey = this.#subkey, address = source.address;
    for (let i = 0; i < 4; i++) state[i] = key[i]!;
    if (source.family === 6) {
      for (let i = 0; i < 4; i++) state[i]! ^= address[i]!;
      permute(state);
      state[0]! ^= unit;
      state[1]! ^= 6;
    } else {
      state[0]! ^= address[0]!;
      state[1]! ^= unit;
      state[2]! ^= 4;
    }
    // Both lengths are told apart by the family in the last block, which is always a whole one.
    for (let i = 0; i < 4; i++) state[i]! ^= subkey[i]!;
    permute(state);
    for (let i = 0; i < 4; i++) state[i]! ^= subkey[i]!;
    this.high = unit << 16 | (state[1]! & 0xffff);
    this.low = state[0]!;
  }
}

/** Chaskey's permutation of four words, in place. */
export function permute(state: Int32Array): void {
  let v0 = state[0]!, v1 = state[1]!, v2 = state[2]!, v3 = state[3]!;
  for (let round = 0; round < ROUNDS; round++) {
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 13 | v3 >>> 19) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 7 | v1 >>> 25) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
  }
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

// Multiplication by x in the field of 2^128: the subkey of a whole last block.
function timesTwo(key: Int32Array): Int32Array {
  const carry = key[3]! >>> 31 ? 0x87 : 0;
  return Int32Array.of(
    key[0]! << 1 ^ carry,
    key[1]! << 1 | key[0]! >>> 31,
    key[2]! << 1 | key[1]! >>> 31,
    key[3]! << 1 | key[2]! >>> 31,
  );
}
