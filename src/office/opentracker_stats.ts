/**
 * opentracker's `/stats` modes, in its text to the letter, because scripts (MRTG and older) read them by line. Pure:
 * from a snapshot of the counters to text. Source: reference behaviour of opentracker's ot_stats.c.
 */
import { COUNTER } from "../stats/counters.ts";
import type { SwarmTotals } from "../swarm/totals.ts";

/** Everything a mode can show. */
export interface StatsSnapshot {
  /** Sums over all threads: stats/counters.ts. */
  readonly counters: Float64Array;
  readonly totals: SwarmTotals;
  readonly uptimeSeconds: number;
  /** Minutes that `renew` has rows for: the lifetime of a peer. */
  readonly peerAgeMinutesMax: number;
  /** A random number of this run. */
  readonly trackerId: number;
  readonly version: string;
}

type Mode = (snapshot: StatsSnapshot) => string;

/** Names of HTTP errors in `everything`, by their index in the counters. */
const HTTP_ERROR_NAMES = [
  "302 Redirect",
  "400 Parse Error",
  "400 Invalid Parameter",
  "400 Invalid Parameter (compact=0)",
  "400 Not Modest",
  "402 Payment Required",
  "403 Access Denied",
  "404 Not found",
  "500 Internal Server Error",
];

/** The modes by name. */
export const STATS_MODES: Readonly<Record<string, Mode>> = {
  peer: (s) => `${peers(s)}\n${seeders(s)}\nopentracker serving ${s.totals.torrents} torrents\nopentracker`,
  torr: (s) => `${s.totals.torrents}\n0\nopentracker serving ${s.totals.torrents} torrents\nopentracker`,
  conn: (s) => {
    const connections = count(s, COUNTER.tcpAccepts) + count(s, COUNTER.udpPackets);
    const successes = count(s, COUNTER.tcpAnnounces) + udpSuccesses(s);
    return rates(s, connections, successes, "opentracker connections");
  },
  tcp4: (s) => rates(s, count(s, COUNTER.tcpAccepts), count(s, COUNTER.tcpAnnounces), "opentracker tcp4 stats"),
  udp4: (s) => rates(s, count(s, COUNTER.udpPackets), udpSuccesses(s), "opentracker udp4 stats"),
  scrp: (s) => {
    const tcp = count(s, COUNTER.tcpScrapes), udp = count(s, COUNTER.udpScrapes);
    return `${tcp}\n${udp}\n${uptime(s)}\nopentracker scrape stats, ${perSecond(s, tcp + udp)} scrape/s (tcp and udp)`;
  },
  completed: (s) => {
    const completed = count(s, COUNTER.completed), hours = Math.max(1, s.uptimeSeconds) / 3600;
    return `${completed}\n0\n${uptime(s)}\nopentracker, ${Math.floor(completed / hours)} completed/h.`;
  },
  version: (s) => `${s.version}\n`,
  everything,
};

function count(snapshot: StatsSnapshot, counter: number): number {
  return snapshot.counters[counter]!;
}

function peers({ totals }: StatsSnapshot): number {
  return totals.seeders4 + totals.leechers4 + totals.seeders6 + totals.leechers6;
}

function seeders({ totals }: StatsSnapshot): number {
  return totals.seeders4 + totals.seeders6;
}

function udpSuccesses(snapshot: StatsSnapshot): number {
  return count(snapshot, COUNTER.udpAnnounces) + count(snapshot, COUNTER.udpConnects);
}

function uptime({ uptimeSeconds }: StatsSnapshot): string {
  return `${uptimeSeconds} seconds (${Math.floor(uptimeSeconds / 3600)} hours)`;
}

function perSecond(snapshot: StatsSnapshot, amount: number): number {
  return Math.floor(amount / Math.max(1, snapshot.uptimeSeconds));
}

function rates(snapshot: StatsSnapshot, connections: number, successes: number, label: string): string {
  const perSeconds = `${perSecond(snapshot, connections)} conns/s :: ${perSecond(snapshot, successes)} success/s.`;
  return `${connections}\n${successes}\n${uptime(snapshot)}\n${label}, ${perSeconds}`;
}

function everything(s: StatsSnapshot): string {
  const rows = (length: number, row: (i: number) => string) => Array.from({ length }, (_, i) => row(i)).join("");
  const renews = rows(
    s.peerAgeMinutesMax,
    (i) => `      <count interval="${String(i).padStart(2, "0")}">${count(s, COUNTER.renews + i)}</count>\n`,
  );
  const errors = rows(
    HTTP_ERROR_NAMES.length,
    (i) => `      <count code="${HTTP_ERROR_NAMES[i]}">${count(s, COUNTER.httpErrors + i)}</count>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<stats>
  <tracker_id>${s.trackerId}</tracker_id>
  <version>
${s.version}
  </version>
  <uptime>${s.uptimeSeconds}</uptime>
  <torrents>
    <count_mutex>${s.totals.torrents}</count_mutex>
    <count_iterator>${s.totals.torrents}</count_iterator>
  </torrents>
  <peers>
    <count>${peers(s)}</count>
  </peers>
  <seeds>
    <count>${seeders(s)}</count>
  </seeds>
  <completed>
    <count>${count(s, COUNTER.completed)}</count>
  </completed>
  <connections>
    <tcp>
      <accept>${count(s, COUNTER.tcpAccepts)}</accept>
      <announce>${count(s, COUNTER.tcpAnnounces)}</announce>
      <scrape>${count(s, COUNTER.tcpScrapes)}</scrape>
    </tcp>
    <udp>
      <overall>${count(s, COUNTER.udpPackets)}</overall>
      <connect>${count(s, COUNTER.udpConnects)}</connect>
      <announce>${count(s, COUNTER.udpAnnounces)}</announce>
      <scrape>${count(s, COUNTER.udpScrapes)}</scrape>
      <missmatch>${count(s, COUNTER.udpMismatches)}</missmatch>
    </udp>
    <livesync>
      <count>${count(s, COUNTER.livesyncPeers)}</count>
    </livesync>
  </connections>
  <debug>
    <renew>
${renews}    </renew>
    <http_error>
${errors}    </http_error>
    <mutex_stall>
      <count>${s.totals.stalls}</count>
    </mutex_stall>
  </debug>
</stats>`;
}
