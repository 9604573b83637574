/**
 * The swarms: every torrent and its peers, in shared memory, for any number of threads. One announce is one locked
 * visit to one shard: find the torrent, put or remove the peer, pick peers into the reply, count. Nothing here
 * allocates on the JavaScript heap, waits for anything but the shard, or knows of protocols, sockets or clocks.
 */
import { type AnnounceReply, type AnnounceRequest, EVENT_COMPLETED, EVENT_STOPPED } from "../bittorrent/announce.ts";
import type { ScrapeReply } from "../bittorrent/scrape.ts";
import { pageMap, releaseLocksOf, shardAt } from "./arena.ts";
import { Budget } from "./budget.ts";
import { keyedHash } from "./keyed_hash.ts";
import {
  COMPLETED_MAX,
  SECRET,
  SHARD_LOCK,
  SHARD_STALLS,
  TORRENT_CHANGED,
  TORRENT_COMPLETED,
  TORRENT_STATE,
} from "./layout.ts";
import { lock, unlock } from "./lock.ts";
import { PagePool } from "./page_pool.ts";
import { PeerKey } from "./peer_key.ts";
import { PeerList } from "./peer_list.ts";
import { PeerPicker, shareOfIpv4 } from "./peer_picker.ts";
import { Slabs } from "./slabs.ts";
import { Sweeper } from "./sweeper.ts";
import { TorrentTable } from "./torrent_table.ts";
import { readTotals, type SwarmTotals } from "./totals.ts";

/** One thread's face of the store. */
export class SwarmStore {
  /** Minute of now, on the tracker's monotonic clock. Whoever owns the store sets it before each batch. */
  minute = 0;
  /** Age in minutes at which a peer is forgotten. Whoever owns the store may change it. */
  peerAgeMinutesMax: number;

  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #table: TorrentTable;
  readonly #budget: Budget;
  readonly #picker: PeerPicker;
  readonly #list4: PeerList;
  readonly #list6: PeerList;
  readonly #key: PeerKey;
  readonly #sweeper: Sweeper;

  /**
   * `arena`: from createArena. `owner`: this thread's number, 1 or more, no two alike. `seed`: any number, for picking.
   * `peerAgeMinutesMax`: age at which a peer is forgotten, 1 to PEER_AGE_MINUTES_MAX.
   */
  constructor(arena: SharedArrayBuffer, owner: number, seed: number, peerAgeMinutesMax: number) {
    const words = this.#words = new Int32Array(arena);
    this.#owner = owner;
    this.peerAgeMinutesMax = peerAgeMinutesMax;
    const pages = new PagePool(words, pageMap(arena), owner);
    const slabs = new Slabs(words, pages);
    this.#table = new TorrentTable(words, slabs);
    this.#budget = new Budget(pages);
    this.#picker = new PeerPicker(words, seed);
    this.#list4 = new PeerList(words, slabs, 4);
    this.#list6 = new PeerList(words, slabs, 6);
    this.#key = new PeerKey(words);
    this.#sweeper = new Sweeper(words, this.#table, slabs, this.#budget, [this.#list4, this.#list6]);
  }

  /**
   * Carries out one announce and fills `reply`; `reply.at4`, `at6`, `peersMax` and `bothFamilies` are given. Who announces
   * port 0 is answered and not stored.
   */
  announce(request: AnnounceRequest, reply: AnnounceReply): void {
    const w = this.#words, infoHash = request.infoHash;
    const tag = keyedHash(w[SECRET], w[SECRET + 1], infoHash, 0, 5), shard = shardAt(tag >>> 24);
    this.#key.take(request);
    reply.seeders =
      reply.leechers =
      reply.completed =
      reply.peers4 =
      reply.peers6 =
        0;
    reply.newlyCompleted = false;
    reply.ageMinutes = -1;
    reply.stored = true;
    if (lock(w, shard + SHARD_LOCK, this.#owner)) w[shard + SHARD_STALLS]++;
    let record = this.#table.find(shard, tag, infoHash);
    if (request.event === EVENT_STOPPED) {
      if (record !== 0) this.#leave(shard, record, request, reply);
    } else if (request.portWord === 0) {
      if (record !== 0) this.#show(shard, record, request, reply);
    } else {
      if (record === 0 && this.#budget.newTorrentsAllowed) record = this.#table.add(shard, tag, infoHash);
      if (record !== 0) this.#join(shard, record, request, reply);
      else reply.stored = false;
    }
    unlock(w, shard + SHARD_LOCK);
  }

  /** Whether the asker is in the swarm; `uncounted`: as one whose completed download has not been counted. */
  knows(request: AnnounceRequest, uncounted: boolean): boolean {
    const w = this.#words, infoHash = request.infoHash;
    const tag = keyedHash(w[SECRET], w[SECRET + 1], infoHash, 0, 5), shard = shardAt(tag >>> 24);
    this.#key.take(request);
    let isKnown = false;
    if (lock(w, shard + SHARD_LOCK, this.#owner)) w[shard + SHARD_STALLS]++;
    const record = this.#table.find(shard, tag, infoHash);
    if (record !== 0) {
      const own = request.family === 4 ? this.#list4 : this.#list6;
      own.open(shard, record);
      isKnown = uncounted ? own.isUncounted(this.#key) : own.ageOf(this.#key, this.minute) >= 0;
    }
    unlock(w, shard + SHARD_LOCK);
    return isKnown;
  }

  /** Counts of one torrent into `reply` at `index`; zeros if it is unknown. */
  scrape(infoHash: Int32Array, reply: ScrapeReply, index: number): void {
    const w = this.#words, tag = keyedHash(w[SECRET], w[SECRET + 1], infoHash, 0, 5), shard = shardAt(tag >>> 24);
    let seeders = 0, leechers = 0, completed = 0;
    if (lock(w, shard + SHARD_LOCK, this.#owner)) w[shard + SHARD_STALLS]++;
    const record = this.#table.find(shard, tag, infoHash);
    if (record !== 0) {
      this.#open(shard, record);
      this.#expireSmall(record);
      seeders = this.#list4.seeders + this.#list6.seeders;
      leechers = this.#list4.leechers + this.#list6.leechers;
      completed = w[record + TORRENT_COMPLETED];
      this.#close();
    }
    unlock(w, shard + SHARD_LOCK);
    reply.set(index, seeders, completed, leechers);
  }

  /**
   * Goes on sweeping shard `index` for at most `stepsMax` steps (a step is a slot of its table or a bucket of a large
   * swarm): the expired go, empty torrents go. Returns true when the shard's end was reached; the next call begins anew.
   */
  sweep(index: number, stepsMax: number): boolean {
    const shard = shardAt(index);
    if (lock(this.#words, shard + SHARD_LOCK, this.#owner)) this.#words[shard + SHARD_STALLS]++;
    const done = this.#sweeper.step(shard, stepsMax, this.minute, this.peerAgeMinutesMax);
    unlock(this.#words, shard + SHARD_LOCK);
    return done;
  }

  /** Counts over all shards; plain reads, no lock. */
  totals(): SwarmTotals {
    return readTotals(this.#words);
  }

  /**
   * Releases what an exception inside a visit of this thread has left locked, which every thread would wait for, this one
   * first. Returns how many locks: with any, what the visit was at is half done, and the part had better begin anew.
   */
  releaseOwnLocks(): number {
    return releaseLocksOf(this.#words, this.#owner);
  }

  #open(shard: number, record: number): void {
    this.#list4.open(shard, record);
    this.#list6.open(shard, record);
  }

  #close(): void {
    this.#list4.close();
    this.#list6.close();
  }

  // The first visit of a minute drops the expired of small lists; large ones are left to the sweep.
  #expireSmall(record: number): void {
    if ((this.#words[record + TORRENT_STATE] & 0xffff) === (this.minute & 0xffff)) return;
    if (!this.#list4.isLarge) this.#list4.expire(this.minute, this.peerAgeMinutesMax);
    if (!this.#list6.isLarge) this.#list6.expire(this.minute, this.peerAgeMinutesMax);
  }

  #touch(record: number): void {
    const w = this.#words;
    w[record + TORRENT_STATE] = (w[record + TORRENT_STATE] & ~0xffff) | (this.minute & 0xffff) | TORRENT_CHANGED;
  }

  #join(shard: number, record: number, request: AnnounceRequest, reply: AnnounceReply): void {
    const w = this.#words, own = request.family === 4 ? this.#list4 : this.#list6;
    this.#open(shard, record);
    this.#expireSmall(record);
    own.put(this.#key, request.seeder, request.event === EVENT_COMPLETED, this.minute);
    reply.ageMinutes = own.peerAgeMinutes;
    reply.stored = own.peerAt !== 0;
    reply.newlyCompleted = own.newlyCompleted;
    if (own.newlyCompleted && w[record + TORRENT_COMPLETED] < COMPLETED_MAX) w[record + TORRENT_COMPLETED]++;
    this.#count(record, reply);
    this.#pick(request, reply, own);
    this.#close();
    this.#touch(record);
  }

  #leave(shard: number, record: number, request: AnnounceRequest, reply: AnnounceReply): void {
    const own = request.family === 4 ? this.#list4 : this.#list6;
    this.#open(shard, record);
    this.#expireSmall(record);
    own.remove(this.#key, this.minute);
    reply.ageMinutes = own.peerAgeMinutes;
    this.#count(record, reply);
    this.#close();
    this.#touch(record);
  }

  // Port 0 takes no connections: who has it is given peers, and is given to nobody.
  #show(shard: number, record: number, request: AnnounceRequest, reply: AnnounceReply): void {
    const own = request.family === 4 ? this.#list4 : this.#list6;
    this.#open(shard, record);
    this.#expireSmall(record);
    own.peerAt = 0;
    this.#count(record, reply);
    this.#pick(request, reply, own);
    this.#close();
  }

  #count(record: number, reply: AnnounceReply): void {
    reply.seeders = this.#list4.seeders + this.#list6.seeders;
    reply.leechers = this.#list4.leechers + this.#list6.leechers;
    reply.completed = this.#words[record + TORRENT_COMPLETED];
  }

  #pick(request: AnnounceRequest, reply: AnnounceReply, own: PeerList): void {
    const picker = this.#picker, leechersOnly = request.seeder, out = reply.halves, max = reply.peersMax;
    const list4 = this.#list4, list6 = this.#list6;
    const asker4 = own === list4 ? own.peerAt : 0, asker6 = own === list6 ? own.peerAt : 0;
    if (!reply.bothFamilies) {
      if (own === list4) reply.peers4 = picker.pick(list4, max, leechersOnly, asker4, out, reply.at4);
      else reply.peers6 = picker.pick(list6, max, leechersOnly, asker6, out, reply.at6);
      return;
    }
    const available4 = picker.available(list4, leechersOnly, asker4);
    const share4 = shareOfIpv4(max, available4, picker.available(list6, leechersOnly, asker6));
    reply.peers4 = picker.pick(list4, share4, leechersOnly, asker4, out, reply.at4);
    reply.peers6 = picker.pick(list6, max - share4, leechersOnly, asker6, out, reply.at6);
  }
}
