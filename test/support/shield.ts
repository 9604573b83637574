/** A tracker without sockets whose addresses are limited, and requests in the fewest words. */
import { readNetworkLines } from "../../src/access/network_lines.ts";
import { NetworkRanges } from "../../src/access/network_ranges.ts";
import type { NetworkRange } from "../../src/access/networks.ts";
import { type BucketRate, createBuckets } from "../../src/shield/buckets.ts";
import { Shield } from "../../src/shield/shield.ts";
import type { Tracker } from "../../src/tracker/tracker.ts";
import { newTracker } from "./tracker.ts";

/** Limits of a test's shield: few, so that they are soon reached. */
export const FEW: BucketRate = { perSecond: 2, burst: 10 };

/** A tracker with a shield, and with networks that it does not serve. */
export function newShieldedTracker(
  { rate = FEW, exempt = [], denied = "" }: { rate?: BucketRate; exempt?: readonly NetworkRange[]; denied?: string } =
    {},
): Tracker {
  const tracker = newTracker(), buckets = createBuckets(Int32Array.of(1, 2));
  tracker.shield = new Shield({ buckets, rate, exempt, proxies: [] });
  if (denied !== "") tracker.denied = new NetworkRanges(readNetworkLines(denied).memory);
  return tracker;
}

/** What an announce says besides its torrent. */
export interface AnnounceWords {
  readonly port?: number;
  readonly left?: number;
  /** In the numbers of BEP 15. */
  readonly event?: number;
  readonly numwant?: number;
}

/** A UDP announce to the torrent whose hash is 20 times `letter`. */
export function udpAnnounce(
  id: Uint8Array,
  letter: string,
  { port = 6881, left = 1, event = 0, numwant = -1 }: AnnounceWords = {},
): Uint8Array {
  const packet = new Uint8Array(98), view = new DataView(packet.buffer);
  packet.set(id);
  view.setUint32(8, 1);
  packet.fill(letter.charCodeAt(0), 16, 36);
  view.setUint32(68, left);
  view.setUint32(80, event);
  view.setInt32(92, numwant);
  view.setUint16(96, port);
  return packet;
}

/** A UDP scrape of that torrent. */
export function udpScrape(id: Uint8Array, letter: string): Uint8Array {
  const packet = new Uint8Array(36);
  packet.set(id);
  packet[11] = 2;
  packet.fill(letter.charCodeAt(0), 16);
  return packet;
}

/** A UDP connect. */
export const UDP_CONNECT_PACKET = Uint8Array.of(0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4);
