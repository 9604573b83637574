/**
 * The peers of one family of one torrent, in whichever of three shapes they lie: inline in the record (IPv4, up to
 * two), small (one block, seeders first, scanned), or large (large_list.ts). `open` takes a list in hand, `close` writes
 * its counts back. One hand a thread and family; the caller holds the shard's lock.
 */
import type { Family } from "../bittorrent/announce.ts";
import { LargeList } from "./large_list.ts";
import {
  INLINE_OFF,
  INLINE_PEERS,
  LARGE_PEERS_MIN,
  LIST_LARGE,
  LIST_LEECHERS,
  LIST_REF,
  LIST_ROOM,
  LIST_SEEDERS,
  LIST_WORDS,
  PEER4_WORDS,
  PEER6_WORDS,
  PEER_COMPLETED,
  SHARD_PEERS,
  SMALL_PEERS_MAX,
  STATE_KEPT,
  TORRENT_IPV4,
  TORRENT_IPV6,
  TORRENT_STATE,
} from "./layout.ts";
import { ageMinutes } from "./minutes.ts";
import { copyPeer, type PeerKey, storedHash } from "./peer_key.ts";
import type { Slabs } from "./slabs.ts";

/** One thread's hand on a peer list. */
export class PeerList {
  seeders = 0;
  leechers = 0;
  /** Reference of the inline peers, the block, or the sides of the large list. */
  ref = 0;
  /** Room of a small list; LIST_LARGE for a large one. */
  room = 0;
  readonly peerWords: number;
  readonly large: LargeList;

  // What the last put or remove did.
  /** Address of the peer put, 0 when it was not stored. */
  peerAt = 0;
  /** Minutes since the peer was last heard; -1 = it was not there. */
  peerAgeMinutes = -1;
  /** The put was this peer's first completed event. */
  newlyCompleted = false;

  readonly #family: Family;
  readonly #words: Int32Array;
  readonly #slabs: Slabs;
  readonly #scratch = new Int32Array(PEER6_WORDS);
  #shard = 0;
  #record = 0;
  /** Address of the descriptor; 0 = the peers are inline or there are none. */
  #list = 0;
  #seedersBefore = 0;
  #leechersBefore = 0;

  constructor(words: Int32Array, slabs: Slabs, family: Family) {
    this.#words = words;
    this.#slabs = slabs;
    this.#family = family;
    this.peerWords = family === 4 ? PEER4_WORDS : PEER6_WORDS;
    this.large = new LargeList(words, slabs);
    this.large.peerWords = this.peerWords;
  }

  /** Takes the family's list of the torrent at `record` in hand. */
  open(shard: number, record: number): void {
    const w = this.#words, state = w[record + TORRENT_STATE];
    this.#shard = this.large.shard = shard;
    this.#record = record;
    if (this.#family === 4) this.#list = state & INLINE_OFF ? record + TORRENT_IPV4 : 0;
    else this.#list = w[record + TORRENT_IPV6];
    if (this.#list !== 0) {
      this.ref = w[this.#list + LIST_REF];
      this.seeders = w[this.#list + LIST_SEEDERS];
      this.leechers = w[this.#list + LIST_LEECHERS];
      this.room = w[this.#list + LIST_ROOM];
    } else if (this.#family === 4) {
      this.ref = record + TORRENT_IPV4;
      this.seeders = state >>> 16 & 3;
      this.leechers = state >>> 18 & 3;
      this.room = INLINE_PEERS;
    } else {
      this.ref =
        this.seeders =
        this.leechers =
        this.room =
          0;
    }
    this.#seedersBefore = this.seeders;
    this.#leechersBefore = this.leechers;
  }

  /** Writes the list's counts back and frees what an empty list does not need. */
  close(): void {
    const w = this.#words, totals = this.#shard + SHARD_PEERS + (this.#family === 4 ? 0 : 2);
    w[totals] += this.seeders - this.#seedersBefore;
    w[totals + 1] += this.leechers - this.#leechersBefore;
    if (this.#list !== 0 && this.seeders + this.leechers === 0) this.#freeEmpty();
    const list = this.#list;
    if (list !== 0) {
      w[list + LIST_REF] = this.ref;
      w[list + LIST_SEEDERS] = this.seeders;
      w[list + LIST_LEECHERS] = this.leechers;
      w[list + LIST_ROOM] = this.room;
    } else if (this.#family === 4) {
      const at = this.#record + TORRENT_STATE;
      w[at] = (w[at] & STATE_KEPT) | this.seeders << 16 | this.leechers << 18;
    }
  }

  /** Puts the peer of `key`, new or known. Results are in the fields; `peerAt` = 0 when memory was out. */
  put(key: PeerKey, seeder: boolean, completedEvent: boolean, minute: number): void {
    const hash = this.room === LIST_LARGE ? key.hash() : 0;
    const found = this.#find(key, hash, seeder);
    let counted = false;
    this.peerAgeMinutes = -1;
    if (found !== 0) {
      const mark = this.#words[found + this.peerWords - 1];
      this.peerAgeMinutes = ageMinutes(mark, minute);
      counted = (mark & PEER_COMPLETED) !== 0;
      this.peerAt = this.#foundSeeder === seeder ? found : this.#changeSide(found, hash);
    } else {
      this.peerAt = this.#insert(key, hash, seeder);
    }
    this.newlyCompleted = completedEvent && seeder && !counted && this.peerAt !== 0;
    if (this.peerAt !== 0) key.write(this.peerAt, minute, counted || this.newlyCompleted);
  }

  /** Minutes since the peer of `key` was last heard, at `minute`; -1 = it is not there. */
  ageOf(key: PeerKey, minute: number): number {
    const found = this.#find(key, this.room === LIST_LARGE ? key.hash() : 0, false);
    return found === 0 ? -1 : ageMinutes(this.#words[found + this.peerWords - 1], minute);
  }

  /** Whether the peer of `key` is there and its completed event has not been counted. */
  isUncounted(key: PeerKey): boolean {
    const found = this.#find(key, this.room === LIST_LARGE ? key.hash() : 0, false);
    return found !== 0 && (this.#words[found + this.peerWords - 1] & PEER_COMPLETED) === 0;
  }

  /** Removes the peer of `key` if it is there. */
  remove(key: PeerKey, minute: number): void {
    const hash = this.room === LIST_LARGE ? key.hash() : 0;
    const found = this.#find(key, hash, false);
    this.peerAgeMinutes = -1;
    if (found === 0) return;
    this.peerAgeMinutes = ageMinutes(this.#words[found + this.peerWords - 1], minute);
    if (this.room === LIST_LARGE) this.#removeLarge(this.#foundBucket, found, this.#foundSeeder);
    else this.#removeSmall(found);
    this.#settle();
  }

  /** Removes the expired from a small list, or from one bucket of a large one. Returns how many. */
  expire(minute: number, ageMinutesMax: number, which = 0, bucketIndex = 0): number {
    const before = this.seeders + this.leechers;
    if (this.room !== LIST_LARGE) {
      const last = this.ref + this.peerWords - 1;
      for (let i = before - 1; i >= 0; i--) {
        const at = i * this.peerWords;
        if (ageMinutes(this.#words[last + at], minute) >= ageMinutesMax) this.#removeSmall(this.ref + at);
      }
    } else this.#expireBucket(minute, ageMinutesMax, which, bucketIndex);
    const expired = before - this.seeders - this.leechers;
    if (expired > 0) this.#settle();
    return expired;
  }

  #expireBucket(minute: number, ageMinutesMax: number, which: number, bucketIndex: number): void {
    const large = this.large, side = large.side(this.ref, which);
    if (bucketIndex >= large.buckets(side)) return;
    const bucket = large.bucketAt(side, bucketIndex), n = this.peerWords;
    for (let at = bucket + 1 + ((this.#words[bucket] & 0xffff) - 1) * n; at > bucket; at -= n) {
      if (ageMinutes(this.#words[at + n - 1], minute) < ageMinutesMax) continue;
      large.remove(bucket, at);
      if (which === 0) this.seeders--;
      else this.leechers--;
    }
  }

  /** True when the large list is in hand. */
  get isLarge(): boolean {
    return this.room === LIST_LARGE;
  }

  #foundSeeder = false;
  #foundBucket = 0;

  // Address of the peer, or 0. `likelySeeder`: which side of a large list to look in first.
  #find(key: PeerKey, hash: number, likelySeeder: boolean): number {
    if (this.room !== LIST_LARGE) {
      const found = key.find(this.ref, this.seeders + this.leechers);
      this.#foundSeeder = found !== 0 && found - this.ref < this.seeders * this.peerWords;
      return found;
    }
    this.#foundSeeder = likelySeeder;
    const found = this.#findLarge(key, hash, likelySeeder ? 0 : 1);
    if (found !== 0) return found;
    this.#foundSeeder = !likelySeeder;
    return this.#findLarge(key, hash, likelySeeder ? 1 : 0);
  }

  #findLarge(key: PeerKey, hash: number, which: number): number {
    const bucket = this.large.bucketFor(this.large.side(this.ref, which), hash);
    this.#foundBucket = bucket;
    return key.find(bucket + 1, this.#words[bucket] & 0xffff);
  }

  // Room for a new peer on its side; `hash`: the key's, if the list is large. Returns its address, or 0 when memory is
  // out.
  #insert(key: PeerKey, hash: number, seeder: boolean): number {
    if (this.room === LIST_LARGE) return this.#insertLarge(hash, seeder);
    if (this.seeders + this.leechers >= this.room && !this.#widen()) return 0;
    return this.isLarge ? this.#insertLarge(key.hash(), seeder) : this.#insertSmall(seeder);
  }

  #insertSmall(seeder: boolean): number {
    const n = this.peerWords, end = this.ref + (this.seeders + this.leechers) * n;
    if (!seeder) {
      this.leechers++;
      return end;
    }
    const at = this.ref + this.seeders * n;
    if (at !== end) copyPeer(this.#words, at, end, n);
    this.seeders++;
    return at;
  }

  #insertLarge(hash: number, seeder: boolean): number {
    const large = this.large, side = large.side(this.ref, seeder ? 0 : 1);
    // Grown first: a split moves peers, and the address returned must stay true until the visit's end.
    large.grow(side, (seeder ? this.seeders : this.leechers) + 1);
    const at = large.add(side, hash);
    if (at === 0) return 0;
    if (seeder) this.seeders++;
    else this.leechers++;
    return at;
  }

  #removeSmall(at: number): void {
    const n = this.peerWords, w = this.#words;
    const lastSeeder = this.ref + (this.seeders - 1) * n;
    const last = this.ref + (this.seeders + this.leechers - 1) * n;
    if (at <= lastSeeder) {
      copyPeer(w, lastSeeder, at, n);
      copyPeer(w, last, lastSeeder, n);
      this.seeders--;
    } else {
      copyPeer(w, last, at, n);
      this.leechers--;
    }
  }

  #removeLarge(bucket: number, at: number, seeder: boolean): void {
    this.large.remove(bucket, at);
    if (seeder) this.seeders--;
    else this.leechers--;
  }

  // A seeder becomes a leecher or the other way round. Returns its new address; the caller writes the peer there.
  #changeSide(at: number, hash: number): number {
    const wasSeeder = this.#foundSeeder;
    if (this.room === LIST_LARGE) {
      const bucket = this.#foundBucket;
      const moved = this.#insertLarge(hash, !wasSeeder);
      // Without memory it stays on its old side: a wrong count beats a lost peer.
      if (moved === 0) return at;
      this.#removeLarge(bucket, at, wasSeeder);
      if (wasSeeder) this.large.countTurn(this.ref);
      return moved;
    }
    const n = this.peerWords, border = this.ref + (wasSeeder ? this.seeders - 1 : this.seeders) * n;
    copyPeer(this.#words, border, at, n);
    this.seeders += wasSeeder ? -1 : 1;
    this.leechers += wasSeeder ? 1 : -1;
    return border;
  }

  // A full small list gets a longer block, or becomes large.
  #widen(): boolean {
    const peers = this.seeders + this.leechers;
    if (peers >= SMALL_PEERS_MAX) return this.#becomeLarge();
    return this.#moveTo(peers + 1);
  }

  // Moves a small list into a block with room for `peers` or a little more.
  #moveTo(peers: number): boolean {
    const w = this.#words, n = this.peerWords, slabs = this.#slabs;
    const block = slabs.allocate(this.#shard, peers * n);
    if (block === 0) return false;
    if (this.#list === 0 && !this.#createDescriptor(block)) {
      slabs.free(this.#shard, block, peers * n);
      return false;
    }
    if (this.ref !== block) {
      w.copyWithin(block, this.ref, this.ref + (this.seeders + this.leechers) * n);
      slabs.free(this.#shard, this.ref, this.room * n);
    }
    this.ref = block;
    this.room = (slabs.roomFor(peers * n) / n) | 0;
    return true;
  }

  // The list leaves the record: its peers go to `block`, the record's words become the descriptor (IPv4), or a
  // descriptor is made (IPv6). Sets `ref` to `block`.
  #createDescriptor(block: number): boolean {
    const w = this.#words;
    if (this.#family === 4) {
      w.copyWithin(block, this.ref, this.ref + (this.seeders + this.leechers) * this.peerWords);
      w[this.#record + TORRENT_STATE] = (w[this.#record + TORRENT_STATE] & STATE_KEPT) | INLINE_OFF;
      this.#list = this.#record + TORRENT_IPV4;
    } else {
      this.#list = this.#slabs.allocate(this.#shard, LIST_WORDS);
      if (this.#list === 0) return false;
      w[this.#record + TORRENT_IPV6] = this.#list;
    }
    this.ref = block;
    return true;
  }

  #becomeLarge(): boolean {
    const large = this.large, n = this.peerWords, peers = this.seeders + this.leechers;
    const sides = large.create();
    if (sides === 0) return false;
    for (let i = 0; i < peers; i++) {
      const at = this.ref + i * n, side = large.side(sides, i < this.seeders ? 0 : 1);
      const to = large.add(side, storedHash(this.#words, this.#scratch, at, n));
      if (to === 0) {
        large.destroy(sides);
        return false;
      }
      copyPeer(this.#words, at, to, n);
    }
    this.#slabs.free(this.#shard, this.ref, this.room * n);
    this.ref = sides;
    this.room = LIST_LARGE;
    return true;
  }

  // After removals: a shorter block, a smaller shape, fewer buckets. Failing to get memory for it changes nothing.
  #settle(): void {
    const peers = this.seeders + this.leechers, n = this.peerWords;
    if (this.room === LIST_LARGE) {
      this.large.shrink(this.ref, 0, this.seeders);
      this.large.shrink(this.ref, 1, this.leechers);
      if (peers < LARGE_PEERS_MIN) this.#becomeSmall();
    } else if (this.#list !== 0 && this.#family === 4 && peers <= INLINE_PEERS) {
      this.#becomeInline();
    } else if (this.#list !== 0 && this.#slabs.roomFor((peers + 1) * n) * 2 <= this.room * n) {
      this.#moveTo(peers + 1);
    }
  }

  #becomeInline(): void {
    const w = this.#words, block = this.ref, words = this.room * this.peerWords, inline = this.#record + TORRENT_IPV4;
    w.copyWithin(inline, block, block + (this.seeders + this.leechers) * this.peerWords);
    this.#slabs.free(this.#shard, block, words);
    this.ref = inline;
    this.room = INLINE_PEERS;
    this.#list = 0;
  }

  #becomeSmall(): void {
    const w = this.#words, n = this.peerWords, block = this.#slabs.allocate(this.#shard, LARGE_PEERS_MIN * n);
    if (block === 0) return;
    let to = block;
    for (let which = 0; which < 2; which++) {
      const side = this.large.side(this.ref, which);
      for (let i = 0; i < this.large.buckets(side); i++) {
        const bucket = this.large.bucketAt(side, i), words = (w[bucket] & 0xffff) * n;
        w.copyWithin(to, bucket + 1, bucket + 1 + words);
        to += words;
      }
    }
    this.large.destroy(this.ref);
    this.ref = block;
    this.room = (this.#slabs.roomFor(LARGE_PEERS_MIN * n) / n) | 0;
  }

  // Whatever shape an empty list has been left in goes: the sweep frees the record next, and nothing but the record.
  #freeEmpty(): void {
    if (this.room === LIST_LARGE) this.large.destroy(this.ref);
    else if (this.ref !== 0) this.#slabs.free(this.#shard, this.ref, this.room * this.peerWords);
    if (this.#family === 6) {
      this.#slabs.free(this.#shard, this.#list, LIST_WORDS);
      this.#words[this.#record + TORRENT_IPV6] = 0;
    }
    this.#list = this.ref = this.room = 0;
  }
}
