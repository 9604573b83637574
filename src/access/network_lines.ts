/**
 * A file of networks: one a line, an address with or without the length of its prefix (`192.0.2.0/24`, `2001:db8::/32`,
 * `192.0.2.7`); what follows a `#` is a remark. Pure.
 */
import { parseAddress } from "../bittorrent/address.ts";
import { NetworkRangesBuilder } from "./network_ranges.ts";

/** Longest line that can be a network: an IPv6 address with IPv4 at its end, and a prefix. */
const LINE_CHARS_MAX = 64;
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

/** Reads the networks of `text`. A hundred thousand take a tenth of a second. */
export function readNetworkLines(text: string): NetworkLines {
  const builder = new NetworkRangesBuilder();
  let badLines = 0, firstBadLine = 0, lineNumber = 0;
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf("\n", at), end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end), remark = line.indexOf("#");
    const network = (remark < 0 ? line : line.slice(0, remark)).trim();
    at = end + 1;
    lineNumber++;
    if (network === "" || addNetwork(builder, network)) continue;
    if (badLines++ === 0) firstBadLine = lineNumber;
  }
  return { memory: builder.build(), networks: builder.size, badLines, firstBadLine };
}

const bytes = new Uint8Array(16), bytes4 = bytes.subarray(12);

function addNetwork(builder: NetworkRangesBuilder, line: string): boolean {
  const slash = line.indexOf("/"), ip = slash < 0 ? line : line.slice(0, slash);
  if (line.length > LINE_CHARS_MAX || ip.includes("%") || IPV4_COMPATIBLE.test(ip) || !parseAddress(ip, bytes)) {
    return false;
  }
  const isText6 = ip.includes(":"), bitsMax = isText6 ? IPV6_BITS : IPV4_BITS;
  const bitsText = slash < 0 ? String(bitsMax) : line.slice(slash + 1), bits = Number(bitsText);
  if (!/^\d{1,3}$/.test(bitsText) || bits > bitsMax) return false;
  // Mapped ones are IPv4: with a prefix so short that they hold other addresses too, they are neither.
  const is4 = !isText6 || isMapped();
  if (is4 && isText6 && bits < MAPPED_BITS) return false;
  if (is4) builder.add(bytes4, isText6 ? bits - MAPPED_BITS : bits);
  else builder.add(bytes, bits);
  return true;
}

function isMapped(): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}
