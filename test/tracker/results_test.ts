/** What becomes of requests is counted by protocol, family and result, each once. */
import assert from "node:assert/strict";
import { COUNTER, RESULT, RESULTS } from "../../src/stats/counters.ts";
import { HttpCounter, newTracker, UdpCounter } from "../support/tracker.ts";
import { latin1 } from "../support/vectors.ts";

const ADDRESSES = [["ipv4", "192.0.2.1", 0], ["ipv6", "2001:db8::1", RESULT.ipv6]] as const;
const HASH = "a".repeat(20);

/** The tracker's results that are not 0, by their place. */
function resultsOf(counters: Float64Array): Record<number, number> {
  const row = Array.from(counters.subarray(COUNTER.results, COUNTER.results + RESULTS), (count, at) => [at, count]);
  return Object.fromEntries(row.filter(([, count]) => count !== 0));
}

Deno.test("UdpDoor counts what becomes of a datagram", () => {
  const announce = (id: Uint8Array, port: number) => {
    const packet = new Uint8Array(98), view = new DataView(packet.buffer);
    packet.set(id);
    view.setUint32(8, 1);
    view.setUint16(96, port);
    return packet;
  };
  const scrape = (id: Uint8Array) => Uint8Array.of(...id, 0, 0, 0, 2, 0, 0, 0, 0, ...new Uint8Array(20));
  const rows: [name: string, packet: (id: Uint8Array) => Uint8Array, result: number, announces: number][] = [
    ["announce", (id) => announce(id, 1), RESULT.answered, 1],
    ["announce of port 0", (id) => announce(id, 0), RESULT.answered, 1],
    ["announce with a bad id", () => announce(new Uint8Array(8), 1), RESULT.refused, 0],
    ["scrape", scrape, RESULT.answered, 0],
    ["garbage", () => new Uint8Array(5), RESULT.dropped, 0],
  ];
  for (const [family, address, at] of ADDRESSES) {
    for (const [name, packet, result, announces] of rows) {
      const tracker = newTracker(), udp = new UdpCounter(tracker), id = udp.connect(address), { counters } = tracker;
      assert.deepEqual(resultsOf(counters), { [RESULT.udp + at + RESULT.answered]: 1 }, `connect ${family}`);
      counters.fill(0);
      udp.ask(packet(id), address);
      assert.deepEqual(resultsOf(counters), { [RESULT.udp + at + result]: 1 }, `${name} ${family}`);
      assert.equal(counters[COUNTER.udpAnnounces], announces, name);
      assert.equal(counters[COUNTER.udpMismatches6], at > 0 ? counters[COUNTER.udpMismatches] : 0, name);
    }
  }
});

Deno.test("HttpDoor counts what becomes of a request", () => {
  const rows: [target: string, result: number][] = [
    [`/announce?info_hash=${HASH}&port=1&left=1`, RESULT.answered],
    [`/announce?info_hash=${HASH}&port=-1&left=1`, RESULT.refused],
    [`/scrape?info_hash=${HASH}`, RESULT.answered],
    ["/scrape?info_hash=a", RESULT.refused],
  ];
  for (const [family, address, at] of ADDRESSES) {
    for (const [target, result] of rows) {
      const tracker = newTracker();
      new HttpCounter(tracker).ask(latin1(`GET ${target} HTTP/1.1\r\n\r\n`), address);
      assert.deepEqual(resultsOf(tracker.counters), { [RESULT.http + at + result]: 1 }, `${target} ${family}`);
    }
    const tracker = newTracker();
    new HttpCounter(tracker).ask(latin1("POST / HTTP/1.1\r\n\r\n"), address);
    assert.deepEqual(resultsOf(tracker.counters), { [RESULT.http + at + RESULT.refused]: 1 }, `not GET ${family}`);
  }
});
