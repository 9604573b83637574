/** The swarm store against a naive model, and the shapes a list of peers goes through. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { ScrapeReply } from "../../src/bittorrent/scrape.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { type NaivePeer, NaiveSwarm } from "../support/naive_swarm.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { newStore, setAsker, StoreDriver, sweepAll } from "../support/store.ts";

const OPERATIONS = 150_000;

class Comparison {
  readonly driver = new StoreDriver();
  readonly model: NaiveSwarm;
  readonly hashes: Uint8Array[];
  minute = 100;

  constructor(readonly store: SwarmStore, readonly random: Random, torrents: number) {
    this.model = new NaiveSwarm(store.peerAgeMinutesMax);
    this.hashes = Array.from({ length: torrents }, () => random.bytes(20));
  }

  #asker(torrent: number): string {
    const { random } = this, ports = torrent === 0 ? 3000 : torrent < 4 ? 60 : 4;
    const address = random.oneIn(3) ? new Uint8Array(16).fill(32 + random.below(2)) : new Uint8Array(4).fill(10);
    return setAsker(this.driver.request, address, 1 + random.below(ports));
  }

  announce(stopShare: number): void {
    const { random, driver, model, store } = this, { request, reply } = driver;
    // Half of all goes to the first few torrents, so that some become large.
    const torrent = random.oneIn(2) ? 0 : random.oneIn(2) ? random.below(4) : random.below(this.hashes.length);
    const hash = this.hashes[torrent]!;
    request.infoHashBytes.set(hash);
    const asker = this.#asker(torrent);
    request.seeder = random.oneIn(3);
    request.event = random.below(100) < stopShare ? EVENT_STOPPED : random.oneIn(5) ? EVENT_COMPLETED : EVENT_NONE;
    reply.peersMax = random.oneIn(10) ? 0 : random.below(120);
    reply.bothFamilies = random.oneIn(2);
    store.minute = this.minute;
    store.announce(request, reply);
    const want = model.announce(hash.join(), asker, request.seeder, request.event, this.minute);
    const { seeders, leechers, completed, ageMinutes, newlyCompleted } = reply;
    assert.deepEqual({ seeders, leechers, completed, ageMinutes, newlyCompleted }, want);
    this.#checkPicked(hash.join(), asker);
  }

  #checkPicked(hash: string, asker: string): void {
    const { request, reply } = this.driver, picked = this.driver.picked();
    const peers = this.model.torrents.get(hash)?.peers ?? new Map<string, NaivePeer>();
    const isAllowed = (name: string, peer: NaivePeer | undefined) =>
      peer !== undefined && name !== asker && !(request.seeder && peer.seeder) &&
      (reply.bothFamilies || name[0] === String(request.family));
    for (const name of picked) assert.ok(isAllowed(name, peers.get(name)), `${name} must not be given`);
    assert.equal(new Set(picked).size, picked.length, "no peer twice");
    if (!this.random.oneIn(20)) return;
    const allowed = [...peers].filter(([name, peer]) => isAllowed(name, peer)).length;
    // The asker left out of a full slice may cost its place, never more.
    const wanted = request.event === EVENT_STOPPED ? 0 : Math.min(reply.peersMax, allowed);
    assert.ok(picked.length <= wanted && picked.length >= wanted - 1, `${picked.length} of ${wanted}`);
  }

  sweep(): void {
    this.store.minute = this.minute;
    sweepAll(this.store);
    this.model.sweep(this.minute);
  }

  checkTotals(): void {
    const totals = this.store.totals(), want = { torrents: 0, seeders4: 0, leechers4: 0, seeders6: 0, leechers6: 0 };
    const reply = new ScrapeReply();
    for (const [key, torrent] of this.model.torrents) {
      want.torrents++;
      for (const [name, peer] of torrent.peers) {
        want[`${peer.seeder ? "seeders" : "leechers"}${name[0] as "4" | "6"}`]++;
      }
      const bytes = Uint8Array.from(key.split(","), Number);
      this.store.scrape(new Int32Array(bytes.buffer), reply, 0);
      const counts = this.model.counts(key);
      assert.deepEqual([...reply.counts.subarray(0, 3)], [counts.seeders, counts.completed, counts.leechers]);
    }
    const { torrents, seeders4, leechers4, seeders6, leechers6 } = totals;
    assert.deepEqual({ torrents, seeders4, leechers4, seeders6, leechers6 }, want);
  }
}

Deno.test("SwarmStore agrees with a naive model over many random announces, scrapes and sweeps", () => {
  const random = seededRandom("swarm store");
  const comparison = new Comparison(newStore(), random, 400);
  for (let i = 0; i < OPERATIONS; i++) {
    // Long stretches of joining, then of leaving: lists grow through all their shapes and back.
    comparison.announce((i / 15_000 | 0) % 2 === 0 ? 4 : 60);
    if (i % 997 === 0) {
      comparison.minute += random.below(12);
      comparison.sweep();
    }
    if (i % 9973 === 0) comparison.checkTotals();
  }
  comparison.checkTotals();
  comparison.minute += 2000;
  comparison.sweep();
  assert.equal(comparison.store.totals().torrents, 0);
  assert.equal(comparison.store.totals().bytesUsed < 256 * 8192, true, "an empty store keeps only its tables");
});

Deno.test("SwarmStore.announce() forgets the expired of a small swarm without waiting for the sweep", () => {
  const store = newStore(16, 30), { request, reply } = new StoreDriver();
  store.minute = 10;
  setAsker(request, new Uint8Array([10, 0, 0, 1]), 1000);
  store.announce(request, reply);
  store.minute = 40;
  setAsker(request, new Uint8Array([10, 0, 0, 2]), 1000);
  reply.peersMax = 50;
  store.announce(request, reply);
  assert.equal(reply.leechers, 1);
  assert.equal(reply.peers4, 0);
});

Deno.test("SwarmStore remembers the completed count of an empty torrent for a day", () => {
  const store = newStore(16), { request, reply } = new StoreDriver();
  store.minute = 5;
  setAsker(request, new Uint8Array([10, 0, 0, 1]), 1000);
  request.seeder = true;
  request.event = EVENT_COMPLETED;
  store.announce(request, reply);
  assert.equal(reply.completed, 1);
  for (const [minute, torrents] of [[100, 1], [5 + 1439, 1], [5 + 1440, 0]] as const) {
    store.minute = minute;
    sweepAll(store);
    assert.equal(store.totals().torrents, torrents, `after ${minute} minutes`);
  }
});

Deno.test("SwarmStore keeps finding peers across the wrap of its minute marks", () => {
  const store = newStore(16), { request, reply } = new StoreDriver();
  for (const minute of [32_760, 32_790, 65_530, 65_560]) {
    store.minute = minute;
    setAsker(request, new Uint8Array([10, 0, 0, 1]), 1000);
    store.announce(request, reply);
    sweepAll(store);
    assert.equal(store.totals().leechers4, 1, `at ${minute}`);
  }
});

Deno.test("SwarmStore forgets nobody whom a thread a minute ahead has just heard", () => {
  // Inline, in a block, and in buckets; over an ordinary minute and over the wraps of both marks.
  for (const peers of [1, 30, 3000]) {
    for (const minute of [100, 0x7fff, 0xffff]) {
      const arena = createArena(16, new Int32Array(4)), { request, reply } = new StoreDriver();
      const behind = new SwarmStore(arena, 1, 1, 45), ahead = new SwarmStore(arena, 2, 1, 45);
      behind.minute = minute;
      ahead.minute = minute + 1;
      const announce = (store: SwarmStore, port: number, event: number) => {
        setAsker(request, new Uint8Array([10, 0, 0, 1]), port);
        request.event = event;
        request.seeder = event === EVENT_COMPLETED;
        store.announce(request, reply);
        return [reply.ageMinutes, reply.seeders + reply.leechers];
      };
      for (let port = 1; port <= peers; port++) announce(ahead, port, EVENT_COMPLETED);
      sweepAll(behind);
      const name = `${peers} peers, minute ${minute}`;
      assert.deepEqual(announce(behind, 5000, EVENT_NONE), [-1, peers + 1], name);
      assert.deepEqual(announce(behind, 1, EVENT_NONE), [0, peers + 1], `${name}: no age`);
      for (const port of [...Array(peers).keys(), 4999]) announce(ahead, port + 1, EVENT_STOPPED);
      sweepAll(behind);
      const { torrents, seeders4, leechers4 } = behind.totals();
      assert.deepEqual([torrents, seeders4 + leechers4], [1, 0], `${name}: the count of the empty torrent is kept`);
    }
  }
});

Deno.test("SwarmStore.knows() tells who is in a swarm, and whose completed download is counted, and changes nothing", () => {
  // Inline, in a block, and in buckets.
  for (const peers of [1, 30, 3000]) {
    for (const length of [4, 16]) {
      const store = newStore(), { request, reply } = new StoreDriver(), address = new Uint8Array(length).fill(7);
      for (let port = 1; port <= peers; port++) {
        setAsker(request, address, port);
        request.seeder = port === 1;
        request.event = port === 1 ? EVENT_COMPLETED : EVENT_NONE;
        store.announce(request, reply);
      }
      const before = store.totals();
      const knows = (
        port: number,
        uncounted: boolean,
      ) => (setAsker(request, address, port), store.knows(request, uncounted));
      const name = `${peers} peers of ${length} bytes`;
      assert.deepEqual([knows(1, false), knows(1, true)], [true, false], `${name}: counted`);
      const isOther = peers > 1;
      assert.deepEqual([knows(peers, false), knows(peers, true)], [true, isOther], `${name}: not counted`);
      assert.deepEqual([knows(peers + 1, false), knows(peers + 1, true)], [false, false], `${name}: not there`);
      request.infoHash[0]! ^= 1;
      assert.deepEqual([knows(1, false), knows(1, true)], [false, false], `${name}: another torrent`);
      assert.deepEqual(store.totals(), before);
    }
  }
});
