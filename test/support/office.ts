/** Stores with known torrents, and what statistics are made of, without a tracker around. */
import type { TorrentBatch } from "../../src/plugin/api.ts";
import { EVENT_COMPLETED, EVENT_NONE } from "../../src/bittorrent/announce.ts";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { takeSnapshot } from "../../src/office/snapshot.ts";
import { createPluginCounters } from "../../src/plugin/counters.ts";
import { createCounters } from "../../src/stats/counters.ts";
import { createNetworkCounts } from "../../src/stats/network_counts.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { officeOwner } from "../../src/swarm/owners.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { StoreDriver } from "./store.ts";

/** Minutes since 1970 in these tests. */
export const UNIX_MINUTE = 29_000_000;

/** A peer to announce. */
export interface OnePeer {
  readonly infoHash: Uint8Array;
  readonly address: string;
  readonly port: number;
  readonly seeder?: boolean;
  readonly completed?: boolean;
}

/** A tracker's memory. */
export class OfficeMemory {
  readonly arena: SharedArrayBuffer;
  readonly counters = createCounters(2);
  readonly networks = createNetworkCounts(2);
  readonly pluginCounters = createPluginCounters(2);
  readonly store: SwarmStore;
  second = 0;
  readonly #driver = new StoreDriver();

  constructor(mebibytes = 16) {
    this.arena = createArena(mebibytes, crypto.getRandomValues(new Int32Array(4)));
    this.store = new SwarmStore(this.arena, 1, 1, 45);
  }

  announce(peer: OnePeer): void {
    const { request, reply } = this.#driver;
    setAddressText(request, peer.address);
    request.infoHashBytes.set(peer.infoHash);
    request.portWord = (peer.port & 0xff) << 8 | peer.port >> 8;
    request.seeder = peer.seeder ?? false;
    request.event = peer.completed ? EVENT_COMPLETED : EVENT_NONE;
    reply.peersMax = 0;
    this.store.minute = Math.floor(this.second / 60);
    this.store.announce(request, reply);
  }

  /** What the office's snapshot is taken from. */
  get source() {
    return {
      arena: this.arena,
      storeOwner: officeOwner(0),
      counters: this.counters,
      networks: this.networks,
      fronts: 2,
      second: () => this.second,
      minute: () => Math.floor(this.second / 60),
      unixMinute: () => UNIX_MINUTE,
      breathe: () => Promise.resolve(),
      peerAgeMinutesMax: 45,
      trackerId: 12345,
      version: "waggle 0.0.0",
      takeRequestLog: () => [],
      pluginCounters: this.pluginCounters,
      pluginNames: [["alpha", 0], ["beta", 3]] as const,
    };
  }

  snapshot() {
    return takeSnapshot(this.source);
  }
}

/** A hash that is one byte repeated. */
export function hashOf(byte: number): Uint8Array {
  return new Uint8Array(20).fill(byte);
}

/** A torrent as text: hash, seeders, leechers, completed. */
export function rowsOf(batch: TorrentBatch): string[] {
  return Array.from({ length: batch.length }, (_, i) => {
    const hash = batch.infoHashes.subarray(i * 20, i * 20 + 20).toHex();
    return `${hash} ${batch.seeders[i]} ${batch.leechers[i]} ${batch.completed[i]}`;
  });
}
