/**
 * Puts torrents back into the store as they were kept: counts, peers and their ages. Before anyone answers, or beside
 * those who do: each torrent is one locked visit. A torrent or peer that is there already stays if it is the newer; or
 * the store follows another tracker's, which still answers some of its clients.
 */
import { AnnounceRequest } from "../bittorrent/announce.ts";
import { pageMap, shardAt } from "./arena.ts";
import { Budget } from "./budget.ts";
import { keyedHash } from "./keyed_hash.ts";
import {
  COMPLETED_MAX,
  PEER4_WORDS,
  PEER_COMPLETED,
  PEER_MINUTE_MASK,
  SECRET,
  SHARD_LOCK,
  SHARD_STALLS,
  TORRENT_CHANGED,
  TORRENT_COMPLETED,
  TORRENT_NEW,
  TORRENT_STATE,
  TORRENT_TOTAL,
} from "./layout.ts";
import { lock, unlock } from "./lock.ts";
import { PagePool } from "./page_pool.ts";
import { PeerKey } from "./peer_key.ts";
import { PeerList } from "./peer_list.ts";
import { Slabs } from "./slabs.ts";
import { TorrentTable } from "./torrent_table.ts";
import { dropRetired, retirePeers } from "./unnamed_peers.ts";

/** A torrent as it was kept. Registers of the caller: nothing of it is held on to. */
export interface KeptTorrent {
  /** Five words. */
  readonly infoHash: Int32Array;
  readonly completed: number;
  /** Minutes since the last announce. */
  readonly ageMinutes: number;
  /** Peers as layout.ts draws them, except that the minute is the peer's age; seeders first. */
  readonly peers4: Int32Array;
  readonly seeders4: number;
  readonly peers6: Int32Array;
  readonly seeders6: number;
}

/** Nobody is followed: of two announces of a peer the newer counts. */
const FOLLOWS_NOBODY = -1;

/** One thread's loader. */
export class TorrentLoader {
  /** Minute of now on the store's clock; set it before loading. */
  minute = 0;
  /** Nobody is put into the store as younger than this. */
  ageMinutesMin = 0;
  /** Peers stored, peers left out because they were too old, and torrents and peers there was no room for, so far. */
  readonly counts = { torrents: 0, peers: 0, expired: 0, refused: 0 };
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #peerAgeMinutesMax: number;
  readonly #table: TorrentTable;
  readonly #budget: Budget;
  readonly #list4: PeerList;
  readonly #list6: PeerList;
  readonly #key: PeerKey;
  readonly #request = new AnnounceRequest();
  #ownMinutes = FOLLOWS_NOBODY;
  #newMinutes = Infinity;

  /** `arena`, `owner`: as for SwarmStore. Peers of `peerAgeMinutesMax` and older are left out. */
  constructor(arena: SharedArrayBuffer, owner: number, peerAgeMinutesMax: number) {
    const words = this.#words = new Int32Array(arena), pages = new PagePool(words, pageMap(arena), owner);
    const slabs = new Slabs(words, pages);
    this.#owner = owner;
    this.#peerAgeMinutesMax = peerAgeMinutesMax;
    this.#table = new TorrentTable(words, slabs);
    this.#budget = new Budget(pages);
    this.#list4 = new PeerList(words, slabs, 4);
    this.#list6 = new PeerList(words, slabs, 6);
    this.#key = new PeerKey(words);
  }

  /**
   * Puts `kept` into the store. Its count is a total: of two the higher stays. `isChange`: the keeper shall write it,
   * because its file does not have it, or not so; otherwise it is out of that file.
   */
  load(kept: KeptTorrent, isChange: boolean): void {
    this.#ownMinutes = FOLLOWS_NOBODY;
    this.#newMinutes = Infinity;
    this.#put(kept, isChange);
  }

  /**
   * Makes a torrent what another tracker has of it, as a change: peers it does not name have left it. Left alone are
   * those who have announced to this store itself, which they did at most `ownMinutes` ago. So that they can be told
   * from the others, `ageMinutesMin` is above that for all that is loaded and followed. A peer that it names and this
   * store does not know has left by this store, unless it came to the other one at most `newMinutes` ago. Of two counts
   * the higher stays.
   */
  follow(kept: KeptTorrent, ownMinutes: number, newMinutes: number): void {
    this.#ownMinutes = ownMinutes;
    this.#newMinutes = newMinutes;
    this.ageMinutesMin = ownMinutes + 1;
    this.#put(kept, true);
  }

  #put(kept: KeptTorrent, isChange: boolean): void {
    const w = this.#words, { infoHash } = kept;
    const tag = keyedHash(w[SECRET], w[SECRET + 1], infoHash, 0, 5), shard = shardAt(tag >>> 24);
    if (lock(w, shard + SHARD_LOCK, this.#owner)) w[shard + SHARD_STALLS]++;
    let record = this.#table.find(shard, tag, infoHash);
    const isNew = record === 0, isEmpty = kept.completed + kept.peers4.length + kept.peers6.length === 0;
    if (isNew && !isEmpty && this.#budget.newTorrentsAllowed) record = this.#table.add(shard, tag, infoHash);
    if (record !== 0) this.#fill(shard, record, kept, isNew, isChange);
    else if (!isEmpty) this.counts.refused++;
    unlock(w, shard + SHARD_LOCK);
  }

  /**
   * Makes the count of a torrent that is new whole with the `completed` downloads that the state file remembers. It is
   * not new after that: whoever failed to write the count finds it in the store, and it is added once. Returns the
   * torrent's count, -1 when it is gone.
   */
  remember(infoHash: Int32Array, completed: number): number {
    const w = this.#words, tag = keyedHash(w[SECRET], w[SECRET + 1], infoHash, 0, 5), shard = shardAt(tag >>> 24);
    if (lock(w, shard + SHARD_LOCK, this.#owner)) w[shard + SHARD_STALLS]++;
    const record = this.#table.find(shard, tag, infoHash);
    let count = -1;
    if (record !== 0) {
      const state = w[record + TORRENT_STATE], known = w[record + TORRENT_COMPLETED];
      if ((state & TORRENT_NEW) === 0) count = known;
      else if (state & TORRENT_TOTAL) count = Math.max(known, completed);
      else count = Math.min(COMPLETED_MAX, known + completed);
      w[record + TORRENT_COMPLETED] = count;
      w[record + TORRENT_STATE] = state & ~(TORRENT_NEW | TORRENT_TOTAL);
    }
    unlock(w, shard + SHARD_LOCK);
    return count;
  }

  #fill(shard: number, record: number, kept: KeptTorrent, isNew: boolean, isChange: boolean): void {
    const w = this.#words;
    this.counts.torrents++;
    this.#list4.open(shard, record);
    this.#list6.open(shard, record);
    if (this.#ownMinutes !== FOLLOWS_NOBODY) this.#retireAll();
    this.#putAll(this.#list4, kept.peers4, kept.seeders4);
    this.#putAll(this.#list6, kept.peers6, kept.seeders6);
    if (this.#ownMinutes !== FOLLOWS_NOBODY) this.#dropRetired();
    this.#list4.close();
    this.#list6.close();
    const completed = Math.min(COMPLETED_MAX, kept.completed);
    if (isNew || completed > w[record + TORRENT_COMPLETED]) w[record + TORRENT_COMPLETED] = completed;
    const state = w[record + TORRENT_STATE], known = (this.minute - state) & 0xffff;
    const age = isNew ? kept.ageMinutes : Math.min(known, kept.ageMinutes);
    const total = state & TORRENT_NEW ? TORRENT_TOTAL : 0;
    const flags = isChange ? state | TORRENT_CHANGED | total : state & ~(TORRENT_NEW | TORRENT_TOTAL);
    w[record + TORRENT_STATE] = flags & ~0xffff | ((this.minute - age) & 0xffff);
  }

  #retireAll(): void {
    for (const list of [this.#list4, this.#list6]) {
      retirePeers(this.#words, list, this.minute, this.#ownMinutes, this.#peerAgeMinutesMax);
    }
  }

  #dropRetired(): void {
    for (const list of [this.#list4, this.#list6]) dropRetired(list, this.minute, this.#peerAgeMinutesMax);
  }

  #putAll(list: PeerList, peers: Int32Array, seeders: number): void {
    const w = this.#words, n = list.peerWords, seedersEnd = seeders * n;
    for (let at = 0; at < peers.length; at += n) {
      const mark = peers[at + n - 1]!, keptAge = mark >>> 16 & PEER_MINUTE_MASK;
      if (keptAge >= this.#peerAgeMinutesMax) {
        this.counts.expired++;
        continue;
      }
      this.#takeKey(peers, at, n);
      const knownAge = list.ageOf(this.#key, this.minute), age = Math.max(this.ageMinutesMin, keptAge);
      const newest = this.#ownMinutes === FOLLOWS_NOBODY ? age : this.#ownMinutes;
      if (knownAge < 0 ? keptAge > this.#newMinutes : knownAge <= newest) continue;
      list.put(this.#key, at < seedersEnd, false, this.minute - age);
      if (list.peerAt === 0) {
        this.counts.refused++;
        continue;
      }
      this.counts.peers++;
      w[list.peerAt + n - 1] |= mark & PEER_COMPLETED;
    }
  }

  #takeKey(peers: Int32Array, at: number, n: number): void {
    const request = this.#request;
    request.family = n === PEER4_WORDS ? 4 : 6;
    for (let i = 0; i < n - 1; i++) request.address[i] = peers[at + i]!;
    request.portWord = peers[at + n - 1]! & 0xffff;
    this.#key.take(request);
  }
}
