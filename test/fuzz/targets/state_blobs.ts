/** What stands packed in a state file, as it may be when somebody else has written there: history blocks and peers. */
import assert from "node:assert/strict";
import { ScrapeReply } from "../../../src/bittorrent/scrape.ts";
import { BLOCK_MINUTES, decodeBlock, encodeBlock, FIGURES } from "../../../src/persist/history_minutes.ts";
import { toKept } from "../../../src/persist/row_builder.ts";
import { TorrentLoader } from "../../../src/swarm/torrent_loader.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { fuzzStore } from "./world.ts";

const LOADER_OWNER = 2, PEER_MINUTES_MAX = 45, WALL_MINUTE = 30_000_000;
const FIRST_MINUTE = 100 * BLOCK_MINUTES, FIGURE_MAX = 2 ** 51;
const HEAD_BYTES = 24, PEER4_BYTES = 8, PEER6_BYTES = 20;

/** Blocks of the history. */
export const historyBlocks: FuzzTarget = {
  name: "history_blocks",
  summary: "blocks of minutes (tracker.history), as the state file has them",
  bytesMax: 8192,
  words: ["\x1b", "\x01", "\x00", "\x80\x01", "\xff\xff\xff\xff\xff\xff\xff\x0f", "\x78"],
  seeds: function* () {
    for (const count of [1, 3, BLOCK_MINUTES]) {
      yield encodeBlock(Array.from({ length: count }, (_, i) => ({
        minute: FIRST_MINUTE + i,
        figures: FIGURES.map((_, figure) => figure * (i + 1) % 1000),
      })));
    }
  },
  open: () => (bytes) => {
    const minutes = decodeBlock(FIRST_MINUTE, bytes);
    if (minutes === null) return "no block";
    let before = FIRST_MINUTE - 1;
    for (const { minute, figures } of minutes) {
      assert.ok(Number.isInteger(minute) && minute > before && minute < FIRST_MINUTE + BLOCK_MINUTES, `${minute}`);
      assert.equal(figures.length, FIGURES.length);
      assert.ok(figures.every((figure) => Number.isInteger(figure) && figure >= 0 && figure <= FIGURE_MAX));
      before = minute;
    }
    assert.deepEqual(decodeBlock(FIRST_MINUTE, encodeBlock(minutes)), minutes);
    return `${bytes[0]} ${Math.min(9, minutes.length)}`;
  },
};

/** Torrents with their peers. */
export const stateRows: FuzzTarget = {
  name: "state_rows",
  summary: "torrents of a state file with their packed peers, into the store",
  bytesMax: 4096,
  words: [
    "\x00\x00\x00\x00",
    "\xff\xff\xff\xff",
    "\x01\x02\x03\x04\x1a\xe1\x00\x00",
    "\x01\x02\x03\x04\x00\x00\xff\xff",
  ],
  seeds: function* () {
    yield new Uint8Array(HEAD_BYTES + 5 * PEER4_BYTES + 3 * PEER6_BYTES).fill(0x61);
  },
  open: openStateRows,
};

/**
 *   0 info hash (4, five times)   4 completed (4)   8 touched, before or after now (4, signed)
 *   12 IPv4 peers (2)   14 seeders of them (2)   16 seeders of the IPv6 peers (2)   24 … IPv4 peers, then IPv6 peers
 */
function openStateRows(): Check {
  const { arena, store } = fuzzStore(), loader = new TorrentLoader(arena, LOADER_OWNER, PEER_MINUTES_MAX);
  const reply = new ScrapeReply();
  return (bytes, chance) => {
    if (bytes.length < HEAD_BYTES) return "too short";
    if (chance.oneIn(100)) store.sweep(chance.below(256), 64);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), body = bytes.subarray(HEAD_BYTES);
    const count4 = Math.min(view.getUint16(12), Math.floor(body.length / PEER4_BYTES));
    const count6 = Math.floor((body.length - count4 * PEER4_BYTES) / PEER6_BYTES);
    const infoHash = new Uint8Array(20).map((_, i) => bytes[i % 4]!);
    const row = {
      infoHash,
      completed: view.getUint32(4),
      touched: Math.max(0, WALL_MINUTE + view.getInt32(8)),
      // The file is looked at for this much: no more seeders than peers.
      seeders4: Math.min(view.getInt16(14), count4),
      peers4: count4 === 0 ? null : body.slice(0, count4 * PEER4_BYTES),
      seeders6: Math.min(view.getInt16(16), count6),
      peers6: count6 === 0 ? null : body.slice(count4 * PEER4_BYTES, count4 * PEER4_BYTES + count6 * PEER6_BYTES),
    };
    const before = { ...loader.counts };
    loader.load(toKept(row, WALL_MINUTE), chance.oneIn(2));
    const { peers, expired, refused } = loader.counts;
    assert.ok(peers + expired + refused - before.peers - before.expired - before.refused <= count4 + count6 + 1);
    store.scrape(new Int32Array(infoHash.buffer), reply, 0);
    const { torrents, seeders4, leechers4, seeders6, leechers6 } = store.totals();
    for (const total of [torrents, seeders4, leechers4, seeders6, leechers6]) assert.ok(total >= 0, `${total}`);
    return `${Math.min(9, peers - before.peers)} ${Math.min(9, expired - before.expired)} ${refused > before.refused}`;
  };
}
