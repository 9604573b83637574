/** UDP packets through the door: what is answered, what is counted, and what is not answered. */
import assert from "node:assert/strict";
import { COUNTER } from "../../src/stats/counters.ts";
import { UDP_REPLY_BYTES_MAX } from "../../src/wire/udp.ts";
import { CONNECTION_ID_SECONDS, newTracker, UdpCounter } from "../support/tracker.ts";
import { latin1Text, readVector, readVectors } from "../support/vectors.ts";

const ALICE = "192.0.2.1", BOB = "192.0.2.2", ALICE6 = "2001:db8::1";

/** The named packet with a connection id put in, and other fields by their offset. */
function packet(name: string, id: Uint8Array, fields: Record<number, readonly number[]> = {}): Uint8Array {
  const bytes = readVector("udp_requests.hex", name).slice();
  bytes.set(id);
  for (const [at, values] of Object.entries(fields)) bytes.set(values, Number(at));
  return bytes;
}

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** Asserts the named counters. */
function assertCounts({ tracker }: UdpCounter, want: Partial<Record<keyof typeof COUNTER, number>>): void {
  const names = Object.keys(want) as (keyof typeof COUNTER)[];
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, tracker.counters[COUNTER[name]]])), want);
}

Deno.test("UdpDoor.answer() takes a client through connect, announce and scrape", () => {
  const counter = new UdpCounter(newTracker()), alice = counter.connect(ALICE), bob = counter.connect(BOB);
  const first = counter.ask(packet("announce", alice), ALICE);
  assert.equal(first.toHex().slice(0, 16), "00000001c0ffee03");
  assert.ok(uint32(first, 8) >= 1620 && uint32(first, 8) < 1980);
  assert.deepEqual([uint32(first, 12), uint32(first, 16), first.length], [1, 0, 20]);
  const second = counter.ask(packet("announce, last piece got", bob), BOB);
  assert.deepEqual([uint32(second, 12), uint32(second, 16)], [1, 1]);
  assert.equal(second.subarray(20).toHex(), "c00002011ae1", "the first client, and not the asker");
  const scraped = counter.ask(packet("scrape of two, the third cut off", alice), ALICE);
  assert.equal(scraped.toHex(), `00000002c0ffee0d${"000000010000000100000001"}${"00".repeat(12)}`);
  assertCounts(counter, {
    udpPackets: 5,
    udpConnects: 2,
    udpAnnounces: 2,
    udpScrapes: 1,
    completed: 1,
  });
});

Deno.test("UdpDoor.answer() gives a client peers of its own family only", () => {
  const counter = new UdpCounter(newTracker());
  counter.ask(packet("announce", counter.connect(ALICE6)), ALICE6);
  const v4 = counter.ask(packet("announce", counter.connect(ALICE)), ALICE);
  assert.deepEqual([uint32(v4, 12), v4.length], [2, 20]);
  const v6 = counter.ask(packet("announce", counter.connect("2001:db8::2")), "2001:db8::2");
  assert.deepEqual([uint32(v6, 12), v6.subarray(20).toHex()], [3, `20010db8${"00".repeat(11)}011ae1`]);
});

Deno.test("UdpDoor.answer() takes a mapped source for the IPv4 client it is", () => {
  const counter = new UdpCounter(newTracker()), id = counter.connect(`::ffff:${ALICE}`);
  assert.equal(uint32(counter.ask(packet("announce", id), ALICE), 0), 1, "the id is good for either spelling");
  const reply = counter.ask(packet("announce", counter.connect(BOB)), BOB);
  assert.equal(reply.subarray(20).toHex(), "c00002011ae1");
});

Deno.test("UdpDoor.answer() refuses a bad connection id, but never with more bytes than it got", () => {
  const none = new Uint8Array(8), error = `Connection ID missmatch.\0`;
  const rows: { name: string; packet: Uint8Array; want: string }[] = [
    { name: "announce", packet: packet("announce", none), want: error },
    { name: "scrape of one", packet: packet("scrape of one", none), want: error },
    { name: "scrape of nothing", packet: packet("scrape of nothing", none), want: "" },
    { name: "scrape of 32 bytes", packet: packet("scrape of one", none).subarray(0, 32), want: "" },
    { name: "scrape of 33 bytes", packet: packet("scrape of one", none).subarray(0, 33), want: error },
  ];
  const counter = new UdpCounter(newTracker());
  for (const { name, packet, want } of rows) {
    const reply = counter.ask(packet, ALICE);
    assert.ok(reply.length <= packet.length, name);
    assert.equal(latin1Text(reply.subarray(8)), want, name);
    if (want !== "") {
      assert.deepEqual(reply.subarray(0, 8), Uint8Array.of(0, 0, 0, 3, ...packet.subarray(12, 16)), name);
    }
  }
  assertCounts(counter, { udpPackets: 5, udpMismatches: 5, udpDrops: 2 });
  assert.equal(counter.tracker.store.totals().torrents, 0);
});

Deno.test("UdpDoor.answer() takes an id for its time and its address", () => {
  const counter = new UdpCounter(newTracker()), { clock } = counter.tracker;
  clock.second = 1000;
  const id = counter.connect(ALICE);
  const isGood = (address: string) => uint32(counter.ask(packet("announce", id), address), 0) === 1;
  assert.deepEqual([isGood(ALICE), isGood(BOB), isGood("::c000:201")], [true, false, false]);
  clock.second += CONNECTION_ID_SECONDS;
  assert.equal(isGood(ALICE), true);
  clock.second += 8;
  assert.equal(isGood(ALICE), false);
});

Deno.test("UdpDoor.answer() gives peers to who announces port 0, and gives it to nobody", () => {
  const counter = new UdpCounter(newTracker()), { store } = counter.tracker;
  const portless = (from: string) => counter.ask(packet("announce, port 0", counter.connect(from)), from).length;
  assert.equal(portless(BOB), 20);
  assert.equal(store.totals().torrents, 0);
  counter.ask(packet("announce", counter.connect(ALICE)), ALICE);
  assert.deepEqual([portless(BOB), portless(ALICE)], [26, 26], "with a port it would not be given itself");
  assert.equal(store.totals().seeders4 + store.totals().leechers4, 1);
});

Deno.test("UdpDoor.answer() says nothing to what is no request", () => {
  const counter = new UdpCounter(newTracker());
  const names = ["connect, wrong magic", "connect, one byte short", "announce, one byte short", "no such action"];
  for (const name of [...names, "action far away", "nothing"]) {
    const bytes = readVectors("udp_requests.hex").get(name)!.slice();
    if (bytes.length >= 8 && !name.startsWith("connect")) bytes.set(counter.connect(ALICE));
    assert.equal(counter.ask(bytes, ALICE).length, 0, name);
  }
  assert.equal(counter.tracker.counters[COUNTER.udpDrops], 6);
});

Deno.test("UdpDoor.answer() never sends more than fits into one packet", () => {
  const numwant = { 92: [0x7f, 0xff, 0xff, 0xff] };
  for (const [address, peersMax, peerBytes] of [["10.0", 202, 6], ["2001:db8::", 67, 18]] as const) {
    const counter = new UdpCounter(newTracker({ numwantMax: 10_000 }));
    const last = address.includes(":") ? `${address}1` : `${address}.0.1`, id = counter.connect(last);
    for (let peer = 0; peer < 400; peer++) {
      counter.ask(packet("announce", id, { 96: [1 + (peer >> 8), peer & 0xff], ...numwant }), last);
    }
    const reply = counter.ask(packet("announce", id, numwant), last);
    assert.equal(reply.length, 20 + peersMax * peerBytes);
    assert.ok(reply.length <= UDP_REPLY_BYTES_MAX);
  }
});

Deno.test("UdpDoor.answer() gives a stopping client nobody, and nobody to the next", () => {
  const counter = new UdpCounter(newTracker()), id = counter.connect(ALICE), stopped = { 80: [0, 0, 0, 3] };
  counter.ask(packet("announce", counter.connect(BOB)), BOB);
  counter.ask(packet("announce", id), ALICE);
  const reply = counter.ask(packet("announce", id, stopped), ALICE);
  assert.deepEqual([uint32(reply, 12), uint32(reply, 16), reply.length], [1, 0, 20]);
  assert.equal(counter.ask(packet("announce", counter.connect(BOB)), BOB).length, 20);
});
