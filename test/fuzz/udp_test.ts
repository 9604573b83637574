/** What was written into a UDP announce comes back as it was. Broken packets: targets/udp.ts. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { decodeUdpAnnounce, PacketBuffer, UDP_ANNOUNCE, udpAction } from "../../src/wire/udp.ts";
import { seededRandom } from "../support/random.ts";

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
