/** What statistics are made of: figures of this moment out of shared memory, and ways to walk the store. */
import { formatAddress } from "../bittorrent/address.ts";
import { REFUSAL_TEXTS } from "../bittorrent/refusal.ts";
import type { LoggedRequest, NetworkCount, PluginCount, StatsSnapshot } from "../plugin/api.ts";
import { PLUGIN_COUNTER, sumPlugin } from "../plugin/counters.ts";
import { COUNTER, NUMWANTS, RENEW_MINUTES_MAX, RESULTS, sumCounters, TURN_BUCKETS } from "../stats/counters.ts";
import { FrontNetworks } from "../stats/network_counts.ts";
import { readTotals } from "../swarm/totals.ts";
import { orderedTorrents } from "./ordered_torrents.ts";
import { addressBatches4, torrentBatches, type TorrentSource } from "./torrent_batches.ts";

/** Counters that are rows, and how long they are. */
const ROWS: Readonly<Record<string, number>> = {
  httpErrors: 9,
  renews: RENEW_MINUTES_MAX,
  refusals: REFUSAL_TEXTS.length,
  numwants: NUMWANTS,
  turns: TURN_BUCKETS,
  results: RESULTS,
};

/** Where figures come from. */
export interface SnapshotSource extends TorrentSource {
  readonly counters: SharedArrayBuffer;
  readonly networks: SharedArrayBuffer;
  readonly fronts: number;
  readonly second: () => number;
  readonly peerAgeMinutesMax: number;
  readonly trackerId: number;
  readonly version: string;
  readonly takeRequestLog: () => readonly LoggedRequest[] | null;
  /** What plugins' slots did, and whose row is whose: plugin/counters.ts. */
  readonly pluginCounters: SharedArrayBuffer;
  readonly pluginNames: readonly (readonly [name: string, index: number])[];
}

/** A snapshot of now. */
export function takeSnapshot(source: SnapshotSource): StatsSnapshot {
  const counters = sumCounters(source.counters), totals = readTotals(new Int32Array(source.arena));
  const seeders = totals.seeders4 + totals.seeders6, leechers = totals.leechers4 + totals.leechers6;
  return {
    ...totals,
    seeders,
    leechers,
    peers: seeders + leechers,
    completed: counters[COUNTER.completed]!,
    uptimeSeconds: source.second(),
    version: source.version,
    trackerId: source.trackerId,
    peerMinutesMax: source.peerAgeMinutesMax,
    count: (name) => counters[counterAt(name)]!,
    counts: (name) => {
      const length = ROWS[name];
      if (length === undefined) throw new Error(`there is no row of counters named ${name}`);
      return Array.from(counters.subarray(counterAt(name), counterAt(name) + length));
    },
    refusalTexts: REFUSAL_TEXTS,
    networkCounts: (which) => networkCounts(source, which),
    pluginCounts: () => source.pluginNames.map(([name, index]) => pluginCount(name, source.pluginCounters, index)),
    takeRequestLog: source.takeRequestLog,
    torrentBatches: () => torrentBatches(source),
    torrentBatchesInOrder: () => orderedTorrents(source),
    addressBatches4: () => addressBatches4(source),
  };
}

function counterAt(name: string): number {
  if (!Object.hasOwn(COUNTER, name)) throw new Error(`there is no counter named ${name}`);
  return COUNTER[name as keyof typeof COUNTER];
}

function pluginCount(name: string, memory: SharedArrayBuffer, index: number): PluginCount {
  const row = sumPlugin(memory, index), count = (which: keyof typeof PLUGIN_COUNTER) => row[PLUGIN_COUNTER[which]]!;
  return {
    name,
    calls: count("calls"),
    refused: count("refused"),
    faults: count("faults"),
    slow: count("slow"),
    slowestMs: count("slowestMs"),
    lost: count("lost"),
    ended: count("ended"),
  };
}

// The fronts' tables added up.
function networkCounts(source: SnapshotSource, which: "busy" | "hasty"): NetworkCount[] {
  const sums = new Map<string, NetworkCount>();
  for (let front = 0; front < source.fronts; front++) {
    new FrontNetworks(source.networks, front)[which].forEach((bytes, bits, count) => {
      const address = formatAddress(bytes), known = sums.get(`${address}/${bits}`);
      sums.set(`${address}/${bits}`, { address, bits, count: count + (known?.count ?? 0) });
    });
  }
  return [...sums.values()];
}
