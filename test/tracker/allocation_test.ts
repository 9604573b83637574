/**
 * Nothing is allocated per request, with everything on that is asked about each: shield, denied networks, shedding. V8
 * counts what is on the heap, rubbish included, and a collection only ever makes that less: so the sum of what every
 * thousand announces adds to the heap is what they allocated, collected or not.
 */
import assert from "node:assert/strict";
import { readNetworkLines } from "../../src/access/network_lines.ts";
import { NetworkRanges } from "../../src/access/network_ranges.ts";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { createBuckets } from "../../src/shield/buckets.ts";
import { createShedControl, ShedControl } from "../../src/shield/shed_steps.ts";
import { Shield } from "../../src/shield/shield.ts";
import { HTTP_REPLY } from "../../src/tracker/http_door.ts";
import type { Tracker } from "../../src/tracker/tracker.ts";
import { HttpCounter, newTracker, UdpCounter } from "../support/tracker.ts";
import { latin1, readVector } from "../support/vectors.ts";

const ANNOUNCES = 1_000_000;
const BATCH = 10_000;
/** Before this many V8 is still compiling what runs. */
const WARM_UP = 200_000;
const HEAP_BYTES_MAX = 1_000_000;
/** Enough torrents to miss every cache, and peers enough for every shape of list. */
const TORRENTS = 5000;

const ADDRESSES = ["192.0.2.1", "2001:db8::1"];

Deno.test("UdpDoor.answer() allocates nothing, over a million announces", () => {
  const counter = new UdpCounter(guarded(newTracker({}, 64))), { tracker, door, input } = counter;
  const ids = ADDRESSES.map((address) => counter.connect(address)), at = 64;
  input.bytes.set(readVector("udp_requests.hex", "announce"), at);
  const packet = new DataView(input.bytes.buffer, at);
  assertNoAllocation((i) => {
    const which = i & 1;
    setSource(tracker.request, which);
    for (let k = 0; k < 8; k++) input.bytes[at + k] = ids[which]![k]!;
    packet.setUint16(16, torrent(i));
    packet.setUint16(96, 1 + (i * 7 & 0xfff));
    packet.setUint8(71, i & 3);
    packet.setUint8(83, i % 5 === 0 ? 3 : i % 3 === 0 ? 1 : 0);
    return door.answer(at, i % 4 === 0 ? 98 : 110, 128) >= 20;
  }, () => tracker.beginBatch());
});

Deno.test("HttpDoor.answer() allocates nothing, over a million announces", () => {
  const counter = new HttpCounter(guarded(newTracker({}, 64))), { tracker, door } = counter;
  const head = "GET /announce?info_hash=";
  const bytes = latin1(
    `${head}aaaaaaaaaaaaaaaaaa%61a&peer_id=-WG0001-abcdefghijkl&port=10000&left=0&numwant=80&event=x`,
  );
  const request = new Uint8Array([...bytes, ...latin1(" HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\n\r\n")]);
  const portAt = new TextDecoder().decode(bytes).indexOf("port=") + 5, leftAt = portAt + "10000&left=".length;
  const numwantAt = leftAt + "0&numwant=".length;
  assertNoAllocation((i) => {
    setSource(tracker.request, i & 1);
    const hash = torrent(i);
    request[head.length] = 0x80 | hash >> 7;
    request[head.length + 1] = 0x80 | hash & 0x7f;
    request[portAt + 4] = 0x30 + i % 10;
    request[portAt + 3] = 0x30 + (i * 7) % 10;
    request[portAt + 2] = 0x30 + (i * 3) % 10;
    request[leftAt] = 0x30 + (i & 3);
    // One in eight is refused.
    request[numwantAt] = i % 8 === 5 ? 0x78 : 0x38;
    door.http.scanned = 0;
    return door.answer(request, 0, request.length) === HTTP_REPLY;
  }, () => tracker.beginBatch());
});

// Limits that are not reached.
function guarded(tracker: Tracker): Tracker {
  const shedding = createShedControl(45), denied = "198.51.100.0/24\n203.0.113.0/24\n2001:db8:5::/48\n2001:db8:7::/48";
  const rate = { perSecond: 10_000, burst: 10_000_000 }, buckets = createBuckets(Int32Array.of(1, 2));
  new ShedControl(shedding).set({ http4: 4, http6: 4, udp4: 4, udp6: 3 }, 90);
  tracker.shedding = new ShedControl(shedding);
  tracker.shield = new Shield({ buckets, rate, exempt: [], proxies: [] });
  tracker.denied = new NetworkRanges(readNetworkLines(denied).memory);
  return tracker;
}

const sources = ADDRESSES.map((text) => {
  const source = { family: 4 as 4 | 6, address: new Int32Array(4), addressBytes: new Uint8Array(0) };
  setAddressText(source, text);
  return source;
});

function setSource(request: { family: 4 | 6; address: Int32Array }, which: number): void {
  const source = sources[which]!;
  request.family = source.family;
  for (let i = 0; i < 4; i++) request.address[i] = source.address[i]!;
}

// Every eighth announce goes to the same few torrents, so that they become large.
function torrent(i: number): number {
  return i % 8 === 0 ? i % 3 : (Math.imul(i, 40503) >>> 3) % TORRENTS;
}

/** Runs `announce` for 0, 1, 2 …; it returns whether it was answered. */
function assertNoAllocation(announce: (i: number) => boolean, beginBatch: () => void): void {
  let answered = 0, allocated = 0;
  for (let from = 0; from < WARM_UP + ANNOUNCES; from += BATCH) {
    const before = Deno.memoryUsage().heapUsed;
    beginBatch();
    for (let i = from; i < from + BATCH; i++) if (announce(i)) answered++;
    const growth = Deno.memoryUsage().heapUsed - before;
    if (from >= WARM_UP && growth > 0) allocated += growth;
  }
  assert.equal(answered, WARM_UP + ANNOUNCES);
  assert.ok(allocated < HEAP_BYTES_MAX, `${allocated} bytes were allocated over ${ANNOUNCES} announces`);
}
