/**
 * Announce and scrape parameters out of a query string, as bytes: info hashes are raw bytes and no text API keeps them
 * whole. A `+` is a plus. Names are matched as they stand. `left`, `numwant` and `compact` may be empty, which says no
 * more than leaving them out: WebTorrent sends `left=` while it knows no more than a magnet link. Pure and total;
 * nothing is allocated.
 * Source: BEP 3, BEP 7, BEP 21, BEP 23, BEP 48.
 */
import {
  type AnnounceRequest,
  EVENT_COMPLETED,
  EVENT_NONE,
  EVENT_PAUSED,
  EVENT_STARTED,
  EVENT_STOPPED,
} from "../bittorrent/announce.ts";
import {
  COMPACT_BAD,
  INFO_HASH_BAD,
  INFO_HASH_MISSING,
  LEFT_BAD,
  NOT_REFUSED,
  NUMWANT_BAD,
  PEER_ID_BAD,
  PERCENT_BAD,
  PORT_BAD,
} from "../bittorrent/refusal.ts";
import type { ScrapeRequest } from "../bittorrent/scrape.ts";

/** Hashes answered in one HTTP scrape; more are ignored, as by opentracker. */
export const HTTP_SCRAPE_HASHES_MAX = 64;

const AMPERSAND = 0x26, EQUALS = 0x3d, PERCENT = 0x25, MINUS = 0x2d, ZERO = 0x30;
/** What a number that is none parses to: no parameter allows it. */
const NO_NUMBER = -0x80000000;
/** What the port is until it has been read. */
const NO_PORT = -1;
/** Where the reading of a number stops growing: above every limit, below where doubles lose whole numbers. */
const NUMBER_MAX = 0x7fffffff;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX["0123456789abcdef".charCodeAt(i)] = i;
  HEX["0123456789ABCDEF".charCodeAt(i)] = i;
}

const encoder = new TextEncoder();
const INFO_HASH = encoder.encode("info_hash"), PORT = encoder.encode("port"), LEFT = encoder.encode("left");
const EVENT = encoder.encode("event"), NUMWANT = encoder.encode("numwant"), COMPACT = encoder.encode("compact");
const PEER_ID = encoder.encode("peer_id");
const EVENTS: readonly (readonly [Uint8Array, number])[] = [
  [encoder.encode("started"), EVENT_STARTED],
  [encoder.encode("completed"), EVENT_COMPLETED],
  [encoder.encode("stopped"), EVENT_STOPPED],
  [encoder.encode("paused"), EVENT_PAUSED],
];

/** Decodes the announce whose query is bytes `start` to `end` into `request`. Returns a refusal or NOT_REFUSED. */
export function decodeAnnounceQuery(bytes: Uint8Array, start: number, end: number, request: AnnounceRequest): number {
  request.seeder = false;
  request.event = EVENT_NONE;
  request.numwant = -1;
  request.compact = true;
  request.portWord = NO_PORT;
  for (let i = 0; i < 5; i++) request.peerId[i] = 0;
  request.extraStart = start;
  request.extraEnd = end;
  let hashes = 0, refusal = NOT_REFUSED;
  for (let at = start; at < end && refusal === NOT_REFUSED;) {
    const nameStart = at;
    while (at < end && bytes[at] !== EQUALS && bytes[at] !== AMPERSAND) at++;
    const nameEnd = at, valueStart = at < end && bytes[at] === EQUALS ? at + 1 : at;
    at = valueStart;
    while (at < end && bytes[at] !== AMPERSAND) at++;
    if (valueStart > nameEnd) {
      if (is(INFO_HASH, bytes, nameStart, nameEnd)) {
        hashes++;
        refusal = decodeTwenty(bytes, valueStart, at, request.infoHashBytes, 0, INFO_HASH_BAD);
      } else refusal = decodeParameter(bytes, nameStart, nameEnd, valueStart, at, request);
    }
    at++;
  }
  if (refusal !== NOT_REFUSED) return refusal;
  if (hashes !== 1) return hashes === 0 ? INFO_HASH_MISSING : INFO_HASH_BAD;
  return request.portWord === NO_PORT ? PORT_BAD : NOT_REFUSED;
}

function decodeParameter(
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  start: number,
  end: number,
  request: AnnounceRequest,
): number {
  switch (nameEnd - nameStart) {
    case 4:
      if (is(PORT, bytes, nameStart, nameEnd)) return decodePort(bytes, start, end, request);
      if (is(LEFT, bytes, nameStart, nameEnd)) return decodeLeft(bytes, start, end, request);
      break;
    case 5:
      if (is(EVENT, bytes, nameStart, nameEnd)) request.event = decodeEvent(bytes, start, end);
      break;
    case 7:
      if (is(NUMWANT, bytes, nameStart, nameEnd)) {
        if (start === end) break;
        request.numwant = decodeNumber(bytes, start, end);
        if (request.numwant === NO_NUMBER) return NUMWANT_BAD;
      } else if (is(COMPACT, bytes, nameStart, nameEnd)) {
        if (start === end) break;
        const compact = decodeNumber(bytes, start, end);
        if (compact === NO_NUMBER) return COMPACT_BAD;
        request.compact = compact !== 0;
      } else if (is(PEER_ID, bytes, nameStart, nameEnd)) {
        return decodeTwenty(bytes, start, end, request.peerIdBytes, 0, PEER_ID_BAD);
      }
      break;
  }
  return NOT_REFUSED;
}

/** Decodes the hashes of the scrape whose query is bytes `start` to `end`. Returns a refusal or NOT_REFUSED. */
export function decodeScrapeQuery(bytes: Uint8Array, start: number, end: number, request: ScrapeRequest): number {
  request.count = 0;
  for (let at = start; at < end;) {
    const nameStart = at;
    while (at < end && bytes[at] !== AMPERSAND) at++;
    const valueStart = nameStart + INFO_HASH.length + 1;
    if (valueStart <= at && bytes[valueStart - 1] === EQUALS && is(INFO_HASH, bytes, nameStart, valueStart - 1)) {
      if (request.count < HTTP_SCRAPE_HASHES_MAX) {
        const refusal = decodeTwenty(bytes, valueStart, at, request.bytes, request.count * 20, INFO_HASH_BAD);
        if (refusal !== NOT_REFUSED) return refusal;
        request.count++;
      }
    }
    at++;
  }
  return request.count === 0 ? INFO_HASH_MISSING : NOT_REFUSED;
}

function is(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}

// Percent-decodes into 20 bytes of `to` at `toAt`. Returns `lengthRefusal` for any other length.
function decodeTwenty(
  bytes: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  toAt: number,
  lengthRefusal: number,
): number {
  let length = 0;
  for (let at = start; at < end; length++) {
    if (length === 20) return lengthRefusal;
    if (bytes[at] !== PERCENT) to[toAt + length] = bytes[at++];
    else {
      if (at + 2 >= end) return PERCENT_BAD;
      const high = HEX[bytes[at + 1]], low = HEX[bytes[at + 2]];
      if ((high | low) < 0) return PERCENT_BAD;
      to[toAt + length] = high << 4 | low;
      at += 3;
    }
  }
  return length === 20 ? NOT_REFUSED : lengthRefusal;
}

// A whole number, held at NUMBER_MAX; NO_NUMBER when it is none.
function decodeNumber(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS;
  let at = negative ? start + 1 : start, value = 0;
  if (at >= end) return NO_NUMBER;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return NO_NUMBER;
    value = value > 200_000_000 ? NUMBER_MAX : value * 10 + digit;
  }
  return negative ? -value : value;
}

function decodePort(bytes: Uint8Array, start: number, end: number, request: AnnounceRequest): number {
  const port = decodeNumber(bytes, start, end);
  if (port < 0 || port > 65535) return PORT_BAD;
  request.portWord = (port & 0xff) << 8 | port >> 8;
  return NOT_REFUSED;
}

// Only zero or not zero matters, and the number may be longer than any of ours: its digits are looked at instead.
function decodeLeft(bytes: Uint8Array, start: number, end: number, request: AnnounceRequest): number {
  if (start === end) return NOT_REFUSED;
  if (decodeNumber(bytes, start, end) === NO_NUMBER) return LEFT_BAD;
  request.seeder = true;
  for (let at = start; at < end; at++) if (bytes[at] !== ZERO) request.seeder = false;
  return NOT_REFUSED;
}

function decodeEvent(bytes: Uint8Array, start: number, end: number): number {
  for (let i = 0; i < EVENTS.length; i++) if (is(EVENTS[i][0], bytes, start, end)) return EVENTS[i][1];
  return EVENT_NONE;
}
