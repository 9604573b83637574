import assert from "node:assert/strict";
import plugin from "../../plugins/stats_opentracker.ts";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import type { StatsMode } from "../../src/plugin/api.ts";
import { COUNTER, counterRow, HTTP_ERROR } from "../../src/stats/counters.ts";
import { FrontNetworks } from "../../src/stats/network_counts.ts";
import { hashOf, OfficeMemory, UNIX_MINUTE } from "../support/office.ts";
import { latin1Text } from "../support/vectors.ts";

const HEX1 = "01".repeat(20), HEX2 = "02".repeat(20), HEX_AB = "AB".repeat(20);

/** Two threads' counters, added up by every mode. */
function fillCounters(memory: OfficeMemory): void {
  const [first, second] = [0, 1].map((index) => counterRow(memory.counters, index)) as [Float64Array, Float64Array];
  first[COUNTER.tcpAccepts] = 10;
  second[COUNTER.tcpAccepts] = 90;
  first[COUNTER.tcpAnnounces] = 50;
  first[COUNTER.tcpScrapes] = 7;
  second[COUNTER.udpPackets] = 1000;
  second[COUNTER.udpConnects] = 200;
  second[COUNTER.udpAnnounces] = 300;
  first[COUNTER.udpScrapes] = 5;
  second[COUNTER.udpMismatches] = 4;
  first[COUNTER.completed] = 6;
  first[COUNTER.livesyncPeers] = 8;
  first[COUNTER.fullScrapes] = 2;
  first[COUNTER.fullScrapeBytes] = 36000;
  first[COUNTER.renews] = 11;
  second[COUNTER.renews + 29] = 12;
  for (let i = 0; i < 9; i++) first[COUNTER.httpErrors + i] = i + 1;
  second[COUNTER.httpErrors + HTTP_ERROR.notFound] = 100;
  first[COUNTER.numwants + 50] = 3;
}

function newMemory(): OfficeMemory {
  const memory = new OfficeMemory();
  fillCounters(memory);
  memory.announce({ infoHash: hashOf(1), address: "192.0.2.1", port: 1, seeder: true, completed: true });
  memory.announce({ infoHash: hashOf(1), address: "192.0.2.17", port: 2 });
  memory.announce({ infoHash: hashOf(1), address: "192.0.2.18", port: 3 });
  memory.announce({ infoHash: hashOf(2), address: "2001:db8::1", port: 2 });
  memory.announce({ infoHash: hashOf(0xab), address: "192.0.3.1", port: 2, seeder: true });
  memory.second = 7210;
  return memory;
}

async function ask(memory: OfficeMemory, query: string): Promise<Response> {
  const request = new Request(`http://tracker/stats?${query}`);
  const modes: Readonly<Record<string, StatsMode>> = plugin.stats;
  const answer = await modes[new URL(request.url).searchParams.get("mode")!]!(memory.snapshot(), request);
  return answer instanceof Response ? answer : new Response(answer as BodyInit);
}

Deno.test("every mode has opentracker's text", async () => {
  const up = "7210 seconds (2 hours)", touched = UNIX_MINUTE - 120;
  const rows: [query: string, want: string][] = [
    ["mode=peer", "5\n2\nopentracker serving 3 torrents\nopentracker"],
    ["mode=torr", "3\n0\nopentracker serving 3 torrents\nopentracker"],
    ["mode=conn", `1100\n550\n${up}\nopentracker connections, 0 conns/s :: 0 success/s.`],
    ["mode=tcp4", `100\n50\n${up}\nopentracker tcp4 stats, 0 conns/s :: 0 success/s.`],
    ["mode=udp4", `1000\n500\n${up}\nopentracker udp4 stats, 0 conns/s :: 0 success/s.`],
    ["mode=scrp", `7\n5\n${up}\nopentracker scrape stats, 0 scrape/s (tcp and udp)`],
    ["mode=fscr", `2000\n36000\n${up}\nopentracker full scrape stats, 0 conns/s :: 4 bytes/s.`],
    ["mode=completed", `6\n0\n${up}\nopentracker, 3 completed/h.`],
    ["mode=syncs", `8\n0\n${up}\nopentracker connections, 0 conns/s :: 0 success/s.`],
    ["mode=herr", "302 RED 1\n400 ... 2\n400 PAR 3\n400 COM 4\n403 IP  7\n404 INV 108\n500 SRV 9\n"],
    ["mode=version", "waggle 0.0.0\n"],
    ["mode=fulllog", ""],
    ["mode=woodpeckers", "Networks, limit /28:\n\n"],
    ["mode=busy", "Networks, limit /24:\n\n"],
    [
      "mode=s24s",
      "Networks, limit /28:\n00000002: 192.0.2.16\n00000001: 192.0.2.0\n00000001: 192.0.3.0\n\n" +
      "Networks, limit /24:\n00000003: 192.0.2.0\n00000001: 192.0.3.0\n\n",
    ],
    [
      "mode=top10",
      `Top 10 torrents by peers:\n\t3\t${HEX1}\n\t1\t${HEX2}\n\t1\t${HEX_AB}\n` +
      `Top 10 torrents by seeds:\n\t1\t${HEX1}\n\t1\t${HEX_AB}\n` +
      `Top 10 torrents by leechers:\n\t2\t${HEX1}\n\t1\t${HEX2}\n`,
    ],
    ["mode=statedump", `${HEX1}:${touched}:1\n${HEX2}:${touched}:0\n${HEX_AB}:${touched}:0\n`],
    ["mode=tpbs&format=txt", `${HEX1}:1:2\n${HEX2}:0:1\n${HEX_AB}:1:0\n`],
    ["mode=tpbs&format=txtp", `${HEX1}:1:2:1\n${HEX2}:0:1:0\n${HEX_AB}:1:0:0\n`],
    ["mode=tpbs&format=url", `${"%01".repeat(20)}:1:2\n${"%02".repeat(20)}:0:1\n${"%ab".repeat(20)}:1:0\n`],
    [
      "mode=tpbs&format=bin",
      `${"\x01".repeat(20)}\0\0\0\x01\0\0\0\x02${"\x02".repeat(20)}\0\0\0\0\0\0\0\x01${
        "\xab".repeat(20)
      }\0\0\0\x01\0\0\0\0`,
    ],
    [
      "mode=tpbs&format=ben",
      `d5:filesd20:${"\x01".repeat(20)}d8:completei1e10:downloadedi1e10:incompletei2ee` +
      `20:${"\x02".repeat(20)}d8:completei0e10:downloadedi0e10:incompletei1ee` +
      `20:${"\xab".repeat(20)}d8:completei1e10:downloadedi0e10:incompletei0eeee`,
    ],
  ];
  for (const [query, want] of rows) {
    const response = await ask(newMemory(), query);
    assert.equal(latin1Text(new Uint8Array(await response.arrayBuffer())), want, query);
  }
});

Deno.test("fulllog shows a client's control characters escaped", () => {
  const text = "GET /announce?\x1b[2J\x00\x7f\x9b HTTP/1.1\r\nX:\té\\\r\n\r\n", memory = newMemory();
  const snapshot = { ...memory.snapshot(), takeRequestLog: () => [{ second: 7, address: "192.0.2.1", text }] };
  assert.equal(
    plugin.stats.fulllog!(snapshot, new Request("http://tracker/stats?mode=fulllog")),
    "00000007: 192.0.2.1\nGET /announce?\\x1b[2J\\x00\\x7f\\x9b HTTP/1.1\r\nX:\té\\\r\n\r\n\n*\n\n",
  );
});

Deno.test("fscr gives full scrapes in thousandths, and a second's as they are", async () => {
  const memory = new OfficeMemory(), row = counterRow(memory.counters, 0);
  row[COUNTER.fullScrapes] = 10;
  row[COUNTER.fullScrapeBytes] = 50;
  memory.second = 10;
  assert.equal(
    await (await ask(memory, "mode=fscr")).text(),
    "10000\n50\n10 seconds (0 hours)\nopentracker full scrape stats, 1 conns/s :: 5 bytes/s.",
  );
});

Deno.test("renew, numwants and everything have a row for each figure", async () => {
  const memory = newMemory();
  const renew = (await (await ask(memory, "mode=renew")).text()).split("\n");
  assert.equal(renew.length, 46);
  assert.deepEqual([renew[0], renew[29], renew[44]], ["00 11", "29 12", "44 0"]);
  const numwants = (await (await ask(memory, "mode=numwants")).text()).split("\n");
  assert.equal(numwants.length, 202);
  assert.deepEqual([numwants[0], numwants[50], numwants[200]], ["000 => 0", "050 => 3", "200 => 0"]);
  const everything = await (await ask(memory, "mode=everything")).text();
  assert.ok(
    everything.startsWith(`<?xml version="1.0" encoding="UTF-8"?>\n<stats>\n  <tracker_id>12345</tracker_id>\n`),
  );
  assert.equal(everything.match(/interval="/g)?.length, 45);
  assert.match(everything, /<count code="404 Not found">108<\/count>/);
  assert.match(everything, /<missmatch>4<\/missmatch>/);
});

Deno.test("tpbs without a format, or with another, answers 400", async () => {
  for (const query of ["mode=tpbs", "mode=tpbs&format=", "mode=tpbs&format=xml", "mode=tpbs&format=statedump"]) {
    assert.equal((await ask(newMemory(), query)).status, 400, query);
  }
});

Deno.test("top100 shows a hundred of many, the lower hash first among equals", async () => {
  const memory = new OfficeMemory();
  for (let i = 0; i < 250; i++) {
    for (let k = 0; k < (i < 50 ? 3 : 1); k++) {
      memory.announce({ infoHash: hashOf(i), address: `192.0.2.${k + 1}`, port: 1, seeder: i % 2 === 0 });
    }
  }
  const text = await (await ask(memory, "mode=top100")).text();
  const [peers, seeds, leechers] = text.split(/Top 100 torrents by [a-z]+:\n/).slice(1);
  const rows = peers!.trim().split("\n").map((row) => row.trim().split("\t"));
  assert.equal(rows.length, 100);
  assert.deepEqual(rows.map(([count]) => Number(count)), rows.map((_, i) => i < 50 ? 3 : 1));
  assert.deepEqual(rows.map(([, hash]) => parseInt(hash!.slice(0, 2), 16)), rows.map((_, i) => i));
  assert.equal(seeds!.trim().split("\n").length, 100);
  assert.equal(leechers!.trim().split("\n").length, 100);
});

Deno.test("busy and woodpeckers add the fronts up and show IPv6 networks after IPv4 ones", async () => {
  const memory = new OfficeMemory(), request = new AnnounceRequest();
  const note = (front: number, which: "busy" | "hasty", address: string, times: number) => {
    setAddressText(request, address);
    const counts = new FrontNetworks(memory.networks, front)[which];
    for (let i = 0; i < times; i++) counts.note(request.address, request.family);
  };
  note(0, "busy", "192.0.2.1", 3);
  note(1, "busy", "192.0.2.200", 4);
  note(1, "busy", "198.51.100.1", 2);
  note(0, "busy", "2001:db8:1::1", 5);
  note(1, "hasty", "192.0.2.33", 1);
  assert.equal(
    await (await ask(memory, "mode=busy")).text(),
    "Networks, limit /24:\n00000007: 192.0.2.0\n00000002: 198.51.100.0\n\n" +
      "Networks, limit /48:\n00000005: 2001:db8:1::\n\n",
  );
  assert.equal(await (await ask(memory, "mode=woodpeckers")).text(), "Networks, limit /28:\n00000001: 192.0.2.32\n\n");
});

Deno.test("modes that walk the store walk it once for all who ask meanwhile", async () => {
  for (const mode of ["top10", "top100", "s24s"]) {
    const memory = newMemory();
    let walks = 0;
    const take = () => {
      const snapshot = memory.snapshot(), torrents = snapshot.torrentBatches, addresses = snapshot.addressBatches4;
      return {
        ...snapshot,
        torrentBatches: () => (walks++, torrents()),
        addressBatches4: () => (walks++, addresses()),
      };
    };
    const make: StatsMode = (plugin.stats as Readonly<Record<string, StatsMode>>)[mode]!;
    const request = new Request(`http://tracker/stats?mode=${mode}`);
    const answers = await Promise.all([1, 2, 3].map(() => make(take(), request)));
    assert.deepEqual([walks, new Set(answers).size], [1, 1], mode);
    await make(take(), request);
    assert.equal(walks, 2, mode);
    const failing = { ...take(), torrentBatches: fail, addressBatches4: fail };
    await assert.rejects(async () => await make(failing, request), /on purpose/);
    await make(take(), request);
    assert.equal(walks, 3, `${mode} is asked again after it failed`);
  }
});

function fail(): AsyncIterable<never> {
  return new ReadableStream({ start: () => Promise.reject(new Error("on purpose")) });
}
