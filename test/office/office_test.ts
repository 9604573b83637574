import assert from "node:assert/strict";
import opentracker from "../../plugins/stats_opentracker.ts";
import type { OfficePlugin } from "../../src/office/pages.ts";
import { Clock } from "../../src/stats/clock.ts";
import { COUNTER, counterRow, HTTP_ERROR } from "../../src/stats/counters.ts";
import { hashOf, type OfficeMemory } from "../support/office.ts";
import { TestFront } from "../support/office_front.ts";
import { latin1Text } from "../support/vectors.ts";

/** A plugin whose page breaks off after its first bytes. */
const FAILING: OfficePlugin["plugin"] = {
  name: "failing",
  routes: {
    stream: () =>
      new Response(
        new ReadableStream({
          start: (out) => out.enqueue(new Uint8Array([0x61])),
          pull: () => {
            throw new Error("on purpose");
          },
        }),
        { headers: { "transfer-encoding": "chunked" } },
      ),
  },
};

/** A plugin whose page says the type that it is asked for. */
const TYPED: OfficePlugin["plugin"] = {
  name: "typed",
  routes: {
    page: (request) => {
      const type = new URL(request.url).searchParams.get("type");
      return new Response("é", { headers: type === null ? {} : { "content-type": type } });
    },
  },
};

function fill(memory: OfficeMemory, torrents: number): void {
  for (let i = 0; i < torrents; i++) {
    const infoHash = hashOf(i & 255);
    new DataView(infoHash.buffer).setUint32(0, i);
    memory.announce({ infoHash, address: "192.0.2.1", port: 1 });
  }
}

/** The data of chunks, whose sizes are checked. */
function joinChunks(bytes: string): string {
  let data = "";
  for (let at = 0;;) {
    const end = bytes.indexOf("\r\n", at), length = parseInt(bytes.slice(at, end), 16);
    assert.ok(length >= 0, `a chunk at ${at}`);
    if (length === 0) {
      assert.equal(bytes.slice(end), "\r\n\r\n");
      return data;
    }
    data += bytes.slice(end + 2, end + 2 + length);
    assert.equal(bytes.slice(end + 2 + length, end + 4 + length), "\r\n");
    at = end + 4 + length;
  }
}

Deno.test("a full scrape comes in chunks, each when the one before has been sent", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]), torrents = 40_000;
  try {
    fill(front.memory, torrents);
    front.request(7, "/scrape");
    // The head, and nothing more until it is asked for.
    assert.equal(await front.idle(), 1);
    const pieces = await front.pieces(7), text = pieces.map(({ bytes }) => latin1Text(bytes)).join("");
    assert.ok(pieces.every(({ id }) => id === 7));
    assert.ok(pieces.length >= 4);
    const headEnd = text.indexOf("\r\n\r\n");
    assert.equal(
      text.slice(0, headEnd),
      "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked",
    );
    const body = joinChunks(text.slice(headEnd + 4)), entry = "d8:completei0e10:downloadedi0e10:incompletei1ee";
    assert.equal(body.length, "d5:filesdee".length + torrents * (23 + entry.length));
    assert.equal(body.slice(0, 12), "d5:filesd20:");
    assert.ok(body.endsWith(`${entry}ee`));
  } finally {
    front.close();
  }
});

Deno.test("a path is taken as it stands, encoded letters aside", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    const others = [
      "/x/../stats",
      "/./stats",
      "/%2e/stats",
      "/stats/..",
      "/\\stats",
      "/stats\\",
      "/stats#x",
      "/stats/",
    ];
    for (const target of ["/stats", "//stats?mode=peer", "/%73tats", "/stats?x=/../#y", ...others]) {
      front.request(1, target);
      const [{ bytes } = assert.fail()] = await front.pieces(1), status = others.includes(target) ? "0 404" : "1 200";
      assert.ok(latin1Text(bytes).startsWith(`HTTP/1.${status} `), target);
    }
    assert.equal(counterRow(front.memory.counters, 1)[COUNTER.httpErrors + HTTP_ERROR.notFound], others.length);
  } finally {
    front.close();
  }
});

Deno.test("a page's type goes out as the plugin has it, charset and all", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    for (const type of ["text/html; charset=utf-8", "text/html;charset=UTF-8", "text/csv", null]) {
      front.request(1, `/plugin/typed/page${type === null ? "" : `?type=${encodeURIComponent(type)}`}`);
      const head = latin1Text((await front.piece()).bytes).split("\r\n");
      assert.deepEqual(head.slice(1, 3), [`Content-Type: ${type ?? "text/plain"}`, "Content-Length: 2"]);
    }
  } finally {
    front.close();
  }
});

Deno.test("HTTP/1.0 is sent the same without chunks, and the connection ends", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    fill(front.memory, 3);
    front.request(1, "/stats?mode=tpbs&format=txt", { oldVersion: true });
    const pieces = await front.pieces(1), text = pieces.map(({ bytes }) => latin1Text(bytes)).join("");
    assert.equal(pieces.at(-1)!.keepAlive, false);
    const [head, body] = text.split("\r\n\r\n");
    assert.equal(head, "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close");
    assert.equal(body!.split("\n").length, 4);
  } finally {
    front.close();
  }
});

Deno.test("a client that goes makes room; others are answered meanwhile", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    fill(front.memory, 30_000);
    for (let id = 1; id <= 12; id++) {
      front.request(id, "/scrape");
      assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.1 200 OK/);
      if (id % 2 === 0) front.post({ type: "next", id, spent: null });
      front.post({ type: "abort", id });
      if (id % 2 === 0) assert.ok(!(await front.piece()).last);
      assert.deepEqual(await front.piece(), { id, bytes: new Uint8Array(0), last: true, keepAlive: false }, "let go");
    }
    front.request(20, "/scrape");
    assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.1 200 OK/);
    front.request(21, "/stats?mode=torr");
    assert.match(latin1Text((await front.piece()).bytes), /\r\n\r\n30000\n0\n/);
    front.post({ type: "abort", id: 20 });
  } finally {
    front.close();
  }
});

Deno.test("an office that has a successor finishes what it has begun, or ends it when it is told to", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    fill(front.memory, 30_000);
    assert.ok(await front.finishes(), "nothing was begun");
    front.request(1, "/scrape");
    front.request(2, "/stats?mode=torr");
    const begun = [await front.piece(), await front.piece()];
    assert.deepEqual(begun.map(({ id, last }) => [id, last]).toSorted(), [[1, false], [2, true]]);
    assert.ok(!await front.finishes());
    front.post({ type: "next", id: 1, spent: null });
    assert.ok((await front.piece()).bytes.length > 0, "it goes on");
    front.cutOff();
    assert.deepEqual(await front.piece(), { id: 1, bytes: new Uint8Array(0), last: true, keepAlive: false });
    assert.ok(await front.finishes());
    front.post({ type: "next", id: 1, spent: null });
    assert.equal(await front.idle(), 0, "and says no more of it");
  } finally {
    front.close();
  }
});

Deno.test("a front that dies leaves nothing behind: the next one finds all places for full scrapes free", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]);
  try {
    fill(front.memory, 30_000);
    for (let life = 0; life < 3; life++) {
      for (let id = 1; id <= 4; id++) {
        front.request(id, "/scrape", { address: `192.0.2.${id}` });
        assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.1 200 OK/, `life ${life}`);
      }
      front.request(5, "/scrape", { address: "192.0.2.5" });
      assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.0 503 /);
      front.begin();
      await front.idle();
    }
  } finally {
    front.close();
  }
});

Deno.test("a full scrape that is taken too slowly ends, and is no fault", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]), clock = new Clock(front.clock);
  try {
    fill(front.memory, 40_000);
    front.request(1, "/scrape");
    let piece = await front.piece();
    for (let pieces = 1; !piece.last; pieces++) {
      assert.ok(pieces <= 4, "it goes on for ever");
      // The next piece is made by then; what follows is waited for.
      await front.idle();
      clock.second += 60;
      front.post({ type: "next", id: 1, spent: null });
      piece = await front.piece();
    }
    assert.deepEqual([piece.bytes.length, piece.keepAlive], [0, false], "its client sees that something is missing");
    const row = counterRow(front.memory.counters, 1);
    assert.deepEqual([row[COUNTER.tcpTimeouts], row[COUNTER.faults]], [1, 0]);
    front.request(2, "/scrape");
    assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.1 200 OK/);
    front.post({ type: "abort", id: 2 });
  } finally {
    front.close();
  }
});

Deno.test("a full scrape whose client does not read gives way when all places are taken", async () => {
  const front = new TestFront([opentracker]), clock = new Clock(front.clock);
  const statusOf = async (id: number) => {
    front.request(id, "/scrape", { address: `192.0.2.${id}` });
    const { bytes } = await front.piece();
    // The next piece is made by then, and its client is waited for.
    for (let i = 0; i < 10; i++) await front.idle();
    return latin1Text(bytes).slice(0, 12);
  };
  try {
    fill(front.memory, 20_000);
    for (const id of [1, 2, 3, 4]) assert.equal(await statusOf(id), "HTTP/1.1 200");
    clock.second += 10;
    assert.equal(await statusOf(5), "HTTP/1.0 503", "ten seconds are no long time");
    clock.second += 1;
    for (const id of [6, 7, 8, 9]) assert.equal(await statusOf(id), "HTTP/1.1 200");
    assert.equal(await statusOf(10), "HTTP/1.0 503", "those that are new have waited for nobody");
    front.post({ type: "next", id: 9, spent: null });
    assert.equal((await front.pieces(9)).at(-1)!.keepAlive, true, "and are sent whole");
    front.post({ type: "next", id: 1, spent: null });
    const [last] = (await front.pieces(1)).slice(-1);
    assert.deepEqual([last!.bytes.length, last!.keepAlive], [0, false], "its client sees that something is missing");
    const row = counterRow(front.memory.counters, 1);
    assert.deepEqual([row[COUNTER.tcpTimeouts], row[COUNTER.faults]], [1, 0]);
  } finally {
    for (const id of [2, 3, 4, 6, 7, 8]) front.post({ type: "abort", id });
    await front.idle();
    front.close();
  }
});

Deno.test("a page that fails while it is sent ends its connection, and nobody else's", async () => {
  const front = new TestFront([opentracker, FAILING, TYPED]), { error } = console;
  const logged: unknown[][] = [];
  console.error = (...words) => logged.push(words);
  try {
    front.request(1, "/plugin/failing/stream");
    const pieces = await front.pieces(1), text = pieces.map(({ bytes }) => latin1Text(bytes)).join("");
    assert.match(text, /^HTTP\/1\.1 200 OK[^]*Transfer-Encoding: chunked\r\n\r\n/);
    assert.ok(!text.endsWith("0\r\n\r\n"), "its client sees that something is missing");
    assert.equal(pieces.at(-1)!.keepAlive, false);
    front.request(2, "/stats?mode=torr");
    assert.match(latin1Text((await front.piece()).bytes), /^HTTP\/1\.1 200 OK/);
    assert.deepEqual(logged.map(([what, why]) => `${what}: ${(why as Error).message}`), [
      "office: a page failed while it was sent: on purpose",
    ]);
  } finally {
    console.error = error;
    front.close();
  }
});
