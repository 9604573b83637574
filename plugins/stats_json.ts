/** The tracker's figures as one JSON object: `/stats?mode=json`. Names are those of src/stats/counters.ts. */
import type { Plugin, StatsSnapshot } from "waggle/plugin";

/** The plugin. */
export default {
  name: "stats_json",
  summary: "figures as JSON: /stats?mode=json",
  stats: {
    json: (snapshot) =>
      new Response(`${JSON.stringify(figures(snapshot), null, 2)}\n`, {
        headers: { "content-type": "application/json" },
      }),
  },
} satisfies Plugin;

function figures(s: StatsSnapshot): unknown {
  return {
    version: s.version,
    trackerId: s.trackerId,
    uptimeSeconds: s.uptimeSeconds,
    torrents: s.torrents,
    peers: s.peers,
    seeders: s.seeders,
    leechers: s.leechers,
    ipv4: { seeders: s.seeders4, leechers: s.leechers4 },
    ipv6: { seeders: s.seeders6, leechers: s.leechers6 },
    completed: s.completed,
    memory: { bytesUsed: s.bytesUsed, bytesMax: s.bytesMax },
    stalls: s.stalls,
    http: {
      connections: s.count("tcpAccepts"),
      announces: s.count("tcpAnnounces"),
      announcesIpv6: s.count("tcpAnnounces6"),
      scrapes: s.count("tcpScrapes"),
      scrapesIpv6: s.count("tcpScrapes6"),
      timeouts: s.count("tcpTimeouts"),
      evictions: s.count("tcpEvictions"),
      acceptPauses: s.count("acceptPauses"),
      proxyRefused: s.count("proxyRefused"),
      pages: s.count("officeRequests"),
      pagesRefused: s.count("officeRefused"),
      requestLogDrops: s.count("requestLogDrops"),
      kernelDrops: s.count("tcpKernelDrops"),
      errors: s.counts("httpErrors"),
    },
    udp: {
      packets: s.count("udpPackets"),
      packetsIpv6: s.count("udpPackets6"),
      connects: s.count("udpConnects"),
      connectsIpv6: s.count("udpConnects6"),
      announces: s.count("udpAnnounces"),
      announcesIpv6: s.count("udpAnnounces6"),
      scrapes: s.count("udpScrapes"),
      scrapesIpv6: s.count("udpScrapes6"),
      badConnectionIds: s.count("udpMismatches"),
      badConnectionIdsIpv6: s.count("udpMismatches6"),
      notAnswered: s.count("udpDrops"),
      sendErrors: s.count("udpSendErrors"),
      kernelDrops: s.count("udpKernelDrops"),
    },
    results: { http: results(s, 0), udp: results(s, 6) },
    shield: {
      datagrams: s.count("shieldDatagrams"),
      requests: s.count("shieldRequests"),
      connections: s.count("shieldConnections"),
      settled: s.count("shieldSettled"),
      silenced: s.count("shieldSilenced"),
    },
    denied: { datagrams: s.count("deniedDatagrams"), requests: s.count("deniedRequests") },
    shedding: {
      steps: shedSteps(s),
      changes: s.count("shedChanges"),
      datagrams: s.count("shedDatagrams"),
      lateMilliseconds: Math.round(s.count("lateMilliseconds")),
    },
    fullScrapes: { count: s.count("fullScrapes"), bytes: s.count("fullScrapeBytes") },
    livesyncPeers: s.count("livesyncPeers"),
    notStored: s.count("notStored"),
    faults: s.count("faults"),
    restarts: s.count("restarts"),
    refusals: Object.fromEntries(
      s.counts("refusals").map((count, i) => [s.refusalTexts[i], count] as const).filter(([text]) => text !== ""),
    ),
  };
}

// What became of the requests of a protocol, whose row begins `at`.
function results(s: StatsSnapshot, at: number): unknown {
  const counts = s.counts("results");
  const of = (i: number) => ({ answered: counts[i], refused: counts[i + 1], dropped: counts[i + 2] });
  return { ipv4: of(at), ipv6: of(at + 3) };
}

function shedSteps(s: StatsSnapshot): unknown {
  const [http4, http6] = [s.count("shedHttp4Step"), s.count("shedHttp6Step")];
  return { http4, http6, udp4: s.count("shedUdp4Step"), udp6: s.count("shedUdp6Step") };
}
