/** UDP packets: the decoder against a slow one, and the door. */
import assert from "node:assert/strict";
import { AnnounceRequest, EVENT_NONE, EVENT_STOPPED } from "../../../src/bittorrent/announce.ts";
import { SCRAPE_HASHES_MAX, ScrapeRequest } from "../../../src/bittorrent/scrape.ts";
import {
  decodeUdpAnnounce,
  decodeUdpScrape,
  PacketBuffer,
  UDP_ANNOUNCE,
  UDP_DROP,
  UDP_REPLY_BYTES_MAX,
  UDP_SCRAPE,
  udpAction,
} from "../../../src/wire/udp.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { UdpCounter } from "../../support/tracker.ts";
import { readVectors } from "../../support/vectors.ts";
import { assertFilled, fuzzTracker, sameBytes } from "./world.ts";

const BYTES_MAX = 2048;
const AT = 64, FILL = 0xa5;
const ADDRESSES = ["192.0.2.1", "2001:db8::1"];
const seeds = () => readVectors("udp_requests.hex").values();

/** Packets through the decoder. */
export const udp: FuzzTarget = {
  name: "udp",
  summary: "UDP packets through the decoder",
  bytesMax: BYTES_MAX,
  words: ["\x00\x00\x04\x17\x27\x10\x19\x80", "\x02\x05/path", "\x02\x00", "\x01\x01\x01", "\x00"],
  seeds,
  open: openUdp,
};

function openUdp(): Check {
  const buffer = new PacketBuffer(new Uint8Array(4096)), request = new AnnounceRequest(), scrape = new ScrapeRequest();
  return (bytes) => {
    const end = AT + bytes.length;
    buffer.bytes.fill(FILL);
    buffer.bytes.set(bytes, AT);
    const action = udpAction(buffer, AT, bytes.length);
    let outcome = action * 1000;
    if (action === UDP_ANNOUNCE) outcome += checkAnnounce(buffer, bytes, request);
    else if (action === UDP_SCRAPE) {
      decodeUdpScrape(buffer, AT, bytes.length, scrape);
      assert.equal(scrape.count, Math.min(SCRAPE_HASHES_MAX, Math.floor((bytes.length - 16) / 20)));
      assert.ok(sameBytes(scrape.bytes.subarray(0, scrape.count * 20), bytes.subarray(16, 16 + scrape.count * 20)));
      outcome += scrape.count;
    } else assert.ok(action >= UDP_DROP && action <= UDP_SCRAPE);
    assertFilled(buffer.bytes, 0, AT, FILL, "written before the packet");
    assertFilled(buffer.bytes, end, 4096, FILL, "written behind the packet");
    return outcome;
  };
}

// Each field against a reading of its own. Returns an outcome.
function checkAnnounce(buffer: PacketBuffer, bytes: Uint8Array, request: AnnounceRequest): number {
  decodeUdpAnnounce(buffer, AT, bytes.length, request);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), event = view.getUint32(80);
  assert.ok(
    sameBytes(request.infoHashBytes, bytes.subarray(16, 36)) && sameBytes(request.peerIdBytes, bytes.subarray(36, 56)),
  );
  assert.equal(request.seeder, view.getBigUint64(64) === 0n);
  assert.equal(request.event, event <= EVENT_STOPPED ? event : EVENT_NONE);
  assert.equal(request.numwant, view.getInt32(92));
  assert.equal(request.portWord, view.getUint16(96, true));
  const urlData = joinedUrlData(bytes);
  assert.equal(request.extraStart, AT + 98);
  assert.ok(sameBytes(buffer.bytes.subarray(request.extraStart, request.extraEnd), urlData));
  return request.event * 100 + Math.min(99, urlData.length);
}

// BEP 41, the slow way.
function joinedUrlData(bytes: Uint8Array): Uint8Array {
  const data: number[] = [];
  for (let at = 98; at < bytes.length && bytes[at] !== 0;) {
    if (bytes[at] === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length) break;
    if (bytes[at] === 2) data.push(...bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return Uint8Array.from(data);
}

/** Packets through the door, from those who have a connection id and from those who have none. */
export const udpDoor: FuzzTarget = {
  name: "udp_door",
  summary: "UDP packets through the door and the store, with a connection id and without",
  bytesMax: BYTES_MAX,
  words: udp.words,
  seeds,
  open: openUdpDoor,
};

function openUdpDoor(): Check {
  const counter = new UdpCounter(fuzzTracker()), ids = ADDRESSES.map((address) => counter.connect(address));
  const { tracker, output } = counter;
  return (input, chance) => {
    const which = chance.below(2), isKnown = !chance.oneIn(4), bytes = input.slice();
    if (chance.oneIn(1000)) {
      tracker.clock.second += 60;
      tracker.store.sweep(chance.below(256), 64);
    }
    if (chance.oneIn(500)) { for (const i of [0, 1]) ids[i] = counter.connect(ADDRESSES[i]!); }
    if (isKnown && bytes.length >= 8) bytes.set(ids[which]!);
    output.bytes.fill(FILL);
    const reply = counter.ask(bytes, ADDRESSES[which]!);
    assert.ok(reply.length <= UDP_REPLY_BYTES_MAX);
    if (!isKnown) assert.ok(reply.length <= bytes.length, "more goes to a stranger than came from him");
    assertFilled(output.bytes, 0, 128, FILL, "written before the reply");
    assertFilled(output.bytes, 128 + UDP_REPLY_BYTES_MAX, 4096, FILL, "written behind the reply");
    if (reply.length === 0) return -1;
    assert.ok(reply.length >= 8 && sameBytes(reply.subarray(4, 8), bytes.subarray(12, 16)));
    const action = reply[3]!;
    if (action === 1) assert.equal((reply.length - 20) % (which === 0 ? 6 : 18), 0);
    if (action === 2) assert.equal((reply.length - 8) % 12, 0);
    return action * 10_000 + reply.length;
  };
}
