/**
 * IP addresses between text, bytes and the words the store keeps (announce.ts says how). An IPv4 address mapped into
 * IPv6 (`::ffff:a.b.c.d`) is an IPv4 address everywhere.
 */
import type { Family } from "./announce.ts";

/** Word of the bytes 00 00 ff ff: the third word of a mapped address. */
export const MAPPED_WORD = 0xffff0000 | 0;

/** Something with an address in registers. */
export interface AddressRegisters {
  family: Family;
  readonly address: Int32Array;
  readonly addressBytes: Uint8Array;
}

/** Sets the address from four words of an IPv6 address at `at`; a mapped one becomes IPv4. */
export function setAddress6(target: AddressRegisters, words: Int32Array, at: number): void {
  const address = target.address;
  if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED_WORD) {
    setAddress4(target, words[at + 3]);
    return;
  }
  target.family = 6;
  address[0] = words[at];
  address[1] = words[at + 1];
  address[2] = words[at + 2];
  address[3] = words[at + 3];
}

/** Sets an IPv4 address from its word. */
export function setAddress4(target: AddressRegisters, word: number): void {
  target.family = 4;
  target.address[0] = word;
  target.address[1] = target.address[2] = target.address[3] = 0;
}

const scratch = new Int32Array(4);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Sets the address from text (`1.2.3.4`, `2001:db8::1`, `::ffff:1.2.3.4`, a zone is ignored). False if it is none. */
export function setAddressText(target: AddressRegisters, text: string): boolean {
  if (!parseAddress(text, scratchBytes)) return false;
  setAddress6(target, scratch, 0);
  return true;
}

/** Parses an address into 16 bytes, IPv4 mapped. False if it is none. */
export function parseAddress(text: string, bytes: Uint8Array): boolean {
  if (!text.includes(":")) {
    bytes.fill(0, 0, 10);
    bytes[10] = bytes[11] = 0xff;
    return parseIpv4(text, bytes, 12);
  }
  const zone = text.indexOf("%");
  return parseIpv6(zone < 0 ? text : text.slice(0, zone), bytes);
}

function parseIpv4(text: string, bytes: Uint8Array, at: number): boolean {
  let octet = -1, octets = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? 46 : text.charCodeAt(i);
    if (c === 46) {
      if (octet < 0 || octets === 4) return false;
      bytes[at + octets++] = octet;
      octet = -1;
    } else if (c >= 48 && c <= 57) {
      // A leading zero would be octal to some.
      if (octet === 0) return false;
      octet = (octet < 0 ? 0 : octet * 10) + c - 48;
      if (octet > 255) return false;
    } else return false;
  }
  return octets === 4;
}

function parseIpv6(text: string, bytes: Uint8Array): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const [before = "", after] = halves;
  const head = groups(before, after === undefined), tail = after === undefined ? [] : groups(after, true);
  if (head === undefined || tail === undefined) return false;
  const zeros = 16 - head.length - tail.length;
  if (halves.length === 2 ? zeros < 2 : zeros !== 0) return false;
  bytes.set([...head, ...new Array(zeros).fill(0), ...tail]);
  return true;
}

// The bytes of colon-separated groups; the last of all may be an IPv4 address.
function groups(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [], parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (isEnd && i === parts.length - 1 && part.includes(".")) {
      const octets = new Uint8Array(4);
      if (!parseIpv4(part, octets, 0)) return undefined;
      bytes.push(...octets);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      const value = parseInt(part, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes.length <= 16 ? bytes : undefined;
}

/** Text of 4 or 16 address bytes: dotted, or RFC 5952 (lower case, the longest run of zeros shortened). */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const parts: number[] = [];
  for (let i = 0; i < 16; i += 2) parts.push(bytes[i]! << 8 | bytes[i + 1]!);
  let best = 0, bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && parts[i + run] === 0) run++;
    if (run > bestLength) [best, bestLength] = [i, run];
  }
  const hex = (part: number) => part.toString(16);
  if (bestLength < 2) return parts.map(hex).join(":");
  return `${parts.slice(0, best).map(hex).join(":")}::${parts.slice(best + bestLength).map(hex).join(":")}`;
}
