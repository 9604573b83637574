/**
 * Nobody can be made to receive more than was sent in their name: whatever datagram a source sends that has not proven
 * to be there, the answer is no longer. Over every kind of packet, every length, and any bytes.
 */
import assert from "node:assert/strict";
import { newShieldedTracker, UDP_CONNECT_PACKET, udpAnnounce, udpScrape } from "../support/shield.ts";
import { seededRandom } from "../support/random.ts";
import { newTracker, UdpCounter } from "../support/tracker.ts";
import { readVectors } from "../support/vectors.ts";

const VICTIM = "192.0.2.1", VICTIM6 = "2001:db8::1", OTHER = "192.0.2.2";
const FUZZED = 100_000;

/** Bytes in and out. */
class Balance {
  in = 0;
  out = 0;

  constructor(readonly udp: UdpCounter) {}

  send(packet: Uint8Array, address: string, name: string): void {
    const reply = this.udp.ask(packet, address);
    this.in += packet.length;
    this.out += reply.length;
    assert.ok(reply.length <= packet.length, `${name}: ${reply.length} bytes for ${packet.length}`);
  }
}

/** A tracker with a swarm that would be a long answer. */
function fullTracker(isShielded: boolean): UdpCounter {
  const udp = new UdpCounter(isShielded ? newShieldedTracker({ rate: { perSecond: 1e5, burst: 1e6 } }) : newTracker());
  const id = udp.connect(OTHER);
  for (let port = 1; port <= 300; port++) udp.ask(udpAnnounce(id, "a", { port }), OTHER);
  return udp;
}

// What docs/operating.md says of it: bytes out for each byte in.
Deno.test("connects, bad connection ids and random bytes are answered with so many bytes for each that came", () => {
  const random = seededRandom("shares"), id = new Uint8Array(8).fill(0xff);
  const rows: [name: string, packets: number, packet: () => Uint8Array, want: string][] = [
    ["connect", 500, () => UDP_CONNECT_PACKET, "1.00"],
    ["announce", 1, () => udpAnnounce(id, "a"), "0.34"],
    ["scrape", 1, () => udpScrape(id, "a"), "0.92"],
    ["announces", 500, () => udpAnnounce(id, "a"), "0.17"],
    ["scrapes", 500, () => udpScrape(id, "a"), "0.47"],
    ["random bytes", 500, () => random.bytes(100), "0.00"],
  ];
  for (const [name, packets, packet, want] of rows) {
    const balance = new Balance(fullTracker(true));
    for (let i = 0; i < packets; i++) balance.send(packet(), VICTIM, name);
    assert.equal((balance.out / balance.in).toFixed(2), want, name);
  }
});

for (const isShielded of [false, true]) {
  const shield = isShielded ? "with" : "without";

  Deno.test(`an unproven source is sent no more than it sent, ${shield} a shield: every kind of packet, cut anywhere`, () => {
    for (const address of [VICTIM, VICTIM6]) {
      const udp = fullTracker(isShielded), balance = new Balance(udp), foreign = udp.connect(OTHER);
      // Ids that were never given out, one given to somebody else, and the magic of a connect.
      const ids = [new Uint8Array(8), new Uint8Array(8).fill(0xff), foreign, UDP_CONNECT_PACKET.slice(0, 8)];
      for (const [name, packet] of readVectors("udp_requests.hex")) {
        for (const id of [packet.slice(0, 8), ...ids]) {
          for (let length = 0; length <= packet.length; length++) {
            const sent = packet.slice(0, length);
            sent.set(id.subarray(0, Math.min(8, length)));
            balance.send(sent, address, `${name}, ${length} bytes`);
          }
        }
      }
      assert.ok(balance.out > 0 && balance.out <= balance.in);
    }
  });

  Deno.test(`an unproven source is sent no more than it sent, ${shield} a shield: any bytes`, () => {
    const random = seededRandom("amplification"), balance = new Balance(fullTracker(isShielded));
    for (let i = 0; i < FUZZED; i++) {
      const packet = random.bytes(random.below(160));
      // Mostly something with a readable action, often a connect's magic.
      if (packet.length >= 12 && !random.oneIn(8)) packet.set([0, 0, 0, random.below(4)], 8);
      if (packet.length >= 8 && random.oneIn(4)) packet.set(UDP_CONNECT_PACKET.subarray(0, 8));
      balance.send(packet, random.oneIn(2) ? VICTIM : VICTIM6, `packet ${i}`);
    }
    assert.ok(balance.out > 0);
    console.log(`bytes out per byte in: ${(balance.out / balance.in).toFixed(3)}`);
  });
}
