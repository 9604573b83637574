/** Every slot that runs in a front: good, throwing, slow. */
import assert from "node:assert/strict";
import type { Plugin } from "../../src/plugin/api.ts";
import { standIn } from "../../src/plugin/stand_in.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";

/** What a reply comes to. */
function outcomeOf(reply: string): string {
  return /14:failure reason\d+:(.*?)8:interval/.exec(reply)?.[1] ?? (reply.includes("8:complete") ? "served" : reply);
}

/** Seeders, downloads and leechers in a reply. */
function countsOf(reply: string): number[] {
  return ["complete", "downloaded", "incomplete"].map((key) =>
    Number(new RegExp(`\\d:${key}i(\\d+)e`).exec(reply)![1])
  );
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

Deno.test("a stop is carried out whatever admitAnnounce() says, and tells whom it refuses no counts", () => {
  for (const answer of [() => "never", boom]) {
    let asked = 0, isOpen = true;
    const host = new PluginUnderTest({ name: "x", admitAnnounce: () => (asked++, isOpen ? undefined : answer()) });
    for (const port of [1, 2, 3]) host.announce("a", `&port=${port}`);
    host.get(`/announce?info_hash=${"a".repeat(20)}&port=3&left=0&event=completed`);
    assert.deepEqual(countsOf(host.announce("a", "&port=1&event=stopped")), [1, 1, 1]);
    isOpen = false;
    asked = 0;
    assert.deepEqual(countsOf(host.announce("a", "&port=2&event=stopped")), [0, 0, 0]);
    assert.deepEqual([asked, host.count("refused")], [1, 0]);
    assert.equal(host.tracker.store.totals().leechers4, 0, "the second has left");
  }
});

Deno.test("a stop tells no counts of a torrent that the lists do not allow", async () => {
  for (const kind of ["allow", "deny"] as const) {
    const host = new PluginUnderTest({
      name: "x",
      accessList(lists) {
        const list = lists.begin(kind, 1);
        list.add(new Uint8Array(20).fill(0x61));
        list.publish();
      },
    });
    for (const letter of "ab") for (const port of [1, 2]) host.announce(letter, `&port=${port}`);
    await host.loadLists();
    const [open, shut] = kind === "allow" ? "ab" : "ba";
    assert.deepEqual(countsOf(host.announce(open!, "&port=1&event=stopped")), [0, 0, 1], kind);
    assert.deepEqual(countsOf(host.announce(shut!, "&port=1&event=stopped")), [0, 0, 0], kind);
    assert.equal(host.tracker.store.totals().leechers4, 2, kind);
  }
});

Deno.test("a refusal text is cut and made harmless", () => {
  const host = new PluginUnderTest({ name: "x", admitAnnounce: () => `é\r\n${"x".repeat(500)}` });
  assert.equal(outcomeOf(host.announce("a")), `???${"x".repeat(197)}`);
});

const FAILED = "the tracker cannot decide; try again later", ERROR = "HTTP/1.0 500";
const announce = (host: PluginUnderTest) => host.announce("a");
const scrape = (host: PluginUnderTest) => host.get(`/scrape?info_hash=${"a".repeat(20)}`);

/** By slot: what is asked, and what the client gets when the slot says nothing, gives a text, and fails. */
const SLOTS: readonly (readonly [
  slot: "clientAddress" | "admitAnnounce" | "admitScrape" | "shapeAnnounce",
  ask: (host: PluginUnderTest) => string,
  outcomes: Readonly<Record<"nothing" | "text" | "fault", string>>,
])[] = [
  ["clientAddress", announce, { nothing: "served", text: "served", fault: ERROR }],
  ["clientAddress", scrape, { nothing: "served", text: "served", fault: ERROR }],
  // The office is asked.
  ["clientAddress", (host) => host.get("/stats"), { nothing: "", text: "", fault: ERROR }],
  ["admitAnnounce", announce, { nothing: "served", text: "192.0.2.9", fault: FAILED }],
  ["admitScrape", scrape, { nothing: "served", text: "192.0.2.9", fault: FAILED }],
  // What it returns means nothing: it sets, or it throws.
  ["shapeAnnounce", announce, { nothing: "served", text: "served", fault: "served" }],
];

/** What a slot does, and what comes of it: it has no opinion, it says a text, or it is at fault. */
const DEEDS: readonly (readonly [deed: string, act: () => unknown, comes: "nothing" | "text" | "fault"])[] = [
  ["returns nothing", () => undefined, "nothing"],
  ["returns null", () => null, "nothing"],
  ["returns an empty text", () => "", "nothing"],
  ["returns a text", () => "192.0.2.9", "text"],
  ["returns false", () => false, "fault"],
  ["returns a number", () => 0, "fault"],
  ["returns an object", () => ({ toString: boom }), "fault"],
  ["returns a function", () => boom, "fault"],
  ["returns a promise of nothing", () => Promise.resolve(), "fault"],
  ["returns a promise of a text", () => Promise.resolve("192.0.2.9"), "fault"],
  ["returns a promise that is rejected", () => Promise.reject(new Error("boom")), "fault"],
  ["throws", boom, "fault"],
  ["throws nothing", () => {
    throw undefined;
  }, "fault"],
  ["throws what cannot be shown", () => {
    throw { toString: boom };
  }, "fault"],
];

Deno.test("whatever a front's slot does, the client gets an answer, and faults are counted", () => {
  for (const [slot, ask, outcomes] of SLOTS) {
    for (const [deed, act, comes] of DEEDS) {
      const isCounted = comes === "fault" && (slot !== "shapeAnnounce" || /throws|promise/.test(deed));
      const want = outcomes[comes];
      const host = new PluginUnderTest({ name: "x", [slot]: act } as unknown as Plugin);
      // Each time it is asked, and not only the first.
      for (const times of [1, 2]) {
        const outcome = outcomeOf(ask(host));
        assert.equal(want === ERROR ? outcome.slice(0, ERROR.length) : outcome, want, `${slot} ${deed}`);
        assert.equal(host.count("faults"), isCounted ? times : 0, `${slot} ${deed}`);
      }
    }
  }
});

Deno.test("an address that is none, and a shape that is no number, are faults", () => {
  const rows: [slots: Omit<Plugin, "name">, want: string][] = [
    [{ clientAddress: () => "nonsense" }, ERROR],
    [{ shapeAnnounce: (_, shape) => shape.numwant = NaN }, "served"],
  ];
  for (const [slots, want] of rows) {
    const host = new PluginUnderTest({ name: "x", ...slots } as Plugin);
    assert.ok(outcomeOf(host.announce("a")).startsWith(want));
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
