import assert from "node:assert/strict";
import { AnnounceRequest, EVENT_STARTED } from "../../src/bittorrent/announce.ts";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { createTellRing, TELL_ENTRIES, TellReader, TellWriter, type Told } from "../../src/stats/tell_ring.ts";

Deno.test("TellReader reads what was told since it began, and knows what it lost", () => {
  const ring = createTellRing(), writer = new TellWriter(ring), request = new AnnounceRequest();
  writer.tell(request, false, 0);
  const reader = new TellReader(ring), told: Told[] = [];
  request.infoHashBytes.fill(7);
  request.peerIdBytes.fill(8);
  request.portWord = 0xe11a;
  request.event = EVENT_STARTED;
  request.seeder = true;
  setAddressText(request, "2001:db8::1");
  writer.tell(request, true, 42);
  reader.drain(told, 10);
  assert.deepEqual(
    told.map(({ infoHash, peerId, address, ...rest }) => [infoHash[19], peerId[19], address.length, rest]),
    [
      [7, 8, 16, { port: 0x1ae1, event: EVENT_STARTED, seeder: true, isUdp: true, second: 42 }],
    ],
  );
  for (let i = 0; i < TELL_ENTRIES + 1000; i++) {
    request.portWord = (i & 0xff) << 8;
    writer.tell(request, false, i);
  }
  told.length = 0;
  reader.drain(told, TELL_ENTRIES * 2);
  assert.equal(told.length + reader.lost, TELL_ENTRIES + 1000);
  assert.equal(told.at(-1)!.second, TELL_ENTRIES + 999);
  assert.equal(told[0]!.second, reader.lost);
  // A successor of the front goes on where it ended.
  new TellWriter(ring).tell(request, false, 5);
  told.length = 0;
  reader.drain(told, 10);
  assert.equal(told.length, 1);
});
