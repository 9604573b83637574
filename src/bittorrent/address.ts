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

const COLON = 0x3a, DOT = 0x2e, DIGIT_0 = 0x30, LETTER_A = 0x61;

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
    const c = i === text.length ? DOT : text.charCodeAt(i);
    if (c === DOT) {
      if (octet < 0 || octets === 4) return false;
      bytes[at + octets++] = octet;
      octet = -1;
    } else if (c >= DIGIT_0 && c <= DIGIT_0 + 9) {
      // A leading zero would be octal to some.
      if (octet === 0) return false;
      octet = (octet < 0 ? 0 : octet * 10) + c - DIGIT_0;
      if (octet > 255) return false;
    } else return false;
  }
  return octets === 4;
}

// Groups of hex digits; `::`, once, stands for the groups that are missing; the last may be an IPv4 address.
function parseIpv6(text: string, bytes: Uint8Array): boolean {
  let at = text.startsWith("::") ? 2 : 0, to = 0, gap = at === 0 ? -1 : 0;
  while (at < text.length) {
    const start = at;
    let value = 0;
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, ++at)) value = value << 4 | digit;
    if (text.charCodeAt(at) === DOT) {
      if (to > 12 || !parseIpv4(text.slice(start), bytes, to)) return false;
      to += 4;
      break;
    }
    if (at === start || at - start > 4 || to === 16) return false;
    bytes[to++] = value >> 8;
    bytes[to++] = value & 0xff;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return false;
    if (text.charCodeAt(at) !== COLON) continue;
    if (gap >= 0) return false;
    gap = to;
    at++;
  }
  if (gap < 0) return to === 16;
  if (to > 14) return false;
  bytes.copyWithin(16 - (to - gap), gap, to);
  bytes.fill(0, gap, 16 - (to - gap));
  return true;
}

// The value of the hex digit at `at`; -1 = there is none.
function hexDigit(text: string, at: number): number {
  const c = text.charCodeAt(at), letter = (c | 0x20) - LETTER_A;
  if (letter >= 0 && letter < 6) return 10 + letter;
  return c >= DIGIT_0 && c <= DIGIT_0 + 9 ? c - DIGIT_0 : -1;
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
