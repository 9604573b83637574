/** Every slot that runs in a front: good, throwing, slow. */
import assert from "node:assert/strict";
import type { Plugin } from "../../src/plugin/api.ts";
import { standIn } from "../../src/plugin/stand_in.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";

/** What a reply comes to. */
function outcomeOf(reply: string): string {
  return /14:failure reason\d+:(.*?)8:interval/.exec(reply)?.[1] ?? (reply.includes("8:complete") ? "served" : reply);
}

const boom = () => {
  throw new Error("boom");
};

Deno.test("admitAnnounce() refuses with the plugin's text, over HTTP and UDP", () => {
  const host = new PluginUnderTest({
    name: "x",
    admitAnnounce: ({ infoHash }) => infoHash[0] === 0x61 ? "no" : undefined,
  });
  assert.equal(outcomeOf(host.announce("a")), "no");
  assert.equal(outcomeOf(host.announce("b")), "served");
  assert.equal(new TextDecoder().decode(host.announceUdp("a").slice(8)), "no\0");
  assert.equal(host.announceUdp("b")[3], 1);
  assert.equal(host.count("refused"), 2);
});

Deno.test("admitAnnounce() sees the request whole", () => {
  const seen: unknown[] = [];
  const host = new PluginUnderTest({
    name: "x",
    admitAnnounce(announce) {
      const { protocol, path, query, addressText, port, seeder, event, numwant } = announce;
      seen.push([protocol, path, query, announce.parameter("k"), addressText, port, seeder, event, numwant]);
      seen.push(new TextDecoder("latin1").decode(announce.peerId));
      return undefined;
    },
  });
  host.announce("a", "&peer_id=-AB1234-%00%ffabcdefghij&k=%41b&event=started&numwant=7", { path: "/announce/key" });
  host.announceUdp("a", "/announce/key?k=1", "2001:db8::1");
  const query =
    "info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881&left=1&peer_id=-AB1234-%00%ffabcdefghij&k=%41b&event=started" +
    "&numwant=7";
  assert.deepEqual(seen, [
    ["http", "/announce/key", query, "Ab", "192.0.2.1", 6881, false, "started", 7],
    "-AB1234-\0ÿabcdefghij",
    ["udp", "/announce/key", "k=1", "1", "2001:db8::1", 6881, true, "", -1],
    "\0".repeat(20),
  ]);
});

Deno.test("admitAnnounce() is not asked when a client stops", () => {
  const host = new PluginUnderTest({ name: "x", admitAnnounce: () => "never" });
  assert.equal(outcomeOf(host.announce("a", "&event=stopped")), "served");
});

Deno.test("a refusal text is cut and made harmless", () => {
  const host = new PluginUnderTest({ name: "x", admitAnnounce: () => `é\r\n${"x".repeat(500)}` });
  assert.equal(outcomeOf(host.announce("a")), `???${"x".repeat(197)}`);
});

Deno.test("slots that throw: admit refuses, shape is skipped, an address ends the request; all are counted", () => {
  const rows: [slots: Omit<Plugin, "name">, ask: (host: PluginUnderTest) => string, want: string | RegExp][] = [
    [{ admitAnnounce: boom }, (host) => host.announce("a"), "the tracker cannot decide; try again later"],
    [
      { admitScrape: boom },
      (host) => host.get(`/scrape?info_hash=${"a".repeat(20)}`),
      "the tracker cannot decide; try again later",
    ],
    [{ shapeAnnounce: boom }, (host) => host.announce("a"), "served"],
    [{ clientAddress: boom }, (host) => host.announce("a"), /^HTTP\/1.0 500/],
    [{ clientAddress: () => "nonsense" }, (host) => host.announce("a"), /^HTTP\/1.0 500/],
    [{ clientAddress: boom }, (host) => host.get("/stats"), /^HTTP\/1.0 500/],
    [{ shapeAnnounce: (_, shape) => shape.numwant = NaN }, (host) => host.announce("a"), "served"],
  ];
  for (const [slots, ask, want] of rows) {
    const host = new PluginUnderTest({ name: "x", ...slots } as Plugin), outcome = outcomeOf(ask(host));
    if (typeof want === "string") assert.equal(outcome, want);
    else assert.match(outcome, want);
    assert.equal(host.count("faults"), 1);
  }
});

Deno.test("slots that are slow are counted, with the longest time", () => {
  const scrape = (host: PluginUnderTest, letter: string) => void host.get(`/scrape?info_hash=${letter.repeat(20)}`);
  const announce = (host: PluginUnderTest, letter: string) => void host.announce(letter);
  // A slot takes as many milliseconds as its letter comes after a.
  const rows: [slots: Omit<Plugin, "name">, ask: (host: PluginUnderTest, letter: string) => void][] = [
    [{ admitAnnounce: ({ infoHash }) => hold(infoHash) }, announce],
    [{ admitScrape: (question) => hold(question.infoHash(0)) }, scrape],
    [{ shapeAnnounce: ({ infoHash }) => hold(infoHash) }, announce],
    [{ clientAddress: ({ query }) => hold([query.charCodeAt("info_hash=".length)]) }, announce],
    [{ admitAnnounce: ({ infoHash }) => (hold(infoHash), boom()) }, announce],
  ];
  let host: PluginUnderTest;
  const hold = (letters: ArrayLike<number>): undefined => void (host.nowMs += letters[0]! - 0x61);
  for (const [slots, ask] of rows) {
    host = new PluginUnderTest({ name: "x", ...slots } as Plugin);
    for (const letter of ["a", "c", "f", "b"]) ask(host, letter);
    assert.deepEqual([host.count("calls"), host.count("slow"), host.count("slowestMs")], [4, 3, 5]);
  }
});

Deno.test("what stands for a plugin that is out: admit refuses, shape is skipped, an address ends the request", () => {
  const slots = ["clientAddress", "admitAnnounce", "admitScrape", "shapeAnnounce"] as const;
  const outcomes: Record<string, [announce: string, scrape: string]> = {
    clientAddress: ["HTTP/1.0 500", "HTTP/1.0 500"],
    admitAnnounce: ["the tracker cannot decide; try again later", "served"],
    admitScrape: ["served", "the tracker cannot decide; try again later"],
    shapeAnnounce: ["served", "served"],
  };
  for (const slot of slots) {
    const spec = { name: "x", origin: "folder", file: "x.js", url: "file:///x.js", modes: [], paths: [] } as const;
    const host = new PluginUnderTest(standIn({ ...spec, slots: [slot], values: {}, index: 0, isOut: true }));
    const [announce, scrape] = outcomes[slot]!;
    assert.ok(outcomeOf(host.announce("a")).startsWith(announce), slot);
    assert.ok(outcomeOf(host.get(`/scrape?info_hash=${"a".repeat(20)}`)).includes(scrape), slot);
    assert.equal(host.count("faults"), slot === "clientAddress" ? 2 : 1);
  }
});

Deno.test("shapeAnnounce() sets the interval and the number of peers", () => {
  const host = new PluginUnderTest({
    name: "x",
    shapeAnnounce(announce, shape) {
      assert.equal(shape.numwant, announce.numwant < 0 ? 50 : announce.numwant);
      shape.intervalSeconds = 77.9;
      shape.numwant = 1;
    },
  });
  for (const port of [1, 2, 3]) host.get(`/announce?info_hash=${"a".repeat(20)}&port=${port}&left=1`);
  assert.match(host.announce("a", "&numwant=3"), /8:intervali77e.*5:peers6:/s);
  const udp = new DataView(host.announceUdp("a").buffer);
  assert.deepEqual([udp.getUint32(8), udp.byteLength], [77, 26]);
});

Deno.test("clientAddress() decides for announces, and peers are stored under it", () => {
  const host = new PluginUnderTest({ name: "x", clientAddress: (request) => request.header("X-IP") });
  const own = host.announce("a", "", { headers: "x-ip: 9.8.7.6\r\n" });
  assert.ok(own.includes("external ip4:\x09\x08\x07\x06"));
  assert.ok(host.announce("a", "&numwant=9").includes("5:peers6:\x09\x08\x07\x06"));
});

Deno.test("header() joins what comes more than once", () => {
  let seen: string | undefined;
  const host = new PluginUnderTest({ name: "x", clientAddress: (request) => void (seen = request.header("via")) });
  host.announce("a", "", { headers: "Via: a\r\nviaduct: no\r\nVIA:  b \r\n" });
  assert.equal(seen, "a, b");
});

Deno.test("admitScrape() sees every hash", () => {
  const host = new PluginUnderTest({
    name: "x",
    admitScrape: (scrape) => scrape.infoHash(scrape.count - 1)[0] === 0x62 ? "not b" : undefined,
  });
  const scrape = (...letters: string[]) => `/scrape?${letters.map((l) => `info_hash=${l.repeat(20)}`).join("&")}`;
  assert.equal(outcomeOf(host.get(scrape("a", "b"))), "not b");
  assert.match(host.get(scrape("b", "a")), /5:files/);
});
