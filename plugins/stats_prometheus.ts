/**
 * The tracker's figures for Prometheus, in its text format 0.0.4: `/metrics`, and `/stats?mode=metrics`, which
 * access.stats_path moves. Only clients in access.stats get them.
 * Peers per torrent are counted by a walk over the store, once a minute at most.
 */
import type { Plugin, StatsSnapshot } from "waggle/plugin";
import { SharedWalk } from "./stats/shared_walk.ts";

/** Upper ends of the buckets of peers per torrent. */
const PEERS_BUCKETS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000, 50000];
/** Seconds for which a walk over the store is good. */
const WALK_SECONDS = 60;
/** Names of the HTTP errors, in the order of their counters. */
const HTTP_ERRORS = [
  "redirect",
  "parse",
  "parameter",
  "compact",
  "not_modest",
  "unused",
  "access_denied",
  "not_found",
  "internal",
];

/** What becomes of a request, in the order of the counters. */
const RESULT_NAMES = ["answered", "refused", "dropped"];

/** The plugin. */
export default {
  name: "stats_prometheus",
  summary: "figures for Prometheus: /metrics",
  stats: { metrics },
  routes: { "/metrics": (_request, page) => page.mayReadStats ? metrics(page.snapshot()) : denied() },
} satisfies Plugin;

async function metrics(snapshot: StatsSnapshot): Promise<Response> {
  const peers = await peersPerTorrent.take(snapshot);
  return new Response(metricsText(snapshot, peers), { headers: { "content-type": "text/plain; version=0.0.4" } });
}

function denied(): Response {
  return new Response("<title>Access Denied</title>\n", { status: 403, headers: { "content-type": "text/html" } });
}

/** Torrents by their number of peers: of each bucket, and past the last. */
interface PeersHistogram {
  readonly buckets: readonly number[];
  readonly sum: number;
}

const peersPerTorrent = new SharedWalk(walk, WALK_SECONDS);

async function walk(s: StatsSnapshot): Promise<PeersHistogram> {
  const buckets = new Array<number>(PEERS_BUCKETS.length + 1).fill(0);
  let sum = 0;
  for await (const batch of s.torrentBatches()) {
    for (let i = 0; i < batch.length; i++) {
      const peers = batch.seeders[i]! + batch.leechers[i]!;
      let bucket = 0;
      while (bucket < PEERS_BUCKETS.length && peers > PEERS_BUCKETS[bucket]!) bucket++;
      buckets[bucket]!++;
      sum += peers;
    }
  }
  return { buckets, sum };
}

// The whole page.
function metricsText(s: StatsSnapshot, peers: PeersHistogram): string {
  const page = new MetricsPage();
  writeSwarms(page, s);
  writeRequests(page, s);
  writeShield(page, s);
  writeHealth(page, s);
  writePlugins(page, s);
  page.histogram("peers_per_torrent", "Torrents by their number of peers.", PEERS_BUCKETS, peers.buckets, peers.sum);
  const turns = s.counts("turns"), ends = turns.slice(0, -1).map((_, i) => 2 ** i / 1e6);
  page.histogram(
    "turn_seconds",
    "Turns of the fronts' loops by how long they took: what has come is answered in one, what comes meanwhile in the next.",
    ends,
    turns,
    s.count("turnMicroseconds") / 1e6,
  );
  return page.text;
}

function writeSwarms(page: MetricsPage, s: StatsSnapshot): void {
  page.gauge("info", "Which tracker this is.", [[{ version: s.version }, 1]]);
  page.gauge("uptime_seconds", "Seconds since the start.", [[{}, s.uptimeSeconds]]);
  page.gauge("torrents", "Torrents.", [[{}, s.torrents]]);
  page.gauge("peers", "Peers.", [
    [{ family: "ipv4", role: "seeder" }, s.seeders4],
    [{ family: "ipv4", role: "leecher" }, s.leechers4],
    [{ family: "ipv6", role: "seeder" }, s.seeders6],
    [{ family: "ipv6", role: "leecher" }, s.leechers6],
  ]);
  page.counter("completed", "Downloads completed.", [[{}, s.completed]]);
  page.gauge("store_bytes", "Memory for swarms in use.", [[{}, s.bytesUsed]]);
  page.gauge("store_bytes_max", "Memory for swarms at most.", [[{}, s.bytesMax]]);
}

function writeRequests(page: MetricsPage, s: StatsSnapshot): void {
  const families = (name: string, labels: Labels = {}): Sample[] => {
    const all = s.count(name), ipv6 = s.count(`${name}6`);
    return [[{ ...labels, family: "ipv4" }, all - ipv6], [{ ...labels, family: "ipv6" }, ipv6]];
  };
  const byFamily = (
    http: string,
    udp: string,
  ) => [...families(http, { protocol: "http" }), ...families(udp, { protocol: "udp" })];
  page.counter(
    "requests",
    "Announces, scrapes and connects by what became of them: refused ones are told why, dropped ones nothing.",
    s.counts("results").map((count, i): Sample => {
      const [protocol, family, result] = [
        ["http", "udp"][i / 6 | 0]!,
        ["ipv4", "ipv6"][i / 3 & 1]!,
        RESULT_NAMES[i % 3]!,
      ];
      return [{ protocol, family, result }, count];
    }).filter(([{ protocol, result }]) => protocol === "udp" || result !== "dropped"),
  );
  page.counter("announces", "Announces understood, answered or refused.", byFamily("tcpAnnounces", "udpAnnounces"));
  page.counter("scrapes", "Scrapes understood, answered or refused.", byFamily("tcpScrapes", "udpScrapes"));
  page.counter(
    "refusals",
    "Requests refused, by reason.",
    s.counts("refusals").map((count, i): Sample => [{ reason: s.refusalTexts[i]! }, count])
      .filter(([{ reason }]) => reason !== ""),
  );
  page.counter(
    "http_errors",
    "HTTP replies that were errors or redirects.",
    s.counts("httpErrors").map((count, i): Sample => [{ error: HTTP_ERRORS[i]! }, count])
      .filter(([{ error }]) => error !== "unused"),
  );
  page.counter("http_connections", "TCP connections accepted.", [[{}, s.count("tcpAccepts")]]);
  page.counter("http_connections_closed", "TCP connections closed by the tracker.", [
    [{ why: "time" }, s.count("tcpTimeouts")],
    [{ why: "room" }, s.count("tcpEvictions")],
  ]);
  page.counter("udp_packets", "Datagrams received.", families("udpPackets"));
  page.counter("udp_connects", "Connection ids given out.", families("udpConnects"));
  page.counter("udp_bad_connection_ids", "Datagrams with a wrong or old connection id.", families("udpMismatches"));
  page.counter("udp_unanswered", "Datagrams that were not answered.", [[{}, s.count("udpDrops")]]);
}

function writeShield(page: MetricsPage, s: StatsSnapshot): void {
  page.counter("shield_refused", "What addresses over their limit asked, and were not served.", [
    [{ what: "datagrams" }, s.count("shieldDatagrams")],
    [{ what: "requests" }, s.count("shieldRequests")],
    [{ what: "connections" }, s.count("shieldConnections")],
  ]);
  page.counter("shield_settled", "Stops and first completed of addresses over their limit, served all the same.", [
    [{}, s.count("shieldSettled")],
  ]);
  page.counter("shield_silenced", "Errors about bad connection ids that were not sent: there were too many.", [
    [{}, s.count("shieldSilenced")],
  ]);
  page.counter("denied", "What came from networks that are not served.", [
    [{ what: "datagrams" }, s.count("deniedDatagrams")],
    [{ what: "requests" }, s.count("deniedRequests")],
  ]);
  page.gauge("shedding_step", "How far the tracker goes in serving less because it is behind; 0 = it is not.", [
    [{ protocol: "http", family: "ipv4" }, s.count("shedHttp4Step")],
    [{ protocol: "http", family: "ipv6" }, s.count("shedHttp6Step")],
    [{ protocol: "udp", family: "ipv4" }, s.count("shedUdp4Step")],
    [{ protocol: "udp", family: "ipv6" }, s.count("shedUdp6Step")],
  ]);
  page.counter("shedding_changes", "Steps taken, up or down.", [[{}, s.count("shedChanges")]]);
  page.counter("shed_datagrams", "Datagrams not answered because the tracker was behind.", [
    [{}, s.count("shedDatagrams")],
  ]);
  page.counter("late_seconds", "How late the timers of the fronts came, in all.", [
    [{}, s.count("lateMilliseconds") / 1000],
  ]);
}

function writeHealth(page: MetricsPage, s: StatsSnapshot): void {
  page.counter("udp_kernel_drops", "Datagrams the kernel dropped because a socket was full.", [
    [{}, s.count("udpKernelDrops")],
  ]);
  page.counter("http_kernel_drops", "Connections the kernel dropped because a listener's queue was full.", [
    [{}, s.count("tcpKernelDrops")],
  ]);
  page.counter("udp_send_errors", "Replies the system did not take.", [[{}, s.count("udpSendErrors")]]);
  page.counter("accept_pauses", "Accepts put off because file descriptors ran out.", [[{}, s.count("acceptPauses")]]);
  page.counter("proxy_refused", "Connections to a proxies' listener from outside access.proxy.", [[
    {},
    s.count("proxyRefused"),
  ]]);
  page.counter("not_stored", "Announces answered without being stored: memory was full.", [[{}, s.count("notStored")]]);
  page.counter("store_stalls", "Waits for a part of the store.", [[{}, s.stalls]]);
  page.counter("full_scrapes", "Full scrapes.", [[{}, s.count("fullScrapes")]]);
  page.counter("full_scrape_bytes", "Bytes of full scrapes.", [[{}, s.count("fullScrapeBytes")]]);
  page.counter("pages", "Requests that were neither announce nor scrape.", [
    [{ result: "taken" }, s.count("officeRequests") - s.count("officeRefused")],
    [{ result: "refused" }, s.count("officeRefused")],
  ]);
  page.counter("livesync_peers", "Peers received from other trackers.", [[{}, s.count("livesyncPeers")]]);
  page.counter("faults", "Mistakes of the tracker itself.", [[{}, s.count("faults")]]);
  page.counter("state_faults", "Passes that could not be written to the state file.", [[{}, s.count("stateFaults")]]);
  page.counter("restarts", "Parts that failed and were started again.", [[{}, s.count("restarts")]]);
}

function writePlugins(page: MetricsPage, s: StatsSnapshot): void {
  const plugins = s.pluginCounts();
  const write = (name: string, help: string, count: "calls" | "refused" | "faults" | "slow" | "lost" | "ended") =>
    page.counter(`plugin_${name}`, help, plugins.map((plugin): Sample => [{ plugin: plugin.name }, plugin[count]]));
  write("calls", "Slots of plugins called.", "calls");
  write("refusals", "Requests that plugins refused.", "refused");
  write("faults", "Slots that threw.", "faults");
  write("slow_calls", "Slots that held up a front for a millisecond, or the pages for a tenth of a second.", "slow");
  write("announces_lost", "Announces that came too fast for a plugin to be told.", "lost");
  write("threads_ended", "Threads ended because a plugin never returned, or took too much memory.", "ended");
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Text in the making. Names get the prefix `waggle_`, counters the ending `_total`. */
class MetricsPage {
  text = "";

  gauge(name: string, help: string, samples: readonly Sample[]): void {
    this.#write(`waggle_${name}`, "gauge", help, samples);
  }

  counter(name: string, help: string, samples: readonly Sample[]): void {
    this.#write(`waggle_${name}_total`, "counter", help, samples);
  }

  /** `ends`: upper ends of all buckets but the last, which has none. */
  histogram(name: string, help: string, ends: readonly number[], counts: readonly number[], sum: number): void {
    const whole = `waggle_${name}`;
    this.text += `# HELP ${whole} ${help}\n# TYPE ${whole} histogram\n`;
    let below = 0;
    for (const [i, count] of counts.entries()) {
      below += count;
      this.text += `${whole}_bucket{le="${ends[i] ?? "+Inf"}"} ${below}\n`;
    }
    this.text += `${whole}_sum ${sum}\n${whole}_count ${below}\n`;
  }

  #write(name: string, type: string, help: string, samples: readonly Sample[]): void {
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${text.replace(/["\\\n]/g, "\\$&")}"`);
      this.text += `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
    }
  }
}
