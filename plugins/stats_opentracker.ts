/**
 * opentracker's statistics: every mode of its `/stats`, in its text to the letter, because scripts (MRTG and older) read
 * them by line; and its full scrape. Where the original's figure is broken, the figure works here and the text stays.
 * Source: opentracker's ot_stats.c and ot_fullscrape.c, as observed; docs/opentracker.md lists what differs.
 */
import type { Plugin, StatsMode, StatsSnapshot } from "waggle/plugin";
import { addressBlocks, networkBlock } from "./stats/networks_text.ts";
import { SharedWalk } from "./stats/shared_walk.ts";
import { topTorrents } from "./stats/top_torrents.ts";
import { encodeTorrents, isTpbsFormat, type TorrentFormat } from "./stats/torrent_formats.ts";

/** opentracker's HTTP errors in the order of the counters, as `everything` names them. */
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

/** Labels of `herr`, with the index of the counter each stands for. */
const HERR_ROWS = [
  ["302 RED", 0],
  ["400 ...", 1],
  ["400 PAR", 2],
  ["400 COM", 3],
  ["403 IP ", 6],
  ["404 INV", 7],
  ["500 SRV", 8],
] as const;

/** The plugin. */
export default {
  name: "stats_opentracker",
  summary: "opentracker's statistics and full scrape, in its text",
  stats: withFormats({
    peer: (s) => `${s.peers}\n${s.seeders}\n${serving(s)}`,
    torr: (s) => `${s.torrents}\n0\n${serving(s)}`,
    conn: connections,
    tcp4: (s) => rates(s, s.count("tcpAccepts"), s.count("tcpAnnounces"), "opentracker tcp4 stats"),
    udp4: (s) => rates(s, s.count("udpPackets"), udpSuccesses(s), "opentracker udp4 stats"),
    scrp: (s) => {
      const tcp = s.count("tcpScrapes"), udp = s.count("udpScrapes");
      return `${tcp}\n${udp}\n${uptime(s)}\nopentracker scrape stats, ${
        perSecond(s, tcp + udp)
      } scrape/s (tcp and udp)`;
    },
    fscr: (s) => {
      const scrapes = s.count("fullScrapes"), bytes = s.count("fullScrapeBytes");
      const perSeconds = `${perSecond(s, scrapes)} conns/s :: ${perSecond(s, bytes)} bytes/s.`;
      // Thousandths, for MRTG, which knows whole numbers only.
      return `${scrapes * 1000}\n${bytes}\n${uptime(s)}\nopentracker full scrape stats, ${perSeconds}`;
    },
    completed: (s) => `${s.completed}\n0\n${uptime(s)}\nopentracker, ${perHour(s, s.completed)} completed/h.`,
    syncs: (s) => {
      const [, , , label] = connections(s).split("\n");
      return `${s.count("livesyncPeers")}\n0\n${uptime(s)}\n${label}`;
    },
    renew: (s) => renews(s).map((count, minute) => `${twoDigits(minute)} ${count}\n`).join(""),
    herr: (s) => {
      const errors = s.counts("httpErrors");
      return HERR_ROWS.map(([label, index]) => `${label} ${errors[index]}\n`).join("");
    },
    numwants: (s) => s.counts("numwants").map((count, i) => `${String(i).padStart(3, "0")} => ${count}\n`).join(""),
    version: (s) => `${s.version}\n`,
    top10: new SharedWalk((s) => topTorrents(10, s.torrentBatches())).take,
    top100: new SharedWalk((s) => topTorrents(100, s.torrentBatches())).take,
    s24s: new SharedWalk((s) => addressBlocks([28, 24], s.addressBatches4())).take,
    busy: (s) => networks(s, "busy", 24),
    woodpeckers: (s) => networks(s, "hasty", 28),
    fulllog: requestLog,
    everything,
    statedump: (s) => stream("statedump", s),
    tpbs: (s, request) => {
      const format = formatsOf(request).at(-1);
      return isTpbsFormat(format) ? stream(format, s) : invalid();
    },
  }),
  routes: {
    "/scrape": (_request, page) => stream("ben", page.snapshot()),
  },
} satisfies Plugin;

// opentracker refuses a format it does not know in every mode, though tpbs alone has use for one.
function withFormats(modes: Readonly<Record<string, StatsMode>>): Readonly<Record<string, StatsMode>> {
  const checked = (make: StatsMode): StatsMode => (s, request) =>
    formatsOf(request).every(isTpbsFormat) ? make(s, request) : invalid();
  return Object.fromEntries(Object.entries(modes).map(([mode, make]) => [mode, checked(make)]));
}

function formatsOf(request: Request): string[] {
  return new URL(request.url).searchParams.getAll("format");
}

function stream(format: TorrentFormat, snapshot: StatsSnapshot): Response {
  const pieces = encodeTorrents(format, snapshot.torrentBatchesInOrder());
  // The header says that it shall be sent as it is made.
  return new Response(ReadableStream.from(pieces), {
    headers: { "content-type": "application/octet-stream", "transfer-encoding": "chunked" },
  });
}

function invalid(): Response {
  return page(400, "Invalid Request");
}

function page(status: number, title: string, sentence = ""): Response {
  return new Response(`<title>${title}</title>\n${sentence}`, { status, headers: { "content-type": "text/html" } });
}

function serving(s: StatsSnapshot): string {
  return `opentracker serving ${s.torrents} torrents\nopentracker`;
}

function connections(s: StatsSnapshot): string {
  const accepted = s.count("tcpAccepts") + s.count("udpPackets");
  return rates(s, accepted, s.count("tcpAnnounces") + udpSuccesses(s), "opentracker connections");
}

function udpSuccesses(s: StatsSnapshot): number {
  return s.count("udpAnnounces") + s.count("udpConnects");
}

function uptime({ uptimeSeconds }: StatsSnapshot): string {
  return `${uptimeSeconds} seconds (${Math.floor(uptimeSeconds / 3600)} hours)`;
}

function perSecond({ uptimeSeconds }: StatsSnapshot, amount: number): number {
  return Math.floor(amount / Math.max(1, uptimeSeconds));
}

// Whole hours, as opentracker divides.
function perHour({ uptimeSeconds }: StatsSnapshot, amount: number): number {
  return Math.floor(amount / Math.max(1, Math.floor(uptimeSeconds / 3600)));
}

function rates(s: StatsSnapshot, attempts: number, successes: number, label: string): string {
  const perSeconds = `${perSecond(s, attempts)} conns/s :: ${perSecond(s, successes)} success/s.`;
  return `${attempts}\n${successes}\n${uptime(s)}\n${label}, ${perSeconds}`;
}

function twoDigits(minute: number): string {
  return String(minute).padStart(2, "0");
}

function renews(s: StatsSnapshot): readonly number[] {
  return s.counts("renews").slice(0, s.peerMinutesMax);
}

// IPv6 networks follow when there are any.
function networks(s: StatsSnapshot, which: "busy" | "hasty", bits4: number): string {
  const counts = s.networkCounts(which), bits6 = counts.find(({ bits }) => bits !== bits4)?.bits;
  return networkBlock(bits4, counts) + (bits6 === undefined ? "" : networkBlock(bits6, counts));
}

// Clients' addresses and passkeys: nothing for whoever asks.
function requestLog(s: StatsSnapshot): string | Response {
  const rows = s.takeRequestLog();
  if (rows === null) {
    return page(403, "Access Denied", "mode=fulllog is there only where access.stats says for whom.\n");
  }
  return rows.map(({ second, address, text }) => {
    return `${String(second).padStart(8, "0")}: ${address}\n${withoutControls(text)}\n*\n\n`;
  }).join("");
}

// A client's bytes on an operator's terminal: what would move its cursor is shown as \x1b.
function withoutControls(text: string): string {
  return text.replace(/[^\t\r\n\x20-\x7e\xa0-\uffff]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function everything(s: StatsSnapshot): string {
  const renewRows = renews(s)
    .map((count, minute) => `      <count interval="${twoDigits(minute)}">${count}</count>\n`).join("");
  const errorRows = s.counts("httpErrors")
    .map((count, i) => `      <count code="${HTTP_ERROR_NAMES[i]}">${count}</count>\n`).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>
<stats>
  <tracker_id>${s.trackerId}</tracker_id>
  <version>
${s.version}
  </version>
  <uptime>${s.uptimeSeconds}</uptime>
  <torrents>
    <count_mutex>${s.torrents}</count_mutex>
    <count_iterator>${s.torrents}</count_iterator>
  </torrents>
  <peers>
    <count>${s.peers}</count>
  </peers>
  <seeds>
    <count>${s.seeders}</count>
  </seeds>
  <completed>
    <count>${s.completed}</count>
  </completed>
  <connections>
    <tcp>
      <accept>${s.count("tcpAccepts")}</accept>
      <announce>${s.count("tcpAnnounces")}</announce>
      <scrape>${s.count("tcpScrapes")}</scrape>
    </tcp>
    <udp>
      <overall>${s.count("udpPackets")}</overall>
      <connect>${s.count("udpConnects")}</connect>
      <announce>${s.count("udpAnnounces")}</announce>
      <scrape>${s.count("udpScrapes")}</scrape>
      <missmatch>${s.count("udpMismatches")}</missmatch>
    </udp>
    <livesync>
      <count>${s.count("livesyncPeers")}</count>
    </livesync>
  </connections>
  <debug>
    <renew>
${renewRows}    </renew>
    <http_error>
${errorRows}    </http_error>
    <mutex_stall>
      <count>${s.stalls}</count>
    </mutex_stall>
  </debug>
</stats>`;
}
