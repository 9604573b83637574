/** Lines that `-l` and `tracker state import` read: opentracker's state dump and JSON lines, up to the store. */
import assert from "node:assert/strict";
import { formatJsonLine, parseJsonLine } from "../../../src/persist/json_lines.ts";
import { toKept } from "../../../src/persist/row_builder.ts";
import type { StateRow } from "../../../src/persist/state_file.ts";
import { formatDumpLine, parseDumpLine } from "../../../src/persist/statedump.ts";
import { StateDumpReader } from "../../../src/persist/statedump_loader.ts";
import { EVENT_COMPLETED } from "../../../src/bittorrent/announce.ts";
import { LOADER_OWNER } from "../../../src/swarm/owners.ts";
import type { SwarmStore } from "../../../src/swarm/swarm_store.ts";
import { TorrentLoader } from "../../../src/swarm/torrent_loader.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import type { Random } from "../../support/random.ts";
import { setAsker, StoreDriver } from "../../support/store.ts";
import { latin1Text } from "../../support/vectors.ts";
import { fuzzStore, sameBytes } from "./world.ts";

const UNIX_MINUTE = 29_000_000, PEER_MINUTES_MAX = 45;

/** A state dump or lines of JSON, mixed. */
export const stateLines: FuzzTarget = {
  name: "state_lines",
  summary: "state dumps and JSON lines, parsed, formatted and loaded into a store",
  bytesMax: 8192,
  words: [
    "0123456789ABCDEF0123456789ABCDEF01234567:",
    "28999990:",
    ":3\n",
    "\n",
    '{"infoHash":"0123456789abcdef0123456789abcdef01234567"',
    ',"completed":1',
    ',"touched":28999999',
    ',"peers":[',
    '{"ip":"10.0.0.1","port":6881,"seeder":true,"completed":true,"age":4}',
    '{"ip":"2001:db8::1","port":1,"seeder":false,"completed":false,"age":0}',
    ",",
    "]}\n",
    '"::ffff:1.2.3.4"',
    "1e3",
    "null",
  ],
  open: openStateLines,
};

function openStateLines(): Check {
  const { arena, store } = fuzzStore(), loader = new TorrentLoader(arena, LOADER_OWNER, PEER_MINUTES_MAX);
  const decoder = new TextDecoder(), driver = new StoreDriver();
  return (bytes, chance) => {
    const reader = new StateDumpReader(loader, UNIX_MINUTE), dump = latin1Text(bytes).split("\n");
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + chance.below(2000);
      reader.add(bytes.subarray(at, end));
      at = end;
    }
    const { loaded, old, empty, bad } = reader.end();
    const lines = dump.filter((line) => line !== "" && line !== "\r");
    assert.equal(loaded + old + empty + bad, lines.length);
    // The reader cuts a line without an end short, which none that is good is.
    assert.equal(loaded + old + empty, lines.filter((line) => checkDumpLine(line)).length);
    let rows = 0, peers = 0;
    for (const line of decoder.decode(bytes).split("\n")) {
      const row = parseJsonLine(line);
      if (row === null) continue;
      rows++;
      peers += checkRow(row);
      load(row, loader, store, driver);
    }
    makeRoom(store, chance);
    return `${Math.min(loaded, 5)} ${Math.min(old, 2)} ${Math.min(empty, 2)} ${rows} ${peers}`;
  };
}

function checkDumpLine(line: string): boolean {
  const torrent = parseDumpLine(line);
  if (torrent === null) return false;
  const formatted = formatDumpLine(torrent), again = parseDumpLine(formatted);
  assert.ok(again !== null && sameBytes(again.infoHash, torrent.infoHash));
  assert.equal(formatDumpLine(again), formatted);
  return true;
}

// What is formatted is read as the same. Returns the number of peers.
function checkRow(row: StateRow): number {
  const { infoHash, peers4, seeders4, peers6, seeders6 } = row;
  const count4 = (peers4?.length ?? 0) / 8, count6 = (peers6?.length ?? 0) / 20;
  assert.ok(infoHash.length === 20 && Number.isInteger(count4) && Number.isInteger(count6));
  assert.ok(seeders4 <= count4 && seeders6 <= count6);
  for (let at = 0; at < count6 * 20; at += 20) {
    assert.doesNotMatch(peers6!.subarray(at, at + 12).toHex(), /^0{20}ffff$/, "an IPv4 address among IPv6 peers");
  }
  const formatted = formatJsonLine(row), again = parseJsonLine(formatted);
  assert.ok(again !== null && again.seeders4 === seeders4 && again.seeders6 === seeders6);
  assert.equal(formatJsonLine(again), formatted);
  return count4 + count6;
}

// A torrent that was loaded has its count, and counts on.
function load(row: StateRow, loader: TorrentLoader, store: SwarmStore, driver: StoreDriver): void {
  const { request, reply } = driver;
  loader.load(toKept(row, UNIX_MINUTE), true);
  request.infoHashBytes.set(row.infoHash);
  setAsker(request, Uint8Array.of(198, 51, 100, 1), 1);
  request.seeder = true;
  request.event = EVENT_COMPLETED;
  store.announce(request, reply);
  if (reply.stored) assert.ok(reply.completed >= row.completed, `${row.completed} became ${reply.completed}`);
}

// Now and then everything grows old, and the store is swept.
function makeRoom(store: SwarmStore, chance: Random): void {
  const { seeders4, leechers4, seeders6, leechers6 } = store.totals();
  for (const count of [seeders4, leechers4, seeders6, leechers6]) assert.ok(count >= 0);
  if (!chance.oneIn(500)) return;
  store.minute = (store.minute + PEER_MINUTES_MAX + 1440) & 0x7fff;
  for (let shard = 0; shard < 256; shard++) while (!store.sweep(shard, 1000));
  store.minute = 0;
}
