/**
 * A file of networks: one a line, an address with or without the length of its prefix (`192.0.2.0/24`, `2001:db8::/32`,
 * `192.0.2.7`); what follows a `#` is a remark. Pure.
 */
import { MAPPED_WORD, parseAddress } from "../bittorrent/address.ts";
import { NetworkRangesBuilder } from "./network_ranges.ts";

/** Longest line that can be a network: an IPv6 address with IPv4 at its end, and a prefix. */
const LINE_CHARS_MAX = 64;
/** Lines that are read at once: some ten milliseconds. */
const SLICE_LINES = 16_384;
const DIGIT_0 = 0x30, BITS_DIGITS_MAX = 3;
const IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = 96;
/** `::1.2.3.4`, which RFC 4291 gave up: some read it as 1.2.3.4, others as ::102:304. */
const IPV4_COMPATIBLE = /^::\d+\./;

/** What a file held. */
export interface NetworkLines {
  /** For NetworkRanges. */
  readonly memory: SharedArrayBuffer;
  readonly networks: number;
  /** Lines that are neither networks nor empty, and the number of the first, from 1. */
  readonly badLines: number;
  readonly firstBadLine: number;
}

/** Reads the networks of `text`. */
export function readNetworkLines(text: string): NetworkLines {
  for (const reading = readNetworkSlices(text);;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

/** The same in slices of some milliseconds, for a thread that has other work too. */
export function* readNetworkSlices(text: string): Generator<void, NetworkLines, void> {
  const builder = new NetworkRangesBuilder();
  let badLines = 0, firstBadLine = 0, lineNumber = 0;
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf("\n", at), end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end), remark = line.indexOf("#");
    const network = (remark < 0 ? line : line.slice(0, remark)).trim();
    at = end + 1;
    if (++lineNumber % SLICE_LINES === 0) yield;
    if (network === "" || addNetwork(builder, network)) continue;
    if (badLines++ === 0) firstBadLine = lineNumber;
  }
  while (builder.settle()) yield;
  return { memory: builder.build(), networks: builder.size, badLines, firstBadLine };
}

const words = new Int32Array(4), word4 = words.subarray(3), bytes = new Uint8Array(words.buffer);

function addNetwork(builder: NetworkRangesBuilder, line: string): boolean {
  if (line.length > LINE_CHARS_MAX) return false;
  const slash = line.indexOf("/"), ip = slash < 0 ? line : line.slice(0, slash), isText6 = ip.includes(":");
  const bitsMax = isText6 ? IPV6_BITS : IPV4_BITS, bits = slash < 0 ? bitsMax : parseBits(line, slash + 1);
  if (bits < 0 || bits > bitsMax) return false;
  if (ip.includes("%") || IPV4_COMPATIBLE.test(ip) || !parseAddress(ip, bytes)) return false;
  // Mapped ones are IPv4: with a prefix so short that they hold other addresses too, they are neither.
  if (words[0] !== 0 || words[1] !== 0 || words[2] !== MAPPED_WORD) builder.add6(words, bits);
  else if (!isText6) builder.add4(word4, bits);
  else if (bits < MAPPED_BITS) return false;
  else builder.add4(word4, bits - MAPPED_BITS);
  return true;
}

// One to three digits from `at` to the end of the line; -1 = they are not.
function parseBits(line: string, at: number): number {
  let bits = 0;
  for (let i = at; i < line.length; i++) {
    const digit = line.charCodeAt(i) - DIGIT_0;
    if (digit < 0 || digit > 9) return -1;
    bits = bits * 10 + digit;
  }
  return line.length > at && line.length <= at + BITS_DIGITS_MAX ? bits : -1;
}
