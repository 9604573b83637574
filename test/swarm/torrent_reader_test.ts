/** The torrent reader against the naive model: on a still store, and while the table and the lists move under it. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import type { ReadWish } from "../../src/swarm/torrent_reader.ts";
import { NaiveSwarm } from "../support/naive_swarm.ts";
import { assertSameTorrents, READ_ALL, type ReadPeer, readTorrents } from "../support/read_torrents.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { setAsker, StoreDriver, sweepAll } from "../support/store.ts";

/** The store, the model, and the torrents both know. */
class Pair {
  readonly arena: SharedArrayBuffer;
  readonly store: SwarmStore;
  readonly model = new NaiveSwarm(45);
  readonly driver = new StoreDriver();

  /** The model counts a torrent's peers at every announce: none for large ones. */
  constructor(readonly random: Random, readonly hasModel = true) {
    this.arena = createArena(64, new Int32Array(random.bytes(16).buffer));
    this.store = new SwarmStore(this.arena, 1, 7, 45);
  }

  announce(infoHash: Uint8Array, address: Uint8Array, port: number, seeder: boolean, event: number): void {
    const { request, reply } = this.driver;
    request.infoHashBytes.set(infoHash);
    const asker = setAsker(request, address, port);
    request.seeder = seeder;
    request.event = event;
    this.store.announce(request, reply);
    if (this.hasModel) this.model.announce(infoHash.join(), asker, seeder, event, this.store.minute);
  }

  /** A peer out of `ports` joins or, once in `stopOneIn` times, leaves. */
  announceRandom(infoHash: Uint8Array, ports: number, stopOneIn: number): void {
    const { random } = this;
    const address = random.oneIn(3) ? new Uint8Array(16).fill(32 + random.below(2)) : new Uint8Array(4).fill(10);
    const event = random.oneIn(stopOneIn) ? EVENT_STOPPED : random.oneIn(4) ? EVENT_COMPLETED : EVENT_NONE;
    this.announce(infoHash, address, 1 + random.below(ports), random.oneIn(3), event);
  }
}

Deno.test("TorrentReader reads what the naive model holds, whatever shape its lists have", () => {
  const random = seededRandom("torrent reader"), pair = new Pair(random);
  const hashes = Array.from({ length: 3000 }, () => random.bytes(20));
  for (let round = 0; round < 4; round++) {
    pair.store.minute = 70_000 + round * 7;
    for (let i = 0; i < 30_000; i++) {
      const torrent = random.oneIn(2) ? random.below(3) : random.below(hashes.length);
      pair.announceRandom(hashes[torrent]!, torrent === 0 ? 9000 : torrent < 3 ? 150 : 3, 8);
    }
    sweepAll(pair.store);
    pair.model.sweep(pair.store.minute);
    assertSameTorrents(readTorrents(pair.arena), pair.model);
    const counts = readTorrents(pair.arena, { peers: false, changesOnly: false });
    assert.equal(counts.size, pair.model.torrents.size);
    for (const [key, torrent] of counts) {
      const { seeders, leechers, completed } = pair.model.counts(key), [s4, l4, s6, l6] = torrent.counts;
      assert.deepEqual([s4! + s6!, l4! + l6!, torrent.completed], [seeders, leechers, completed]);
    }
  }
});

Deno.test("TorrentReader reads a torrent that stays exactly once while others come, go and resize the table", () => {
  const random = seededRandom("torrent reader, moving"), pair = new Pair(random), { store } = pair;
  const ten = new Uint8Array(4).fill(10), stays = Array.from({ length: 4000 }, () => random.bytes(20));
  const passing: Uint8Array[] = [];
  store.minute = 10;
  for (const infoHash of stays) pair.announce(infoHash, ten, 1000, true, EVENT_COMPLETED);
  let isGrowing = true;
  const between = () => {
    // Thousands come, then go: the tables double several times and halve again.
    for (let i = 0; i < 300; i++) {
      const infoHash = isGrowing ? random.bytes(20) : passing.pop();
      if (infoHash === undefined) break;
      if (isGrowing) passing.push(infoHash);
      pair.announce(infoHash, ten, 1, false, isGrowing ? EVENT_NONE : EVENT_STOPPED);
    }
    if (passing.length > 60_000) isGrowing = false;
    if (passing.length === 0) isGrowing = true;
    for (let i = 0; i < 8; i++) store.sweep(random.below(256), 4096);
  };
  for (let round = 0; round < 3; round++) {
    const torrents = readTorrents(pair.arena, { peers: false, changesOnly: false }, between);
    for (const infoHash of stays) assert.ok(torrents.has(infoHash.join()), "one that stayed was missed");
  }
});

Deno.test("TorrentReader misses no peer that stays while a large swarm grows under it", () => {
  const random = seededRandom("torrent reader, large"), pair = new Pair(random, false), infoHash = random.bytes(20);
  const address = (i: number) => Uint8Array.of(10, 1, i >> 8, i & 0xff);
  for (let i = 0; i < 30_000; i++) pair.announce(infoHash, address(i), 6881, i % 3 === 0, EVENT_NONE);
  let next = 0;
  const torrents = readTorrents(pair.arena, READ_ALL, () => {
    if (next > 40_000) return;
    for (let i = 0; i < 2000; i++, next++) pair.announce(infoHash, Uint8Array.of(20, 1, next >> 8, next), 1, false, 0);
  });
  const { peers, isWhole } = torrents.get(infoHash.join())!;
  assert.ok(isWhole);
  for (let i = 0; i < 30_000; i++) {
    assert.equal(peers.get(`4|${address(i).join(".")}|6881`)?.seeder, i % 3 === 0, `peer ${i}`);
  }
});

Deno.test("TorrentReader begins a large torrent anew when buckets are merged behind it", () => {
  const random = seededRandom("torrent reader, shrinking"), pair = new Pair(random, false), infoHash = random.bytes(20);
  const address = (i: number) => Uint8Array.of(10, 1, i >> 8, i & 0xff);
  for (let i = 0; i < 60_000; i++) pair.announce(infoHash, address(i), 6881, i % 2 === 0, EVENT_NONE);
  for (let i = 0; i < 35_000; i++) pair.announce(infoHash, address(i), 6881, false, EVENT_STOPPED);
  let next = 35_000;
  const torrents = readTorrents(pair.arena, { peers: true, changesOnly: true }, (read) => {
    // They leave in one go, after its first piece.
    if (!read.has(infoHash.join())) return;
    for (; next < 50_000; next++) pair.announce(infoHash, address(next), 6881, false, EVENT_STOPPED);
  });
  const none = { peers: new Map<string, ReadPeer>(), isWhole: false, isNew: false };
  const { peers, isWhole, isNew } = torrents.get(infoHash.join()) ?? none;
  assert.ok(isWhole && isNew, "nobody has added what the file remembers of it");
  for (let i = 50_000; i < 60_000; i++) assert.ok(peers.has(`4|${address(i).join(".")}|6881`), `peer ${i}`);
});

Deno.test("TorrentReader reads changes once, and again when there are new ones", () => {
  const random = seededRandom("torrent reader, changes"), pair = new Pair(random);
  const hashes = Array.from({ length: 500 }, () => random.bytes(20)),
    changes: ReadWish = { peers: true, changesOnly: true };
  for (let i = 0; i < 20_000; i++) pair.announceRandom(hashes[i % 5 === 0 ? random.below(500) : 0]!, 3000, 9);
  assertSameTorrents(readTorrents(pair.arena, changes), pair.model);
  assert.equal(readTorrents(pair.arena, changes).size, 0);
  const touched = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const infoHash = hashes[random.below(40)]!;
    touched.add(infoHash.join());
    pair.announceRandom(infoHash, 50, 3);
  }
  const again = readTorrents(pair.arena, changes);
  // A stop of nobody in an unknown torrent changes nothing.
  assert.deepEqual([...again.keys()].sort(), [...touched].filter((key) => pair.model.torrents.has(key)).sort());
});
