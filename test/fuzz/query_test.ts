/** What was written into a query and escaped comes back as it was. Broken queries: targets/query.ts. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { NOT_REFUSED } from "../../src/bittorrent/refusal.ts";
import { decodeAnnounceQuery } from "../../src/wire/query.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { latin1 } from "../support/vectors.ts";

Deno.test("fuzz: an announce query decodes to what it was encoded from", () => {
  const random = seededRandom("fuzz query fields"), request = new AnnounceRequest();
  const events = ["", "completed", "started", "stopped", "paused"];
  for (let i = 0; i < 20_000; i++) {
    const infoHash = random.bytes(20),
      port = 1 + random.below(65535),
      left = random.oneIn(2) ? 0 : random.below(2 ** 31);
    const numwant = random.below(1000) - 500, event = random.below(5), compact = random.oneIn(2);
    const parameters = shuffle(random, [
      `info_hash=${escape(random, infoHash)}`,
      `peer_id=${escape(random, random.bytes(20))}`,
      `port=${port}`,
      `left=${left}`,
      `numwant=${numwant}`,
      `event=${events[event]}`,
      `compact=${compact ? 1 : 0}`,
      `key=${escape(random, random.bytes(4))}`,
    ]);
    const bytes = latin1(parameters.join("&"));
    assert.equal(decodeAnnounceQuery(bytes, 0, bytes.length, request), NOT_REFUSED);
    assert.deepEqual(
      [request.infoHashBytes, request.seeder, request.numwant, request.event, request.compact],
      [infoHash, left === 0, numwant, event, compact],
    );
    assert.equal(request.portWord << 8 & 0xff00 | request.portWord >> 8, port);
  }
});

// Escapes what must be, in upper or lower case, and sometimes what need not be.
function escape(random: Random, bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const isPlain = byte > 0x20 && byte !== 0x25 && byte !== 0x26 && !random.oneIn(4);
    if (isPlain) return String.fromCharCode(byte);
    const hex = byte.toString(16).padStart(2, "0");
    return `%${random.oneIn(2) ? hex : hex.toUpperCase()}`;
  }).join("");
}

function shuffle<Item>(random: Random, items: Item[]): Item[] {
  for (let i = items.length - 1; i > 0; i--) {
    const k = random.below(i + 1);
    [items[i], items[k]] = [items[k]!, items[i]!];
  }
  return items;
}
