/** A flood of unknown torrents over real sockets, small: bench/flood.ts makes it large. */
import assert from "node:assert/strict";
import { announceRequest, exchange, readReplies, startApp, type TestApp, writeAll } from "../support/app.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false, ignore: Deno.build.os !== "linux" };
const KNOWN_PEERS = 10;
/** More torrents than fit 16 MiB. */
const TORRENTS = 300_000;
const CONNECTIONS = 4, PIPELINE = 500;

Deno.test("a flood of unknown torrents is answered, counted and not stored; known swarms stay", OPTIONS, async () => {
  await using tracker = await startApp("linux", "tracker.memory 16\ntracker.workers 1\n");
  const { tcpPort } = tracker;
  for (let port = 1; port <= KNOWN_PEERS; port++) await exchange(tcpPort, announceRequest("k", port));
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => flood(tracker, i)));
  const { notStored, memory, torrents, faults } = await figures(tracker);
  assert.ok(memory.bytesUsed <= memory.bytesMax && memory.bytesUsed > memory.bytesMax * 0.94, JSON.stringify(memory));
  assert.ok(notStored > 1000, `${notStored} not stored, ${torrents} are there`);
  assert.equal(torrents + notStored, TORRENTS + 1, "each was stored or counted");
  assert.equal(faults, 0);
  const known = await exchange(tcpPort, announceRequest("k", KNOWN_PEERS));
  assert.match(known, new RegExp(`10:incompletei${KNOWN_PEERS}e.*5:peers${(KNOWN_PEERS - 1) * 6}:`, "s"));
  const joined = await exchange(tcpPort, announceRequest("k", KNOWN_PEERS + 1));
  assert.match(joined, new RegExp(`10:incompletei${KNOWN_PEERS + 1}e`), "there is room kept for those who join");
});

async function flood({ tcpPort }: TestApp, connection: number): Promise<void> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: tcpPort });
  for (let from = connection; from < TORRENTS; from += CONNECTIONS * PIPELINE) {
    let requests = "", count = 0;
    for (let i = from; i < Math.min(TORRENTS, from + CONNECTIONS * PIPELINE); i += CONNECTIONS, count++) {
      requests += announceRequest("f", 1).replace("f".repeat(20), `torrent-${i}`.padEnd(20, "-"));
    }
    const written = writeAll(socket, requests);
    const replies = await readReplies(socket, count);
    assert.equal(replies.split("8:complete").length - 1, count, "each is answered");
    await written;
  }
}

async function figures({ tcpPort }: TestApp) {
  const text = await exchange(tcpPort, "GET /stats?mode=json HTTP/1.1\r\nConnection: close\r\n\r\n");
  return JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4));
}
