import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import json from "../../plugins/stats_json.ts";
import opentracker from "../../plugins/stats_opentracker.ts";
import prometheus from "../../plugins/stats_prometheus.ts";
import { type NetworkRange, NetworkSet } from "../../src/access/networks.ts";
import { chooseEncoding } from "../../src/office/compress.ts";
import { createPages, type OfficePlugin } from "../../src/office/pages.ts";
import { PLUGIN_COUNTER, pluginRow } from "../../src/plugin/counters.ts";
import { openSettings } from "../../src/plugin/settings.ts";
import { COUNTER, counterRow, HTTP_ERROR, RESULT } from "../../src/stats/counters.ts";
import { hashOf, OfficeMemory } from "../support/office.ts";

interface Wish {
  readonly redirectUrl?: string;
  readonly statsPath?: string;
  readonly statsNetworks?: readonly NetworkRange[];
  readonly fullScrape?: { isOn?: boolean; seconds?: number; networks?: readonly NetworkRange[] };
}

const BROKEN: OfficePlugin["plugin"] = {
  name: "broken",
  stats: {
    broken: () => {
      throw new Error("on purpose");
    },
  },
};

class TestPages {
  readonly memory = new OfficeMemory();
  readonly counters = counterRow(this.memory.counters, 1);
  readonly #pages: ReturnType<typeof createPages>;

  constructor({ redirectUrl, statsPath, statsNetworks, fullScrape }: Wish = {}) {
    const { memory } = this;
    memory.announce({ infoHash: hashOf(1), address: "192.0.2.1", port: 1 });
    const plugins = [opentracker, json, prometheus, BROKEN];
    this.#pages = createPages({ statsPath: statsPath ?? "stats", redirectUrl: redirectUrl ?? null }, {
      snapshot: () => memory.snapshot(),
      second: () => memory.second,
      counters: this.counters,
      plugins: plugins.map((plugin) => ({ plugin, context: { settings: openSettings({}) } })),
      statsNetworks: new NetworkSet(statsNetworks ?? []),
      fullScrape: {
        isOn: fullScrape?.isOn ?? true,
        seconds: fullScrape?.seconds ?? 300,
        networks: new NetworkSet(fullScrape?.networks ?? []),
      },
    });
  }

  async ask(path: string, address = "192.0.2.9", headers: Record<string, string> = {}): Promise<Response> {
    return await this.#pages.fetch(new Request(`http://tracker${path}`, { headers }), { address });
  }

  errors(error: number): number {
    return this.counters[COUNTER.httpErrors + error]!;
  }
}

const FRIENDS = [{ address: "198.51.100.0", bits: 24 }, { address: "2001:db8::", bits: 32 }];

Deno.test("pages answer with opentracker's statuses, and count them", async () => {
  const rows: [path: string, status: number, error: number][] = [
    ["/", 404, HTTP_ERROR.notFound],
    ["/?x=1", 404, HTTP_ERROR.notFound],
    ["/favicon.ico", 404, HTTP_ERROR.notFound],
    ["/scx", 400, HTTP_ERROR.parameter],
    ["/stats?mode=nonsense", 400, HTTP_ERROR.parameter],
    ["/stats?info_hash=x", 400, HTTP_ERROR.parameter],
    ["/stats?mode=tpbs", 400, HTTP_ERROR.parameter],
    ["/stats?mode=peer&mode=nonsense", 400, HTTP_ERROR.parameter],
    ["/stats?mode=peer&format=nonsense", 400, HTTP_ERROR.parameter],
    ["/stats?format=", 400, HTTP_ERROR.parameter],
    ["/stats?format=nonsense&format=txt", 400, HTTP_ERROR.parameter],
  ];
  for (const [path, status, error] of rows) {
    const pages = new TestPages(), response = await pages.ask(path);
    assert.equal(response.status, status, path);
    assert.match(await response.text(), /^<title>.*<\/title>\n$/);
    assert.equal(pages.errors(error), 1, path);
  }
  const pages = new TestPages({ redirectUrl: "https://example.org/" });
  const redirect = await pages.ask("/");
  assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "https://example.org/"]);
  assert.equal(pages.errors(HTTP_ERROR.redirect), 1);
  assert.equal((await pages.ask("/?x=1")).status, 404);
});

Deno.test("a format that there is changes no mode but tpbs, and the last mode counts", async () => {
  const pages = new TestPages(), plain = await (await pages.ask("/stats?mode=torr")).text();
  for (const query of ["mode=torr&format=txt", "format=bin&mode=peer&mode=torr", "mode=torr&x=nonsense"]) {
    assert.equal(await (await pages.ask(`/stats?${query}`)).text(), plain, query);
  }
});

Deno.test("only those in access.stats see figures", async () => {
  const paths = ["/stats", "/stats?mode=everything", "/stats?mode=statedump", "/stats?mode=json", "/metrics"];
  const rows: [address: string, status: number][] = [
    ["198.51.100.7", 200],
    ["2001:db8::5", 200],
    ["192.0.2.9", 403],
    ["2001:db9::5", 403],
    ["nonsense", 403],
  ];
  for (const [address, status] of rows) {
    const pages = new TestPages({ statsNetworks: FRIENDS });
    for (const path of paths) assert.equal((await pages.ask(path, address)).status, status, `${path} ${address}`);
    assert.equal(pages.errors(HTTP_ERROR.accessDenied), status === 403 ? paths.length : 0);
  }
});

Deno.test("access.stats_path moves the statistics", async () => {
  const pages = new TestPages({ statsPath: "secret/figures" });
  assert.equal((await pages.ask("/stats")).status, 404);
  assert.match(await (await pages.ask("/secret/figures?mode=torr")).text(), /^1\n0\n/);
});

Deno.test("access.stats_path may be any path that the config takes", async () => {
  for (const statsPath of ["s", "S-t_a~t.s", "stats/", "secret//figures", ".x/y.."]) {
    assert.equal((await new TestPages({ statsPath }).ask(`/${statsPath}?mode=peer`)).status, 200, statsPath);
  }
});

Deno.test("access.stats_path hides all figures, unless access.stats says who may see them", async () => {
  const rows: [wish: Wish, path: string, status: number][] = [
    [{}, "/metrics", 200],
    [{}, "/stats?mode=metrics", 200],
    [{ statsPath: "secret" }, "/metrics", 403],
    [{ statsPath: "secret" }, "/secret?mode=metrics", 200],
    [{ statsPath: "secret", statsNetworks: FRIENDS }, "/metrics", 200],
  ];
  for (const [wish, path, status] of rows) {
    const response = await new TestPages(wish).ask(path, "198.51.100.7");
    assert.equal(response.status, status, path);
    if (status === 200) assert.match(await response.text(), /^waggle_torrents 1$/m);
  }
});

Deno.test("a full scrape is limited by address, by networks, or altogether", async () => {
  const pages = new TestPages();
  let bytes = 0;
  const statuses = async (path: string, address: string) => {
    const response = await pages.ask(path, address);
    const { byteLength } = await response.arrayBuffer();
    if (response.status === 200) bytes += byteLength;
    return response.status;
  };
  assert.equal(await statuses("/scrape", "192.0.2.9"), 200);
  assert.equal(await statuses("/scrape", "192.0.2.9"), 402);
  assert.equal(await statuses("/scrape", "192.0.2.10"), 200);
  assert.equal(await statuses("/stats?mode=statedump", "192.0.2.9"), 200);
  pages.memory.second = 300;
  assert.equal(await statuses("/scrape", "192.0.2.9"), 200);
  assert.equal(pages.errors(HTTP_ERROR.notModest), 1);
  assert.equal(pages.counters[COUNTER.fullScrapes], 4);
  assert.equal(pages.counters[COUNTER.fullScrapeBytes], bytes);
  const few = new TestPages({ fullScrape: { networks: FRIENDS } });
  assert.equal((await few.ask("/scrape", "192.0.2.9")).status, 403);
  assert.equal((await few.ask("/stats?mode=tpbs&format=txt", "192.0.2.9")).status, 403);
  const off = new TestPages({ fullScrape: { isOn: false } });
  assert.equal((await off.ask("/scrape")).status, 400);
  assert.equal((await off.ask("/stats?mode=statedump")).status, 400);
});

Deno.test("a full scrape that is given up makes room for others", async () => {
  const pages = new TestPages({ fullScrape: { seconds: 0 } });
  for (let i = 0; i < 20; i++) {
    const response = await pages.ask("/scrape");
    assert.equal(response.status, 200);
    await response.body!.cancel();
  }
  const open = await Promise.all([1, 2, 3, 4].map((i) => pages.ask("/scrape", `192.0.2.${i}`)));
  assert.equal((await pages.ask("/scrape")).status, 503);
  await Promise.all(open.map((response) => response.arrayBuffer()));
  assert.equal((await pages.ask("/scrape")).status, 200);
});

Deno.test("streams are compressed as Accept-Encoding asks", async () => {
  const want = `${"01".repeat(20)}:0:1\n`;
  const rows: [header: string | null, encoding: "gzip" | "zstd" | null][] = [
    [null, null],
    ["gzip", "gzip"],
    ["gzip, deflate, br, zstd", "zstd"],
    ["GZIP", "gzip"],
    ["zstd;q=0, gzip;q=0.5", "gzip"],
    ["gzip;q=0", null],
    ["identity", null],
  ];
  for (const [header, encoding] of rows) {
    const pages = new TestPages();
    assert.equal(chooseEncoding(header), encoding);
    const headers = header === null ? undefined : { "accept-encoding": header };
    const response = await pages.ask("/stats?mode=tpbs&format=txt", "192.0.2.9", headers);
    assert.equal(response.headers.get("content-encoding"), encoding);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const plain = encoding === "gzip" ? gunzipSync(bytes) : encoding === "zstd" ? zstdDecompressSync(bytes) : bytes;
    assert.equal(new TextDecoder().decode(plain), want, `${header}`);
  }
});

Deno.test("a mode that throws answers 500 and is counted; the others go on", async () => {
  const pages = new TestPages(), { error } = console;
  let logged = 0;
  console.error = () => logged++;
  try {
    assert.equal((await pages.ask("/stats?mode=broken")).status, 500);
  } finally {
    console.error = error;
  }
  assert.deepEqual([logged, pages.counters[COUNTER.faults], pages.errors(HTTP_ERROR.internal)], [1, 1, 1]);
  assert.equal((await pages.ask("/stats?mode=peer")).status, 200);
});

Deno.test("mode=json is JSON with every figure", async () => {
  const pages = new TestPages();
  pages.counters[COUNTER.refusals + 5] = 3;
  const response = await pages.ask("/stats?mode=json"), figures = await response.json();
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(figures.torrents, 1);
  assert.equal(figures.ipv4.leechers, 1);
  assert.equal(figures.refusals["port must be 1 to 65535"], 3);
});

Deno.test("/metrics is what Prometheus reads", async () => {
  const pages = new TestPages();
  pages.counters[COUNTER.udpAnnounces] = 10;
  pages.counters[COUNTER.udpAnnounces6] = 4;
  pages.counters[COUNTER.udpPackets] = 30;
  pages.counters[COUNTER.udpPackets6] = 20;
  pages.counters[COUNTER.results + RESULT.udp + RESULT.ipv6 + RESULT.dropped] = 7;
  pages.counters[COUNTER.results + RESULT.http + RESULT.answered] = 8;
  pages.counters[COUNTER.turns] = 1;
  pages.counters[COUNTER.turns + 2] = 2;
  const { pluginCounters } = pages.memory, beta = 3;
  for (const thread of [0, 1]) pluginRow(pluginCounters, thread, beta)[PLUGIN_COUNTER.calls] = 20;
  pluginRow(pluginCounters, 1, beta)[PLUGIN_COUNTER.slow] = 5;
  const response = await pages.ask("/metrics"), text = await response.text();
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4");
  for (const line of text.trimEnd().split("\n")) {
    assert.match(
      line,
      /^(# (HELP|TYPE) waggle_[a-z_]+ .+|waggle_[a-z0-9_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+)$/,
    );
  }
  const lines = text.split("\n"), names = lines.filter((line) => line.startsWith("# TYPE")).map((l) => l.split(" ")[2]);
  assert.equal(new Set(names).size, names.length);
  for (
    const line of [
      'waggle_announces_total{protocol="udp",family="ipv4"} 6',
      'waggle_announces_total{protocol="udp",family="ipv6"} 4',
      'waggle_requests_total{protocol="udp",family="ipv6",result="dropped"} 7',
      'waggle_requests_total{protocol="http",family="ipv4",result="answered"} 8',
      'waggle_udp_packets_total{family="ipv4"} 10',
      'waggle_peers_per_torrent_bucket{le="0"} 0',
      'waggle_peers_per_torrent_bucket{le="1"} 1',
      'waggle_peers_per_torrent_bucket{le="+Inf"} 1',
      'waggle_turn_seconds_bucket{le="0.000001"} 1',
      'waggle_turn_seconds_bucket{le="0.000004"} 3',
      "waggle_turn_seconds_count 3",
      "waggle_udp_kernel_drops_total 0",
      'waggle_plugin_calls_total{plugin="alpha"} 0',
      'waggle_plugin_calls_total{plugin="beta"} 40',
      'waggle_plugin_slow_calls_total{plugin="beta"} 5',
    ]
  ) assert.ok(lines.includes(line), line);
});
