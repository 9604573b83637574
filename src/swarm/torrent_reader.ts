/**
 * Reads torrents out of the store for those who only look: one shard, a slice at a time, each copied under the shard's
 * lock into a buffer of the caller's. A slice is at most SLICE_SLOTS_MAX slots of the table, or SLICE_BUCKETS_MAX
 * buckets of one large swarm, and what the buffer takes: some ten microseconds, never as long as a request would notice.
 *
 *   record (words)   0–4 info hash   5 completed   6 minute last touched (16 bits)   7 flags: RECORD_FIRST, RECORD_LAST
 *                    8 seeders IPv4   9 leechers IPv4   10 seeders IPv6   11 leechers IPv6
 *                    12–15 the same four, of the peers that follow here
 *                    16… the peers that follow, in that order, as layout.ts draws them (2 words IPv4, 5 words IPv6)
 *
 * A torrent is one record with both flags, unless it is large and its peers are read: then it comes in several, one
 * after the other, the first marked RECORD_FIRST and the last RECORD_LAST. Another RECORD_FIRST of the same torrent
 * means that the reading of it began anew: forget the earlier pieces. A piece without its RECORD_LAST, followed by
 * another torrent, is of one that was removed meanwhile.
 *
 * What holds while others go on writing: a torrent that is there all along is read exactly once, even if the table is
 * resized or others are removed meanwhile (above RESIZES_MAX resizes during one shard it may be repeated). Counts and
 * peers of one record are of one moment. Over the pieces of a large torrent a peer may be repeated, as a seeder and as a
 * leecher; one that is there all along is missed only if it turns more than once meanwhile, or if the swarm shrinks
 * quicker than it is read. Expired peers are there until the sweep has passed.
 */
import { pageMap, shardAt } from "./arena.ts";
import {
  PEER4_WORDS,
  PEER6_WORDS,
  SHARD_LOCK,
  SHARD_STALLS,
  SHARDS,
  TORRENT_CHANGED,
  TORRENT_COMPLETED,
  TORRENT_NEW,
  TORRENT_STATE,
} from "./layout.ts";
import { lock, unlock } from "./lock.ts";
import { ageMinutes } from "./minutes.ts";
import { PagePool } from "./page_pool.ts";
import { PeerList } from "./peer_list.ts";
import { Slabs } from "./slabs.ts";
import { TorrentTable } from "./torrent_table.ts";

/** Offsets in a record. */
export const RECORD_COMPLETED = 5;
/** Minute of the store's clock at which the torrent was last announced to, its low 16 bits. */
export const RECORD_MINUTE = 6;
/** RECORD_FIRST, RECORD_LAST and RECORD_NEW. */
export const RECORD_FLAGS = 7;
/** Counts of the torrent: seeders and leechers of IPv4, then of IPv6. */
export const RECORD_COUNTS = 8;
/** Counts of the peers that follow, in the same order. */
export const RECORD_PEERS = 12;
/** Words before the peers. */
export const RECORD_WORDS = 16;
/** Flag: the torrent begins here. */
export const RECORD_FIRST = 1;
/** Flag: the torrent ends here. */
export const RECORD_LAST = 2;
/** Flag: the torrent's count does not have yet what the state file remembers: see TorrentLoader.remember. */
export const RECORD_NEW = 4;

/** Least words of a buffer that records with peers are read into: torrents of one place in the table must fit. */
export const READ_WORDS_MIN = 16384;

/** Slots of one slice: at a cache miss or three each, some fifty microseconds. */
const SLICE_SLOTS_MAX = 256;
/** Records of one slice: those of its slots that had to move on lie behind it. */
const SLICE_RECORDS_MAX = SLICE_SLOTS_MAX * 2;
/** Words kept of a large torrent that waits. */
const LARGE_WORDS = 6;
/** Buckets of one slice of a large torrent. */
const SLICE_BUCKETS_MAX = 128;
/** Resizes during one shard that are seen through. */
const RESIZES_MAX = 8;
/** Times a large torrent is begun anew because it shrank meanwhile. */
const RESTARTS_MAX = 3;
/** Stages of a family of a large torrent: leechers, then seeders, because the ones become the others; then, if a seeder
 *  turned leecher meanwhile, the leechers that have just announced. */
const STAGES = 3;
const STAGE_LEECHERS = 0, STAGE_SEEDERS = 1, STAGE_TURNED = 2;

/** What is read. */
export interface ReadWish {
  /** Peers as well. Otherwise every record is RECORD_WORDS long. */
  readonly peers: boolean;
  /** Only torrents announced to since their changes were last taken; takes them: for the one keeper. */
  readonly changesOnly: boolean;
  /** Every torrent, and takes the changes all the same. */
  readonly takesChanges?: boolean;
}

/** Words of the record at `at`, peers included. */
export function recordWords(records: Int32Array, at: number): number {
  const peers = at + RECORD_PEERS;
  return RECORD_WORDS + (records[peers] + records[peers + 1]) * PEER4_WORDS +
    (records[peers + 2] + records[peers + 3]) * PEER6_WORDS;
}

/** One thread's reader. Costs nothing while it is not read with. */
export class TorrentReader {
  /** With `changesOnly`: torrents of more peers keep their changes for another time. */
  peersMax = Infinity;
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #wish: ReadWish;
  readonly #table: TorrentTable;
  readonly #lists: readonly [PeerList, PeerList];
  /** Records of the slice at hand: reference and tag each. */
  readonly #slice = new Int32Array(SLICE_RECORDS_MAX * 2);
  #sliceEnd = 0;
  /** Large torrents of the slice that wait: tag and five words of info hash each. */
  readonly #large = new Int32Array(SLICE_RECORDS_MAX * LARGE_WORDS);
  #largeStart = 0;
  #largeEnd = 0;
  /** Tables before a resize: mask, and the place up to which they had been read. */
  readonly #before = new Int32Array(RESIZES_MAX * 2);
  #beforeEnd = 0;
  readonly #infoHash = new Int32Array(5);
  #out: Int32Array = new Int32Array(0);
  #end = 0;
  #shard = 0;
  #mask = 0;
  #home = 0;
  #isDone = true;
  // Inside a large torrent.
  #stage = 0;
  #bucket = 0;
  #merges = 0;
  #turns = 0;
  #restarts = 0;

  /** `arena`: from createArena. `owner`: this thread's number in the store: owners.ts. */
  constructor(arena: SharedArrayBuffer, owner: number, wish: ReadWish = { peers: false, changesOnly: false }) {
    const words = this.#words = new Int32Array(arena);
    const slabs = new Slabs(words, new PagePool(words, pageMap(arena), owner));
    this.#owner = owner;
    this.#wish = wish;
    this.#table = new TorrentTable(words, slabs);
    this.#lists = [new PeerList(words, slabs, 4), new PeerList(words, slabs, 6)];
  }

  /** Shards there are to `begin`. */
  static readonly shards = SHARDS;

  /** Begins shard `index`, from 0 to `shards` - 1. */
  begin(index: number): void {
    this.#shard = shardAt(index);
    this.#home = 0;
    this.#mask = -1;
    this.#beforeEnd = this.#largeStart = this.#largeEnd = 0;
    this.#stage = this.#bucket = this.#restarts = 0;
    this.#isDone = false;
  }

  /** True when the shard has been read to its end. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Reads the next slice into `out`, of at least READ_WORDS_MIN words. Returns the words written, which may be 0 before
   * the shard's end: go by `isDone`. Between two calls nothing is held.
   */
  read(out: Int32Array): number {
    if (out.length < READ_WORDS_MIN) {
      throw new RangeError(`torrent reader: a buffer of ${out.length} words is too short`);
    }
    const w = this.#words;
    this.#out = out;
    this.#end = 0;
    if (this.#isDone) return 0;
    if (lock(w, this.#shard + SHARD_LOCK, this.#owner)) w[this.#shard + SHARD_STALLS]++;
    if (this.#largeStart < this.#largeEnd) this.#readLarge();
    else this.#readSlice();
    unlock(w, this.#shard + SHARD_LOCK);
    return this.#end;
  }

  #readSlice(): void {
    const slots = this.#table.slots(this.#shard);
    if (slots - 1 !== this.#mask) this.#noteResize(slots - 1);
    let length = Math.min(SLICE_SLOTS_MAX, slots - this.#home);
    while (!this.#gather(length) && length > 1) length >>= 1;
    this.#largeStart = this.#largeEnd = 0;
    for (let i = 0; i < this.#sliceEnd; i += 2) this.#copyOrQueue(this.#slice[i]!, this.#slice[i + 1]!);
    this.#home += length;
    this.#isDone = this.#home >= slots && this.#largeEnd === 0;
  }

  // Goes on in another table. What a tag's place was in the old one tells whether it has been read.
  #noteResize(mask: number): void {
    if (this.#home > 0) {
      if (this.#beforeEnd === this.#before.length) {
        this.#before.copyWithin(0, 2);
        this.#beforeEnd -= 2;
      }
      this.#before[this.#beforeEnd++] = this.#mask;
      this.#before[this.#beforeEnd++] = this.#home;
    }
    this.#mask = mask;
    this.#home = 0;
  }

  // Finds the records whose own place is one of `length` from #home. They lie there or behind, up to an empty slot;
  // taken by their own place they cannot move between slices. False when they might not fit the buffer.
  #gather(length: number): boolean {
    const table = this.#table, shard = this.#shard, mask = this.#mask, from = this.#home, end = from + length;
    this.#sliceEnd = 0;
    let words = 0;
    // No slot is looked at twice: a table is never full, and a home is at or before its record unless that wrapped.
    for (let i = from; i <= end + mask; i++) {
      const slot = i & mask, record = table.recordAt(shard, slot);
      if (record === 0) {
        if (i >= end) return true;
        continue;
      }
      const tag = table.tagAt(shard, slot), home = tag & mask;
      if (home < from || home >= end || (home <= slot) !== (i <= mask) || this.#wasRead(tag)) continue;
      if (this.#wish.changesOnly && !this.#isDue(record)) continue;
      words += this.#wordsOf(record);
      if (words > this.#out.length || this.#sliceEnd === this.#slice.length) return false;
      this.#slice[this.#sliceEnd++] = record;
      this.#slice[this.#sliceEnd++] = tag;
    }
    return true;
  }

  #isDue(record: number): boolean {
    if ((this.#words[record + TORRENT_STATE] & TORRENT_CHANGED) === 0) return false;
    const [list4, list6] = this.#open(record);
    return list4.seeders + list4.leechers + list6.seeders + list6.leechers <= this.peersMax;
  }

  #wordsOf(record: number): number {
    if (!this.#wish.peers) return RECORD_WORDS;
    let words = RECORD_WORDS;
    for (const list of this.#open(record)) {
      if (!list.isLarge) words += (list.seeders + list.leechers) * list.peerWords;
    }
    return words;
  }

  #wasRead(tag: number): boolean {
    const before = this.#before;
    for (let i = 0; i < this.#beforeEnd; i += 2) if ((tag & before[i]!) < before[i + 1]!) return true;
    return false;
  }

  #copyOrQueue(record: number, tag: number): void {
    const w = this.#words, [list4, list6] = this.#open(record);
    if (this.#wish.peers && (list4.isLarge || list6.isLarge)) {
      const to = this.#largeEnd;
      this.#large[to] = tag;
      for (let i = 0; i < 5; i++) this.#large[to + 1 + i] = w[record + i];
      this.#largeEnd += LARGE_WORDS;
      return;
    }
    const at = this.#writeHeader(record, RECORD_FIRST | RECORD_LAST);
    this.#takeChanges(record);
    if (!this.#wish.peers) return;
    for (const list of this.#lists) this.#copySmall(at, list);
  }

  #open(record: number): readonly [PeerList, PeerList] {
    // Never closed: nothing is changed.
    for (const list of this.#lists) list.open(this.#shard, record);
    return this.#lists;
  }

  #takeChanges(record: number): void {
    if (this.#wish.changesOnly || this.#wish.takesChanges) {
      this.#words[record + TORRENT_STATE] &= ~TORRENT_CHANGED;
    }
  }

  #writeHeader(record: number, flags: number): number {
    const w = this.#words, out = this.#out, at = this.#end, [list4, list6] = this.#lists;
    const state = w[record + TORRENT_STATE];
    for (let i = 0; i < 5; i++) out[at + i] = w[record + i];
    out[at + RECORD_COMPLETED] = w[record + TORRENT_COMPLETED];
    out[at + RECORD_MINUTE] = state & 0xffff;
    out[at + RECORD_FLAGS] = flags | (state & TORRENT_NEW ? RECORD_NEW : 0);
    out[at + RECORD_COUNTS] = list4.seeders;
    out[at + RECORD_COUNTS + 1] = list4.leechers;
    out[at + RECORD_COUNTS + 2] = list6.seeders;
    out[at + RECORD_COUNTS + 3] = list6.leechers;
    for (let i = RECORD_PEERS; i < RECORD_WORDS; i++) out[at + i] = 0;
    this.#end += RECORD_WORDS;
    return at;
  }

  #copySmall(at: number, list: PeerList): void {
    const count = at + RECORD_PEERS + (list === this.#lists[0] ? 0 : 2);
    this.#out[count] = list.seeders;
    this.#out[count + 1] = list.leechers;
    this.#copyWords(list.ref, (list.seeders + list.leechers) * list.peerWords);
  }

  #copyWords(from: number, length: number): void {
    // A loop, not a view: most torrents have two peers, and nothing is allocated under a lock.
    const w = this.#words, out = this.#out, to = this.#end;
    for (let i = 0; i < length; i++) out[to + i] = w[from + i];
    this.#end += length;
  }

  // One piece of the first large torrent waiting: one small family, or some buckets of one side.
  #readLarge(): void {
    const large = this.#large, start = this.#largeStart;
    for (let i = 0; i < 5; i++) this.#infoHash[i] = large[start + 1 + i]!;
    const record = this.#table.find(this.#shard, large[start]!, this.#infoHash);
    if (record === 0) return this.#endLarge();
    this.#open(record);
    if (this.#isTornApart()) this.#stage = this.#bucket = 0;
    const at = this.#writeHeader(record, this.#stage === 0 && this.#bucket === 0 ? RECORD_FIRST : 0);
    if (this.#stage === 0 && this.#bucket === 0) this.#takeChanges(record);
    const list = this.#list;
    if (list.isLarge) this.#copyBuckets(at, list);
    else {
      this.#copySmall(at, list);
      this.#stage += STAGES;
    }
    if (this.#stage < STAGES * 2) return;
    this.#out[at + RECORD_FLAGS] |= RECORD_LAST;
    this.#endLarge();
  }

  #endLarge(): void {
    this.#largeStart += LARGE_WORDS;
    this.#stage = this.#bucket = this.#restarts = 0;
    this.#isDone = this.#home > this.#mask && this.#largeStart === this.#largeEnd;
  }

  // Whether peers may have moved from where the reading has yet to come to where it has been.
  #isTornApart(): boolean {
    const list = this.#list;
    if (this.#bucket === 0 && this.#stage % STAGES === STAGE_LEECHERS) return false;
    if (list.isLarge && list.large.merges(list.ref) === this.#merges) return false;
    return !list.isLarge || this.#restarts++ < RESTARTS_MAX;
  }

  // The family that the stage is about.
  get #list(): PeerList {
    return this.#lists[this.#stage < STAGES ? 0 : 1]!;
  }

  #copyBuckets(at: number, list: PeerList): void {
    const { large, ref } = list, stage = this.#stage % STAGES, which = stage === STAGE_SEEDERS ? 0 : 1;
    const side = large.side(ref, which), buckets = large.buckets(side);
    const count = at + RECORD_PEERS + (list === this.#lists[0] ? 0 : 2) + which;
    if (this.#bucket === 0 && stage === STAGE_LEECHERS) {
      this.#merges = large.merges(ref);
      this.#turns = large.turns(ref);
    }
    const end = Math.min(buckets, this.#bucket + SLICE_BUCKETS_MAX);
    while (this.#bucket < end) {
      const bucket = large.bucketAt(side, this.#bucket), room = (this.#out.length - this.#end) / list.peerWords | 0;
      // A bucket longer than the whole buffer would have to be cut; the hash is keyed, and there is none.
      if (large.peers(bucket) > room && this.#out[count]! > 0) break;
      const peers = stage === STAGE_TURNED
        ? this.#copyRecent(bucket + 1, large.peers(bucket), list.peerWords, this.#out[at + RECORD_MINUTE]!)
        : Math.min(large.peers(bucket), room);
      if (stage !== STAGE_TURNED) this.#copyWords(bucket + 1, peers * list.peerWords);
      this.#out[count] += peers;
      this.#bucket++;
    }
    if (this.#bucket < buckets) return;
    this.#bucket = 0;
    this.#stage++;
    if (this.#stage % STAGES === STAGE_TURNED && large.turns(ref) === this.#turns) this.#stage++;
  }

  // Copies those of `count` peers that have announced within a minute of the torrent's last announce. Returns how many.
  #copyRecent(from: number, count: number, peerWords: number, minute: number): number {
    let copied = 0;
    for (let at = from, end = from + count * peerWords; at < end; at += peerWords) {
      if (ageMinutes(this.#words[at + peerWords - 1], minute) > 1) continue;
      if (this.#end + peerWords > this.#out.length) break;
      this.#copyWords(at, peerWords);
      copied++;
    }
    return copied;
  }
}
