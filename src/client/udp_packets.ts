/**
 * The packets of BEP 15 as a client sends and reads them, with BEP 41's path after an announce. Big endian. Pure.
 *
 *   request   connect                announce               scrape
 *   0   8     protocol id            connection id          connection id
 *   8   4     action 0               action 1               action 2
 *   12  4     transaction id         transaction id         transaction id
 *   16                               info_hash 20           info_hash 20 each
 *   36                               peer_id 20
 *   56  8×3                          downloaded left uploaded
 *   80  4×4                          event ip key numwant
 *   96  2                            port; BEP 41 options after it
 *
 *   answer    connect                announce               scrape               error
 *   0   4     action 0               action 1               action 2             action 3
 *   4   4     transaction id         transaction id         transaction id       transaction id
 *   8         connection id 8        interval 4             complete 4 each      text
 *   12                               leechers 4             downloaded 4
 *   16                               seeders 4              incomplete 4
 *   20                               peers 6 or 18 each
 */
import { readCompactPeers } from "./compact_peers.ts";
import type { AnnounceAnswer, AnnounceQuestion, ScrapeAnswer, ScrapedSwarm, TrackerRefusal } from "./question.ts";

/** Info hashes of one scrape at most. */
export const UDP_SCRAPE_HASHES_MAX = 74;

const PROTOCOL_ID = 0x41727101980n;
const ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;
const EVENT = { "": 0, completed: 1, started: 2, stopped: 3, paused: 0 } as const;

/** numwant that leaves the number to the tracker. */
const NUMWANT_ANY = -1;

const ANNOUNCE_BYTES = 98;
const HASH_BYTES = 20;
const SWARM_BYTES = 12;

/** BEP 41: option kind, and bytes of path that one option holds. */
const OPTION_URL_DATA = 2;
const OPTION_BYTES_MAX = 255;

/** Encodes a connect. */
export function encodeConnect(transactionId: number): Uint8Array {
  const { packet, view } = newPacket(16);
  view.setBigUint64(0, PROTOCOL_ID);
  view.setUint32(8, ACTION.connect);
  view.setUint32(12, transactionId);
  return packet;
}

/** Encodes an announce. `target`: path and query of the tracker's URL, sent as BEP 41 says unless it is empty. */
export function encodeAnnounce(
  connectionId: bigint,
  transactionId: number,
  question: AnnounceQuestion,
  target: string,
): Uint8Array {
  const options = encodeUrlData(target);
  const { packet, view } = newPacket(ANNOUNCE_BYTES + options.length);
  view.setBigUint64(0, connectionId);
  view.setUint32(8, ACTION.announce);
  view.setUint32(12, transactionId);
  packet.set(question.infoHash, 16);
  packet.set(question.peerId, 36);
  view.setBigUint64(56, BigInt(question.downloaded));
  view.setBigUint64(64, BigInt(question.left));
  view.setBigUint64(72, BigInt(question.uploaded));
  view.setUint32(80, EVENT[question.event]);
  view.setUint32(84, 0);
  view.setUint32(88, question.key);
  view.setInt32(92, question.numwant ?? NUMWANT_ANY);
  view.setUint16(96, question.port);
  packet.set(options, ANNOUNCE_BYTES);
  return packet;
}

/** Encodes a scrape of 1 to `UDP_SCRAPE_HASHES_MAX` info hashes. */
export function encodeScrape(
  connectionId: bigint,
  transactionId: number,
  infoHashes: readonly Uint8Array[],
): Uint8Array {
  const { packet, view } = newPacket(16 + HASH_BYTES * infoHashes.length);
  view.setBigUint64(0, connectionId);
  view.setUint32(8, ACTION.scrape);
  view.setUint32(12, transactionId);
  for (const [index, infoHash] of infoHashes.entries()) packet.set(infoHash, 16 + HASH_BYTES * index);
  return packet;
}

/** What a packet from a tracker can be: a decoded answer, a refusal, or null for one that answers something else. */
export type Decoded<Answer> = Answer | TrackerRefusal | null;

/** Decodes the answer to a connect. */
export function decodeConnect(
  packet: Uint8Array,
  transactionId: number,
): Decoded<{ readonly kind: "connected"; readonly connectionId: bigint }> {
  const view = answerView(packet, transactionId, ACTION.connect, 16);
  if (view === null || "kind" in view) return view;
  return { kind: "connected", connectionId: view.getBigUint64(8) };
}

/** Decodes the answer to an announce. `family`: over which it came, which says how long a peer is. */
export function decodeAnnounce(packet: Uint8Array, transactionId: number, family: 4 | 6): Decoded<AnnounceAnswer> {
  const view = answerView(packet, transactionId, ACTION.announce, 20);
  if (view === null || "kind" in view) return view;
  return {
    kind: "answer",
    interval: view.getUint32(8),
    minInterval: undefined,
    complete: view.getUint32(16),
    incomplete: view.getUint32(12),
    downloaded: undefined,
    peers: readCompactPeers(packet.subarray(20), family),
    warning: undefined,
    trackerId: undefined,
    externalIp: undefined,
  };
}

/** Decodes the answer to a scrape for `infoHashes`; those that a short answer has no room for have no counts. */
export function decodeScrape(
  packet: Uint8Array,
  transactionId: number,
  infoHashes: readonly Uint8Array[],
): Decoded<ScrapeAnswer> {
  const view = answerView(packet, transactionId, ACTION.scrape, 8);
  if (view === null || "kind" in view) return view;
  const swarms = infoHashes.map((infoHash, index): ScrapedSwarm => {
    const at = 8 + SWARM_BYTES * index;
    if (at + SWARM_BYTES > packet.length) return { infoHash, counts: undefined };
    const [complete, downloaded, incomplete] = [0, 4, 8].map((offset) => view.getUint32(at + offset));
    return { infoHash, counts: { complete, downloaded, incomplete } };
  });
  return { kind: "answer", swarms };
}

/**
 * Why `packet` is not the answer to the question with `transactionId`: the end of a sentence about the tracker. Null: it
 * answers one of the questions before it, `answered`, once more.
 */
export function describeStray(packet: Uint8Array, transactionId: number, answered: readonly number[]): string | null {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength), bytes = packet.length;
  if (bytes < 8) return `its answer has ${bytes} bytes, fewer than any can have`;
  const action = view.getUint32(0), answers = view.getUint32(4);
  if (answers === transactionId) {
    return `its answer of ${bytes} bytes with action ${action} is too short, or answers something else`;
  }
  return answered.includes(answers) ? null : "its answer has another transaction id than the question";
}

/** A view of an answer that is ours, has the action and is long enough; a refusal; or null. */
function answerView(
  packet: Uint8Array,
  transactionId: number,
  action: number,
  bytesMin: number,
): DataView | TrackerRefusal | null {
  if (packet.length < 8) return null;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.getUint32(4) !== transactionId) return null;
  if (view.getUint32(0) === ACTION.error) {
    const reason = new TextDecoder().decode(packet.subarray(8)).replace(/\0+$/, "");
    return { kind: "refusal", reason, retryIn: undefined };
  }
  return view.getUint32(0) === action && packet.length >= bytesMin ? view : null;
}

function encodeUrlData(target: string): Uint8Array {
  const bytes = new TextEncoder().encode(target);
  const options: number[] = [];
  for (let at = 0; at < bytes.length; at += OPTION_BYTES_MAX) {
    const part = bytes.subarray(at, at + OPTION_BYTES_MAX);
    options.push(OPTION_URL_DATA, part.length, ...part);
  }
  return Uint8Array.from(options);
}

function newPacket(length: number): { packet: Uint8Array; view: DataView } {
  const packet = new Uint8Array(length);
  return { packet, view: new DataView(packet.buffer) };
}
