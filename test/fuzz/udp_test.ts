/** Any bytes are a UDP packet to the decoder: it drops them, refuses them or reads them, and reads nothing else. */
import assert from "node:assert/strict";
import { AnnounceRequest, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { SCRAPE_HASHES_MAX, ScrapeRequest } from "../../src/bittorrent/scrape.ts";
import {
  decodeUdpAnnounce,
  decodeUdpScrape,
  PacketBuffer,
  UDP_ANNOUNCE,
  UDP_REPLY_BYTES_MAX,
  UDP_SCRAPE,
  udpAction,
} from "../../src/wire/udp.ts";
import { fuzz } from "../support/fuzz.ts";
import { seededRandom } from "../support/random.ts";
import { newTracker, UdpCounter } from "../support/tracker.ts";
import { readVectors } from "../support/vectors.ts";

const SEEDS = [...readVectors("udp_requests.hex").values()];
const BYTES_MAX = 2048;
const AT = 64;

Deno.test("fuzz: UDP packets decode to something, within their bounds", () => {
  const buffer = new PacketBuffer(new Uint8Array(4096)), request = new AnnounceRequest(), scrape = new ScrapeRequest();
  fuzz("fuzz UDP decode", SEEDS, BYTES_MAX, (bytes) => {
    const end = AT + bytes.length;
    buffer.bytes.fill(0xa5);
    buffer.bytes.set(bytes, AT);
    const action = udpAction(buffer, AT, bytes.length);
    if (action === UDP_ANNOUNCE) {
      decodeUdpAnnounce(buffer, AT, bytes.length, request);
      assert.ok(request.extraStart === AT + 98 && request.extraStart <= request.extraEnd && request.extraEnd <= end);
      assert.ok(request.event >= 0 && request.event <= EVENT_STOPPED);
      assert.equal(request.infoHashBytes.toHex(), bytes.subarray(16, 36).toHex());
    } else if (action === UDP_SCRAPE) {
      decodeUdpScrape(buffer, AT, bytes.length, scrape);
      assert.ok(scrape.count <= SCRAPE_HASHES_MAX && 16 + scrape.count * 20 <= bytes.length);
    }
    assert.ok(buffer.bytes.subarray(end).every((byte) => byte === 0xa5), "nothing is written behind the packet");
  });
});

Deno.test("fuzz: the UDP door answers anything with a reply of bounded length, or not at all", () => {
  const counter = new UdpCounter(newTracker()), addresses = ["192.0.2.1", "2001:db8::1"];
  const ids = addresses.map((address) => counter.connect(address));
  fuzz("fuzz UDP door", SEEDS, BYTES_MAX, (bytes, random) => {
    const which = random.below(2), isKnown = random.oneIn(2);
    if (isKnown && bytes.length >= 8) bytes.set(ids[which]!);
    counter.tracker.clock.second += random.oneIn(1000) ? 60 : 0;
    const reply = counter.ask(bytes, addresses[which]!);
    assert.ok(reply.length <= UDP_REPLY_BYTES_MAX);
    if (!isKnown) assert.ok(reply.length <= bytes.length, "no more goes to a stranger than came from him");
    if (reply.length > 0) assert.equal(reply.subarray(4, 8).toHex(), bytes.subarray(12, 16).toHex());
    if (random.oneIn(500)) { for (const i of [0, 1]) ids[i] = counter.connect(addresses[i]!); }
  });
});

Deno.test("fuzz: a UDP announce decodes to what it was encoded from", () => {
  const random = seededRandom("fuzz UDP fields"), buffer = new PacketBuffer(new Uint8Array(512));
  const request = new AnnounceRequest();
  for (let i = 0; i < 20_000; i++) {
    const infoHash = random.bytes(20), left = random.oneIn(2) ? 0 : random.below(2 ** 32), event = random.below(4);
    const numwant = random.below(2 ** 32) | 0, port = 1 + random.below(65535), url = random.bytes(random.below(255));
    buffer.bytes.fill(0);
    buffer.view.setUint32(8, UDP_ANNOUNCE);
    buffer.bytes.set(infoHash, 16);
    buffer.view.setUint32(random.oneIn(2) ? 64 : 68, left);
    buffer.view.setUint32(80, event);
    buffer.view.setInt32(92, numwant);
    buffer.view.setUint16(96, port);
    buffer.bytes.set([2, url.length, ...url], 98);
    assert.equal(udpAction(buffer, 0, 100 + url.length), UDP_ANNOUNCE);
    decodeUdpAnnounce(buffer, 0, 100 + url.length, request);
    const { portWord, extraStart, extraEnd } = request;
    assert.deepEqual(
      [request.infoHashBytes, request.seeder, request.event, request.numwant, portWord << 8 & 0xff00 | portWord >> 8],
      [infoHash, left === 0, event, numwant, port],
    );
    assert.deepEqual(buffer.bytes.slice(extraStart, extraEnd), url);
  }
});
