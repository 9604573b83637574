/**
 * A large list of peers: two sides, seeders and leechers, each a linear hash table of buckets. It grows and shrinks by
 * one bucket at a time, so that no announce ever pays for a whole swarm: finding, putting, removing and picking cost
 * the same with a hundred peers and with ten million. The caller holds the shard's lock.
 *
 *   sides (8 words)   per side: 0 directory reference   1 its length in words   2 buckets   3 seeders' side: merges (low half), turns (high half)
 *   directory         a bucket reference a word
 *   bucket            0 peers | room << 16   1… peers
 *
 * Source: Litwin, Linear Hashing (1980).
 */
import { copyPeer, storedHash } from "./peer_key.ts";
import { PEER6_WORDS } from "./layout.ts";
import type { Slabs } from "./slabs.ts";

/** Words of the two sides. */
export const SIDES_WORDS = 8;
const SIDE_WORDS = 4;
/** A side gets another bucket when a bucket would hold more than this many words on average … */
const BUCKET_WORDS_MAX = 192;
/** … and loses one below this many. Long buckets are few cache misses for a pick; a find scans one, in order. */
const BUCKET_WORDS_MIN = 76;
/** Longest bucket: never met with splits working, since the hash is keyed; a bound all the same. */
const BUCKET_PEERS_LIMIT = 8000;
/** First length of a directory. */
const DIRECTORY_WORDS_MIN = 8;

/** Bucket that `hash` falls in when a side has `buckets` of them. */
function bucketIndex(hash: number, buckets: number): number {
  const top = 1 << (31 - Math.clz32(buckets));
  const index = hash & (top * 2 - 1);
  return index < buckets ? index : hash & (top - 1);
}

/** One thread's hands on large lists. Set `shard` and `peerWords` before use. */
export class LargeList {
  shard = 0;
  peerWords = 0;
  readonly #words: Int32Array;
  readonly #slabs: Slabs;
  readonly #scratch = new Int32Array(PEER6_WORDS);

  constructor(words: Int32Array, slabs: Slabs) {
    this.#words = words;
    this.#slabs = slabs;
  }

  /** Two empty sides. Returns their reference, or 0 when there is no room. */
  create(): number {
    const ref = this.#slabs.allocate(this.shard, SIDES_WORDS);
    if (ref === 0) return 0;
    this.#words.fill(0, ref, ref + SIDES_WORDS);
    if (this.#createSide(ref) && this.#createSide(ref + SIDE_WORDS)) return ref;
    this.destroy(ref);
    return 0;
  }

  #createSide(side: number): boolean {
    const w = this.#words, slabs = this.#slabs;
    const directory = slabs.allocate(this.shard, DIRECTORY_WORDS_MIN);
    if (directory === 0) return false;
    w[side] = directory;
    w[side + 1] = DIRECTORY_WORDS_MIN;
    const bucket = this.#createBucket(1);
    if (bucket === 0) return false;
    w[directory] = bucket;
    w[side + 2] = 1;
    return true;
  }

  /** Frees the sides at `ref` with all their peers. */
  destroy(ref: number): void {
    const w = this.#words;
    for (let side = ref; side < ref + SIDES_WORDS; side += SIDE_WORDS) {
      for (let i = 0; i < w[side + 2]; i++) this.#freeBucket(w[w[side] + i]);
      if (w[side] !== 0) this.#slabs.free(this.shard, w[side], w[side + 1]);
    }
    this.#slabs.free(this.shard, ref, SIDES_WORDS);
  }

  /** Address of the seeders' (0) or leechers' (1) side. */
  side(ref: number, which: number): number {
    return ref + which * SIDE_WORDS;
  }

  /** Buckets of a side. */
  buckets(side: number): number {
    return this.#words[side + 2];
  }

  /** Buckets of the list at `ref` merged away so far, in 16 bits: a merge moves peers to where a walk may have been. */
  merges(ref: number): number {
    return this.#words[ref + 3] & 0xffff;
  }

  /** Seeders that turned leecher so far, in 16 bits. */
  turns(ref: number): number {
    return this.#words[ref + 3] >>> 16;
  }

  /** Counts a seeder that turned leecher. */
  countTurn(ref: number): void {
    this.#words[ref + 3] += 1 << 16;
  }

  /** The bucket of a side that `hash` falls in. */
  bucketFor(side: number, hash: number): number {
    const w = this.#words;
    return w[w[side] + bucketIndex(hash, w[side + 2])];
  }

  /** The side's bucket number `index`. */
  bucketAt(side: number, index: number): number {
    const w = this.#words;
    return w[w[side] + index];
  }

  /** Peers in a bucket; they lie from its second word on. */
  peers(bucket: number): number {
    return this.#words[bucket] & 0xffff;
  }

  /** Makes room for one more peer in the bucket `hash` falls in. Returns the peer's address, or 0 when memory is out. */
  add(side: number, hash: number): number {
    const w = this.#words, slot = w[side] + bucketIndex(hash, w[side + 2]);
    return this.#append(slot);
  }

  #append(slot: number): number {
    const w = this.#words, count = w[w[slot]] & 0xffff;
    if (!this.#reserve(slot, count + 1)) return 0;
    const bucket = w[slot];
    w[bucket]++;
    return bucket + 1 + count * this.peerWords;
  }

  // Gives the bucket in `slot` room for `peers` in all. False, and nothing changed, when memory is out.
  #reserve(slot: number, peers: number): boolean {
    const w = this.#words, bucket = w[slot];
    if (peers <= w[bucket] >>> 16) return true;
    return peers <= BUCKET_PEERS_LIMIT && this.#moveBucket(slot, peers);
  }

  #moveBucket(slot: number, peers: number): boolean {
    const w = this.#words, from = w[slot], count = w[from] & 0xffff, to = this.#createBucket(peers);
    if (to === 0) return false;
    w.copyWithin(to + 1, from + 1, from + 1 + count * this.peerWords);
    w[to] += count;
    this.#freeBucket(from);
    w[slot] = to;
    return true;
  }

  /** Takes the peer at address `at` out of `bucket`. */
  remove(bucket: number, at: number): void {
    const w = this.#words, last = bucket + 1 + ((w[bucket] & 0xffff) - 1) * this.peerWords;
    if (at !== last) copyPeer(w, last, at, this.peerWords);
    w[bucket]--;
  }

  /** After an add: splits one bucket if `count` peers have become many for the side. */
  grow(side: number, count: number): void {
    const w = this.#words, buckets = w[side + 2];
    if (count * this.peerWords <= buckets * BUCKET_WORDS_MAX) return;
    // Without memory the buckets just get longer.
    if (buckets === w[side + 1] && !this.#widenDirectory(side)) return;
    const top = 1 << (31 - Math.clz32(buckets)), slot = w[side] + buckets - top;
    // Room for all of them, so that no move can fail half way; tightened afterwards.
    const fresh = this.#createBucket(Math.max(1, w[w[slot]] & 0xffff));
    if (fresh === 0) return;
    w[w[side] + buckets] = fresh;
    w[side + 2] = buckets + 1;
    this.#spread(w[slot], fresh, buckets, top * 2 - 1);
    this.#tighten(slot);
    this.#tighten(w[side] + buckets);
  }

  // Moves the peers of bucket `from` whose hash under `mask` is `index` to bucket `to`, which has room for them.
  #spread(from: number, to: number, index: number, mask: number): void {
    const w = this.#words, n = this.peerWords;
    for (let at = from + 1 + ((w[from] & 0xffff) - 1) * n; at > from; at -= n) {
      if ((storedHash(w, this.#scratch, at, n) & mask) !== index) continue;
      copyPeer(w, at, to + 1 + (w[to] & 0xffff) * n, n);
      w[to]++;
      this.remove(from, at);
    }
  }

  /** After a removal: merges the last bucket away if `count` peers have become few for side `which` of the list. */
  shrink(ref: number, which: number, count: number): void {
    const side = this.side(ref, which);
    const w = this.#words, last = w[side + 2] - 1;
    if (last === 0 || count * this.peerWords >= (last + 1) * BUCKET_WORDS_MIN) return;
    const bucket = w[w[side] + last], peers = w[bucket] & 0xffff, n = this.peerWords;
    const slot = w[side] + last - (1 << (31 - Math.clz32(last)));
    const kept = w[w[slot]] & 0xffff;
    if (!this.#reserve(slot, kept + peers)) return;
    w.copyWithin(w[slot] + 1 + kept * n, bucket + 1, bucket + 1 + peers * n);
    w[w[slot]] += peers;
    this.#freeBucket(bucket);
    w[side + 2] = last;
    w[ref + 3] = w[ref + 3] & ~0xffff | (w[ref + 3] + 1) & 0xffff;
    if (last * 4 <= w[side + 1] && w[side + 1] > DIRECTORY_WORDS_MIN) this.#narrowDirectory(side);
  }

  // Gives a bucket that lost many peers a shorter block.
  #tighten(slot: number): void {
    const w = this.#words, bucket = w[slot], count = w[bucket] & 0xffff, n = this.peerWords;
    if (this.#slabs.roomFor(1 + (count + 2) * n) * 2 <= 1 + (w[bucket] >>> 16) * n) this.#moveBucket(slot, count + 2);
  }

  #widenDirectory(side: number): boolean {
    return this.#moveDirectory(side, this.#words[side + 1] * 2);
  }

  #narrowDirectory(side: number): void {
    this.#moveDirectory(side, this.#words[side + 1] / 2);
  }

  #moveDirectory(side: number, length: number): boolean {
    const w = this.#words, directory = this.#slabs.allocate(this.shard, length);
    if (directory === 0) return false;
    w.copyWithin(directory, w[side], w[side] + w[side + 2]);
    this.#slabs.free(this.shard, w[side], w[side + 1]);
    w[side] = directory;
    w[side + 1] = length;
    return true;
  }

  #createBucket(peers: number): number {
    const n = this.peerWords, words = 1 + peers * n, room = ((this.#slabs.roomFor(words) - 1) / n) | 0;
    const bucket = this.#slabs.allocate(this.shard, words);
    if (bucket !== 0) this.#words[bucket] = room << 16;
    return bucket;
  }

  #freeBucket(bucket: number): void {
    if (bucket !== 0) this.#slabs.free(this.shard, bucket, 1 + (this.#words[bucket] >>> 16) * this.peerWords);
  }
}
