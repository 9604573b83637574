/** What happens as a small arena fills: nothing throws, nobody known is forgotten early, and it recovers. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { ScrapeReply } from "../../src/bittorrent/scrape.ts";
import { ARENA_MIB_MIN } from "../../src/swarm/arena.ts";
import type { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { newStore, setAsker, StoreDriver, sweepAll } from "../support/store.ts";

/** A store and the means to fill it. */
class Crowd {
  readonly store: SwarmStore = newStore(ARENA_MIB_MIN);
  readonly driver = new StoreDriver();
  readonly hash = new Uint8Array(20);

  constructor(readonly random: Random) {
    this.driver.reply.peersMax = 50;
    this.driver.reply.bothFamilies = true;
    this.driver.request.event = EVENT_NONE;
  }

  /** Announces a peer of the IPv4 net 10.0.0.0/8 or the IPv6 net 2001::/16; `peer` tells peers apart. */
  announce(hash: Uint8Array, family: 4 | 6, peer: number, event: number = EVENT_NONE): StoreDriver["reply"] {
    const { request, reply } = this.driver, address = new Uint8Array(family === 4 ? 4 : 16);
    address.set(family === 4 ? [10, peer >>> 16, peer >>> 8, peer] : [0x20, 1, 0, 0, peer >>> 16, peer >>> 8, peer]);
    request.infoHashBytes.set(hash);
    setAsker(request, address, 6881);
    request.event = event;
    request.seeder = event === EVENT_COMPLETED;
    this.store.announce(request, reply);
    return reply;
  }

  /** Announces to torrents of random hashes until one is not stored. Returns how many were. */
  flood(): number {
    for (let stored = 0;; stored++) {
      for (let i = 0; i < 20; i += 4) new DataView(this.hash.buffer).setInt32(i, this.random.below(2 ** 32));
      if (!this.announce(this.hash, 4, stored).stored) return stored;
      assert.ok(stored < 1_000_000, "a flood ends");
    }
  }

  get fill(): number {
    const { bytesUsed, bytesMax } = this.store.totals();
    assert.ok(bytesUsed <= bytesMax);
    return bytesUsed / bytesMax;
  }
}

const KNOWN = new Uint8Array(20).fill(7);

Deno.test("SwarmStore answers a flood of unknown torrents without storing them, and known ones as ever", () => {
  const crowd = new Crowd(seededRandom("budget, torrents"));
  for (let peer = 0; peer < 10; peer++) crowd.announce(KNOWN, 4, peer);
  const stored = crowd.flood();
  assert.ok(stored > 100_000, `${stored} torrents fitted`);
  assert.ok(crowd.fill >= 0.94 && crowd.fill <= 0.96, `${crowd.fill} full when new torrents are refused`);
  const { seeders, leechers, peers4, ageMinutes } = crowd.announce(crowd.hash, 4, 1);
  assert.deepEqual({ seeders, leechers, peers4, ageMinutes }, { seeders: 0, leechers: 0, peers4: 0, ageMinutes: -1 });
  // Known torrents still take new peers: that is what the last twentieth is kept for.
  const known = crowd.announce(KNOWN, 4, 10);
  assert.deepEqual([known.stored, known.leechers, known.peers4], [true, 11, 10]);
  assert.equal(crowd.store.totals().torrents, stored + 1);
});

Deno.test("SwarmStore forgets the lonely early while it is crowded, then stores again", () => {
  const crowd = new Crowd(seededRandom("budget, the lonely")), { store } = crowd;
  store.minute = 100;
  for (let peer = 0; peer < 10; peer++) crowd.announce(KNOWN, 4, peer);
  const stored = crowd.flood();
  store.minute += store.peerAgeMinutesMax - 1;
  sweepAll(store);
  assert.ok(crowd.fill < 0.85, `${crowd.fill} full after a sweep`);
  assert.ok(store.totals().torrents < stored, "some lonely peers went before their time");
  const known = crowd.announce(KNOWN, 4, 0);
  assert.deepEqual([known.stored, known.leechers, known.peers4], [true, 10, 9], "company keeps its whole lifetime");
  assert.ok(crowd.flood() > 0);
});

Deno.test("SwarmStore gets the memory of a flood back, although every page of it holds somebody real", () => {
  const random = seededRandom("budget, the real among a flood"), crowd = new Crowd(random), { store } = crowd;
  const real: { hash: Uint8Array; family: 4 | 6; peers: number }[] = [];
  store.minute = 100;
  for (let i = 0, isStored = true; isStored; i++) {
    const hash = random.bytes(20), family = random.oneIn(3) ? 6 : 4, peers = random.oneIn(4) ? 2 + random.below(4) : 1;
    for (let peer = 0; peer < peers; peer++) isStored = crowd.announce(hash, family, peer).stored;
    if (isStored && i % 50 === 0) real.push({ hash, family, peers });
  }
  assert.ok(real.length > 1000, `${real.length} are real`);
  assert.ok(crowd.fill > 0.94, `${crowd.fill} full`);
  for (const minute of [104, 124, 144, 164]) {
    store.minute = minute;
    for (const { hash, family, peers } of real) {
      for (let peer = 0; peer < peers; peer++) assert.ok(crowd.announce(hash, family, peer).stored);
    }
    sweepAll(store);
  }
  // Shards keep a page of each size, which in so small an arena is a third.
  assert.ok(crowd.fill < 0.45, `${crowd.fill} full when the flood has expired`);
  // What was moved is what it was, and all of it has the whole of its time again.
  store.minute += store.peerAgeMinutesMax - 1;
  sweepAll(store);
  const reply = new ScrapeReply();
  for (const { hash, family, peers } of real) {
    store.scrape(new Int32Array(hash.buffer), reply, 0);
    assert.deepEqual([...reply.counts.subarray(0, 3)], [0, 0, peers]);
    assert.equal(crowd.announce(hash, family, peers - 1).ageMinutes, store.peerAgeMinutesMax - 1);
    assert.equal(crowd.driver.picked().length, peers - 1);
  }
  store.minute += 3000;
  for (let i = 0; i < 12; i++) sweepAll(store);
  assert.equal(store.totals().bytesUsed, 256 * 4096, "no block was lost on the way");
});

Deno.test("SwarmStore forgets the completed counts of empty torrents at once while it is crowded", () => {
  const crowd = new Crowd(seededRandom("budget, the empty")), { store } = crowd, empty = new Uint8Array(20).fill(9);
  crowd.announce(empty, 4, 1, EVENT_COMPLETED);
  crowd.announce(empty, 4, 1, EVENT_STOPPED);
  sweepAll(store);
  assert.equal(store.totals().torrents, 1, "while there is room it is remembered");
  const stored = crowd.flood();
  sweepAll(store);
  assert.equal(store.totals().torrents, stored, "the empty one went, the lonely of this minute stayed");
});

Deno.test("SwarmStore refreshes and releases known peers of a giant swarm that has filled it", () => {
  const crowd = new Crowd(seededRandom("budget, giant")), { store } = crowd;
  let peers = 0;
  while (crowd.announce(KNOWN, 6, peers).stored) assert.ok(++peers < 1_000_000, "a swarm ends");
  assert.ok(peers > 400_000, `${peers} peers fitted`);
  assert.ok(crowd.fill > 0.95, `${crowd.fill} full`);
  const refused = crowd.announce(KNOWN, 6, peers);
  assert.deepEqual([refused.leechers, refused.peers6], [peers, 50], "who is not stored is answered all the same");
  store.minute++;
  for (let peer = 0; peer < peers; peer += 997) {
    const { stored, ageMinutes, leechers } = crowd.announce(KNOWN, 6, peer);
    assert.deepEqual([stored, ageMinutes, leechers], [true, 1, peers], `peer ${peer} is refreshed`);
  }
  const counted = crowd.announce(KNOWN, 6, 0, EVENT_COMPLETED);
  assert.equal(counted.stored, true);
  assert.equal(counted.completed, 1);
  for (let peer = 0; peer < peers; peer++) {
    assert.notEqual(crowd.announce(KNOWN, 6, peer, EVENT_STOPPED).ageMinutes, -1, `peer ${peer} was there to stop`);
  }
  assert.ok(crowd.fill < 0.3, `${crowd.fill} full when all have left`);
  assert.ok(crowd.flood() > 50_000, "the memory serves another purpose");
});

Deno.test("SwarmStore stays true to itself when memory runs out under random announces", () => {
  const random = seededRandom("budget, mixed"), crowd = new Crowd(random), { store } = crowd;
  const hashes = Array.from({ length: 3000 }, () => random.bytes(20));
  let notStored = 0;
  for (let i = 0; i < 800_000; i++) {
    const event = random.below(100), peer = random.below(random.oneIn(3) ? 400_000 : 300);
    const hash = hashes[random.oneIn(2) ? random.below(4) : random.below(hashes.length)]!;
    const kind = event < 5 ? EVENT_STOPPED : event < 20 ? EVENT_COMPLETED : EVENT_NONE;
    if (!crowd.announce(hash, random.oneIn(4) ? 4 : 6, peer, kind).stored) notStored++;
    if (i % 100_000 !== 0) continue;
    store.minute += random.below(5);
    sweepAll(store);
  }
  assert.ok(notStored > 0, "it was full");
  assert.ok(crowd.fill <= 1);
  store.minute += 3000;
  // Tables halve once a sweep.
  for (let i = 0; i < 12; i++) sweepAll(store);
  const { torrents, seeders4, leechers4, seeders6, leechers6, bytesUsed } = store.totals();
  assert.deepEqual([torrents, seeders4, leechers4, seeders6, leechers6], [0, 0, 0, 0, 0]);
  assert.equal(bytesUsed, 256 * 4096, "one page a shard, for its smallest table");
});
