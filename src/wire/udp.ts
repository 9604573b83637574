/**
 * The UDP tracker protocol, bytes to registers and back. Pure and total: any bytes give an action or a drop. All
 * numbers are big endian. Source: BEP 15, BEP 41.
 *
 *   connect    0 magic (8)   8 action 0   12 transaction id                                        16 bytes
 *   announce   0 connection id (8)   8 action 1   12 transaction id   16 info hash (20)   36 peer id (20)
 *              56 downloaded (8)   64 left (8)   72 uploaded (8)   80 event   84 IP   88 key   92 numwant
 *              96 port (2)   98… BEP 41 options                                                    98 bytes or more
 *   scrape     0 connection id (8)   8 action 2   12 transaction id   16… info hashes (20 each)
 *
 *   replies    0 action   4 transaction id, then
 *   connect    8 connection id (8)
 *   announce   8 interval   12 leechers   16 seeders   20… compact peers
 *   scrape     8… seeders, completed, leechers of each hash (12 each)
 *   error      8… text
 *
 * The IP at 84 is never used: it would let anyone put anyone into a swarm.
 */
import {
  type AnnounceReply,
  type AnnounceRequest,
  EVENT_COMPLETED,
  EVENT_NONE,
  EVENT_STARTED,
  EVENT_STOPPED,
} from "../bittorrent/announce.ts";
import { REFUSAL_TEXTS } from "../bittorrent/refusal.ts";
import { SCRAPE_HASHES_MAX, type ScrapeReply, type ScrapeRequest } from "../bittorrent/scrape.ts";

/** Not answered. */
export const UDP_DROP = -1;
/** Asks for a connection id. */
export const UDP_CONNECT = 0;
/** Announce. */
export const UDP_ANNOUNCE = 1;
/** Scrape. */
export const UDP_SCRAPE = 2;
/** Action of error replies. */
const UDP_ERROR = 3;

/** Most bytes of a reply: an IPv6 packet of 1280 bytes always arrives whole. */
export const UDP_REPLY_BYTES_MAX = 1232;
/** Bytes of an announce reply before its peers. */
export const UDP_ANNOUNCE_REPLY_BYTES = 20;
/** Bytes of a connect reply. */
export const UDP_CONNECT_REPLY_BYTES = 16;

const REQUEST_BYTES_MIN = 16;
const ANNOUNCE_BYTES_MIN = 98;
const MAGIC_HIGH = 0x417;
const MAGIC_LOW = 0x27101980;
const OPTION_END = 0, OPTION_NOTHING = 1, OPTION_URL = 2;

/** A packet buffer under the three views the decoder reads it through. */
export class PacketBuffer {
  readonly words: Int32Array;
  readonly halves: Uint16Array;
  readonly view: DataView;

  /** `bytes`: its length a multiple of 4. Packets must begin at multiples of 4. */
  constructor(readonly bytes: Uint8Array) {
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
    this.halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** High and low word of a packet's connection id, signed. */
export function connectionIdHigh(packet: PacketBuffer, at: number): number {
  return packet.view.getInt32(at);
}
/** See connectionIdHigh. */
export function connectionIdLow(packet: PacketBuffer, at: number): number {
  return packet.view.getInt32(at + 4);
}

/** The action of the packet of `length` bytes at `at`, or UDP_DROP where it has no readable form. */
export function udpAction(packet: PacketBuffer, at: number, length: number): number {
  if (length < REQUEST_BYTES_MIN) return UDP_DROP;
  const { view } = packet, action = view.getUint32(at + 8);
  if (action === UDP_CONNECT) {
    return view.getUint32(at) === MAGIC_HIGH && view.getUint32(at + 4) === MAGIC_LOW ? UDP_CONNECT : UDP_DROP;
  }
  if (action === UDP_ANNOUNCE) return length >= ANNOUNCE_BYTES_MIN ? UDP_ANNOUNCE : UDP_DROP;
  return action === UDP_SCRAPE ? UDP_SCRAPE : UDP_DROP;
}

/** Whether the announce at `at` (98 bytes or more) says that a peer has stopped or completed. */
export function udpSettles(packet: PacketBuffer, at: number): boolean {
  const event = packet.view.getInt32(at + 80);
  return event === EVENT_STOPPED || event === EVENT_COMPLETED;
}

/**
 * Decodes the announce of `length` (98 or more) bytes at `at` into `request`, whose address is the packet's source and
 * already set. One pass; BEP 41 URL data is joined where it lies.
 */
export function decodeUdpAnnounce(packet: PacketBuffer, at: number, length: number, request: AnnounceRequest): void {
  const { view, words, halves } = packet, word = at >> 2;
  for (let i = 0; i < 5; i++) {
    request.infoHash[i] = words[word + 4 + i];
    request.peerId[i] = words[word + 9 + i];
  }
  request.seeder = (words[word + 16] | words[word + 17]) === 0;
  const event = view.getInt32(at + 80);
  request.event = event === EVENT_COMPLETED || event === EVENT_STARTED || event === EVENT_STOPPED ? event : EVENT_NONE;
  request.numwant = view.getInt32(at + 92);
  request.portWord = halves[(at + 96) >> 1];
  request.compact = true;
  request.extraStart = request.extraEnd = at + ANNOUNCE_BYTES_MIN;
  if (length > ANNOUNCE_BYTES_MIN) joinUrlData(packet.bytes, at + length, request);
}

// Joins the URL data of the options up to `end`; broken options end the reading, as if they were not there.
function joinUrlData(bytes: Uint8Array, end: number, request: AnnounceRequest): void {
  let at = request.extraStart, to = at;
  while (at < end && bytes[at] !== OPTION_END) {
    if (bytes[at] === OPTION_NOTHING) {
      at++;
      continue;
    }
    if (at + 1 >= end) break;
    const length = bytes[at + 1], next = at + 2 + length;
    if (next > end) break;
    if (bytes[at] === OPTION_URL) {
      bytes.copyWithin(to, at + 2, next);
      to += length;
    }
    at = next;
  }
  request.extraEnd = to;
}

/** Decodes the scrape of `length` bytes at `at`; a truncated last hash is not one. Hashes past the limit are left out. */
export function decodeUdpScrape(packet: PacketBuffer, at: number, length: number, request: ScrapeRequest): void {
  const count = Math.min(SCRAPE_HASHES_MAX, Math.floor((length - REQUEST_BYTES_MIN) / 20)), from = (at >> 2) + 4;
  for (let i = 0; i < count * 5; i++) request.words[i] = packet.words[from + i];
  request.count = count;
}

// Action and transaction id, the id copied from the request at `requestAt`.
function encodeHead(out: PacketBuffer, at: number, action: number, request: PacketBuffer, requestAt: number): void {
  out.view.setUint32(at, action);
  out.words[(at >> 2) + 1] = request.words[(requestAt >> 2) + 3];
}

/** Writes a connect reply at `at`. Returns its length. */
export function encodeUdpConnect(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  idHigh: number,
  idLow: number,
): number {
  encodeHead(out, at, UDP_CONNECT, request, requestAt);
  out.view.setInt32(at + 8, idHigh);
  out.view.setInt32(at + 12, idLow);
  return UDP_CONNECT_REPLY_BYTES;
}

/** Writes the head of an announce reply at `at`; the store has put the peers behind it. Returns the whole length. */
export function encodeUdpAnnounce(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  intervalSeconds: number,
  reply: AnnounceReply,
): number {
  encodeHead(out, at, UDP_ANNOUNCE, request, requestAt);
  out.view.setUint32(at + 8, intervalSeconds);
  out.view.setUint32(at + 12, reply.leechers);
  out.view.setUint32(at + 16, reply.seeders);
  return UDP_ANNOUNCE_REPLY_BYTES + reply.peers4 * 6 + reply.peers6 * 18;
}

/** Writes a scrape reply for `count` hashes at `at`. Returns its length. */
export function encodeUdpScrape(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  count: number,
  reply: ScrapeReply,
): number {
  encodeHead(out, at, UDP_SCRAPE, request, requestAt);
  for (let i = 0; i < count * 3; i++) out.view.setInt32(at + 8 + i * 4, reply.counts[i]);
  return 8 + count * 12;
}

/** Refusal texts as bytes, each with the final NUL that opentracker sends. */
const encoder = new TextEncoder();
const ERROR_TEXTS = REFUSAL_TEXTS.map((text) => encoder.encode(`${text}\0`));

/** Bytes of the error reply for `refusal`. */
export function udpErrorBytes(refusal: number): number {
  return 8 + ERROR_TEXTS[refusal]!.length;
}

/** Writes an error reply at `at`. Returns its length. */
export function encodeUdpError(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  refusal: number,
): number {
  return encodeError(out, at, request, requestAt, ERROR_TEXTS[refusal]!);
}

/** Writes an error reply with a text of its own (ASCII, at most 1,000 characters) at `at`. Returns its length. */
export function encodeUdpErrorText(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  text: string,
): number {
  return encodeError(out, at, request, requestAt, encoder.encode(`${text}\0`));
}

function encodeError(
  out: PacketBuffer,
  at: number,
  request: PacketBuffer,
  requestAt: number,
  text: Uint8Array,
): number {
  encodeHead(out, at, UDP_ERROR, request, requestAt);
  out.bytes.set(text, at + 8);
  return 8 + text.length;
}
