/** Any bytes are a query to the decoder; and what was escaped comes back as it was. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { NOT_REFUSED, REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { ScrapeRequest } from "../../src/bittorrent/scrape.ts";
import { decodeAnnounceQuery, decodeScrapeQuery, HTTP_SCRAPE_HASHES_MAX } from "../../src/wire/query.ts";
import { fuzz } from "../support/fuzz.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { latin1 } from "../support/vectors.ts";

const SEEDS = [
  "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-WG0001-abcdefghijkl&port=6881&left=0&compact=1&numwant=50&event=started",
  "info_hash=%00%01%02%03%04%05%06%07%08%09%0a%0b%0c%0d%0e%0f%10%11%12%13&port=65535&left=18446744073709551616",
  "port=1&info_hash=%61aaaaaaaaaaaaaaaaaaa&info_hash=bbbbbbbbbbbbbbbbbbbb",
  "&&=&event=&numwant=-1&compact=0&port=&left=-",
].map(latin1);

Deno.test("fuzz: queries decode to a request or to a refusal", () => {
  const request = new AnnounceRequest(), scrape = new ScrapeRequest();
  fuzz("fuzz queries", SEEDS, 8192, (bytes, random) => {
    const start = random.below(bytes.length + 1), refusal = decodeAnnounceQuery(bytes, start, bytes.length, request);
    assert.ok(refusal >= NOT_REFUSED && refusal < REFUSAL_TEXTS.length);
    if (refusal === NOT_REFUSED) {
      assert.ok(request.portWord > 0 && request.portWord <= 0xffff);
      assert.ok(Number.isInteger(request.numwant) && Math.abs(request.numwant) <= 0x7fffffff);
    }
    const scrapeRefusal = decodeScrapeQuery(bytes, start, bytes.length, scrape);
    assert.ok(scrapeRefusal >= NOT_REFUSED && scrapeRefusal < REFUSAL_TEXTS.length);
    assert.ok(scrape.count <= HTTP_SCRAPE_HASHES_MAX);
  });
});

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
