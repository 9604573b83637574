/**
 * Picks peers for a reply: a random slice of a list, copied straight into the door's output buffer as compact peers
 * (BEP 23, BEP 7). Never the asker itself; a seeder is given leechers only, since two seeders have nothing to say to
 * each other. Costs what it copies, however large the swarm. The caller holds the shard's lock.
 */
import { PEER4_WORDS, PEER6_WORDS } from "./layout.ts";
import type { PeerList } from "./peer_list.ts";

/** One thread's picker. */
export class PeerPicker {
  readonly #words: Int32Array;
  #random: number;
  #out: Uint16Array = new Uint16Array(0);
  #at = 0;

  /** `seed`: any number but 0; picks need spread, not secrecy. */
  constructor(words: Int32Array, seed: number) {
    this.#words = words;
    this.#random = seed | 1;
  }

  /** Peers of `list` that an asker may be given: all, or the leechers; `askerAt` (0 = none) is left out. */
  available(list: PeerList, leechersOnly: boolean, askerAt: number): number {
    const own = askerAt === 0 ? 0 : 1;
    return (leechersOnly ? list.leechers : list.seeders + list.leechers) - (leechersOnly ? 0 : own);
  }

  /** Writes up to `want` peers of `list` into `out` from index `at` (units of two bytes). Returns how many. */
  pick(list: PeerList, want: number, leechersOnly: boolean, askerAt: number, out: Uint16Array, at: number): number {
    if (want <= 0) return 0;
    this.#out = out;
    this.#at = at;
    if (!list.isLarge) return this.#pickSmall(list, want, leechersOnly, askerAt);
    const seeders = leechersOnly ? 0 : list.seeders, leechers = list.leechers;
    // Each side in proportion, the odd one by chance; what one side lacks the other gives.
    const all = seeders + leechers;
    if (all === 0) return 0;
    let fromLeechers = Math.floor((want * leechers + this.#below(all)) / all);
    const fromSeeders = Math.min(seeders, want - fromLeechers);
    fromLeechers = Math.min(leechers, want - fromSeeders);
    return this.#pickSide(list, 0, fromSeeders, askerAt) + this.#pickSide(list, 1, fromLeechers, askerAt);
  }

  #pickSmall(list: PeerList, want: number, leechersOnly: boolean, askerAt: number): number {
    const n = list.peerWords, first = list.ref + (leechersOnly ? list.seeders * n : 0);
    const end = list.ref + (list.seeders + list.leechers) * n;
    const peers = leechersOnly ? list.leechers : list.seeders + list.leechers;
    if (peers <= want) return this.#copy(first, end, n, askerAt, want);
    const start = first + this.#below(peers) * n;
    const copied = this.#copy(start, end, n, askerAt, want);
    return copied + this.#copy(first, start, n, askerAt, want - copied);
  }

  #pickSide(list: PeerList, which: number, want: number, askerAt: number): number {
    if (want <= 0) return 0;
    const w = this.#words, n = list.peerWords, large = list.large;
    const side = large.side(list.ref, which), buckets = large.buckets(side);
    let index = this.#below(buckets), copied = 0;
    const bucket = large.bucketAt(side, index), peers = w[bucket] & 0xffff;
    const start = bucket + 1 + (peers === 0 ? 0 : this.#below(peers)) * n;
    copied = this.#copy(start, bucket + 1 + peers * n, n, askerAt, want);
    for (let visited = 1; visited < buckets && copied < want; visited++) {
      index = index + 1 === buckets ? 0 : index + 1;
      const next = large.bucketAt(side, index);
      copied += this.#copy(next + 1, next + 1 + (w[next] & 0xffff) * n, n, askerAt, want - copied);
    }
    return copied + this.#copy(bucket + 1, start, n, askerAt, want - copied);
  }

  // Copies up to `want` peers from `from` up to `end`, leaving out the one at `askerAt`.
  #copy(from: number, end: number, peerWords: number, askerAt: number, want: number): number {
    if (askerAt < from || askerAt >= end) return this.#copyRun(from, end, peerWords, want);
    const before = this.#copyRun(from, askerAt, peerWords, want);
    return before + this.#copyRun(askerAt + peerWords, end, peerWords, want - before);
  }

  #copyRun(from: number, end: number, peerWords: number, want: number): number {
    const peers = Math.min(want, ((end - from) / peerWords) | 0);
    if (peers <= 0) return 0;
    const w = this.#words, out = this.#out, stop = from + peers * peerWords;
    let to = this.#at;
    if (peerWords === PEER4_WORDS) {
      for (let at = from; at < stop; at += PEER4_WORDS, to += 3) {
        const address = w[at];
        out[to] = address;
        out[to + 1] = address >>> 16;
        out[to + 2] = w[at + 1];
      }
    } else {
      for (let at = from; at < stop; at += PEER6_WORDS, to += 9) {
        for (let i = 0; i < 4; i++) {
          const two = w[at + i];
          out[to + i * 2] = two;
          out[to + i * 2 + 1] = two >>> 16;
        }
        out[to + 8] = w[at + 4];
      }
    }
    this.#at = to;
    return peers;
  }

  // A number from 0 to n-1, by xorshift and a multiplication.
  #below(n: number): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return Math.floor((x >>> 0) * n / 0x100000000);
  }
}

/** How `want` peers are split when both families have more: each gets a quarter if it can, the rest in proportion. */
export function shareOfIpv4(want: number, available4: number, available6: number): number {
  if (available4 + available6 <= want) return available4;
  if (available6 === 0) return want;
  const quarter = want >> 2, floor4 = Math.min(available4, quarter), floor6 = Math.min(available6, quarter);
  const rest = want - floor4 - floor6, left4 = available4 - floor4, left6 = available6 - floor6;
  return floor4 + Math.min(left4, Math.round(rest * left4 / (left4 + left6)));
}
