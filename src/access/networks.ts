/**
 * A set of address ranges, asked with the bytes or the words of an address. Few are expected (a thousand at most), so
 * they are looked through one by one. Allocates nothing when asked.
 */
import { type AddressRegisters, MAPPED_WORD, parseAddress } from "../bittorrent/address.ts";

/** A range as the config reads it: the address in text and the length of its prefix. */
export interface NetworkRange {
  readonly address: string;
  readonly bits: number;
}

const IPV4_BITS_BEFORE = 96;

/** Ranges of addresses. */
export class NetworkSet {
  readonly size: number;
  /** Four words a range, IPv4 mapped into IPv6: address and mask, in the byte order of the network. */
  readonly #addresses: Int32Array;
  readonly #masks: Int32Array;
  readonly #asked = new Int32Array(4);
  readonly #askedBytes = new Uint8Array(this.#asked.buffer);

  /** Throws when an address is none: the config has checked them. */
  constructor(ranges: readonly NetworkRange[]) {
    this.size = ranges.length;
    this.#addresses = new Int32Array(ranges.length * 4);
    this.#masks = new Int32Array(ranges.length * 4);
    const addressBytes = new Uint8Array(this.#addresses.buffer), maskBytes = new Uint8Array(this.#masks.buffer);
    for (const [i, { address, bits }] of ranges.entries()) {
      if (!parseAddress(address, addressBytes.subarray(i * 16, i * 16 + 16))) throw new Error(`no address: ${address}`);
      const prefix = address.includes(":") ? bits : bits + IPV4_BITS_BEFORE;
      for (let k = 0; k < 16; k++) maskBytes[i * 16 + k] = 0xff << Math.max(0, Math.min(8, (k + 1) * 8 - prefix));
      for (let k = 0; k < 4; k++) this.#addresses[i * 4 + k] &= this.#masks[i * 4 + k];
    }
  }

  /** Whether a range holds the address of 4 or 16 bytes. */
  has(address: Uint8Array): boolean {
    const bytes = this.#askedBytes;
    if (address.length === 4) {
      bytes.fill(0, 0, 10);
      bytes[10] = bytes[11] = 0xff;
      for (let i = 0; i < 4; i++) bytes[12 + i] = address[i];
    } else for (let i = 0; i < 16; i++) bytes[i] = address[i];
    return this.#hasAsked();
  }

  /** Whether a range holds the address of a request, or of anything else with an address in registers. */
  holds({ family, address }: AddressRegisters): boolean {
    const asked = this.#asked;
    if (family === 4) {
      asked[0] = asked[1] = 0;
      asked[2] = MAPPED_WORD;
      asked[3] = address[0];
    } else for (let i = 0; i < 4; i++) asked[i] = address[i];
    return this.#hasAsked();
  }

  /** Whether a range holds the address in text; false when it is none. */
  hasText(address: string): boolean {
    return parseAddress(address, this.#askedBytes) && this.#hasAsked();
  }

  #hasAsked(): boolean {
    const asked = this.#asked, addresses = this.#addresses, masks = this.#masks;
    for (let at = 0; at < addresses.length; at += 4) {
      if (
        (asked[0] & masks[at]) === addresses[at] && (asked[1] & masks[at + 1]) === addresses[at + 1] &&
        (asked[2] & masks[at + 2]) === addresses[at + 2] && (asked[3] & masks[at + 3]) === addresses[at + 3]
      ) return true;
    }
    return false;
  }
}
