/**
 * The peer a visit is about, and the few operations on packed peers that small lists and buckets share: find, write,
 * copy. Peers lie as layout.ts draws them: address words, then port and mark.
 */
import type { AnnounceRequest } from "../bittorrent/announce.ts";
import { keyedHash } from "./keyed_hash.ts";
import { PEER4_WORDS, PEER6_WORDS, PEER_COMPLETED, PEER_MINUTE_MASK, SECRET } from "./layout.ts";

/** Address, port and family of one peer, as words; registers of one thread. */
export class PeerKey {
  /** Words of a peer of this family: PEER4_WORDS or PEER6_WORDS. */
  peerWords: number = PEER4_WORDS;
  /** Address words, then the port word. */
  readonly #key: Int32Array = new Int32Array(PEER6_WORDS);
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Takes the asker of an announce. */
  take(request: AnnounceRequest): void {
    const key = this.#key, address = request.address;
    key[0] = address[0];
    if (request.family === 4) {
      this.peerWords = PEER4_WORDS;
      key[1] = request.portWord;
      return;
    }
    this.peerWords = PEER6_WORDS;
    key[1] = address[1];
    key[2] = address[2];
    key[3] = address[3];
    key[4] = request.portWord;
  }

  /** Place of this peer in a large list. */
  hash(): number {
    return keyedHash(this.#words[SECRET + 2], this.#words[SECRET + 3], this.#key, 0, this.peerWords);
  }

  /** Address of this peer among `count` peers at `base`, or 0. */
  find(base: number, count: number): number {
    const w = this.#words, key = this.#key, first = key[0];
    if (this.peerWords === PEER4_WORDS) {
      const port = key[1];
      for (let at = base, end = base + count * PEER4_WORDS; at < end; at += PEER4_WORDS) {
        if (w[at] === first && (w[at + 1] & 0xffff) === port) return at;
      }
      return 0;
    }
    for (let at = base, end = base + count * PEER6_WORDS; at < end; at += PEER6_WORDS) {
      if (
        w[at] === first && w[at + 1] === key[1] && w[at + 2] === key[2] && w[at + 3] === key[3] &&
        (w[at + 4] & 0xffff) === key[4]
      ) return at;
    }
    return 0;
  }

  /** Writes this peer at `at` with a mark of `minute` and, if its completed event has been counted, that flag. */
  write(at: number, minute: number, completed: boolean): void {
    const w = this.#words, key = this.#key, last = this.peerWords - 1;
    for (let i = 0; i < last; i++) w[at + i] = key[i];
    w[at + last] = key[last] | (minute & PEER_MINUTE_MASK) << 16 | (completed ? PEER_COMPLETED : 0);
  }
}

/** Place of the stored peer at `at` in a large list. */
export function storedHash(words: Int32Array, scratch: Int32Array, at: number, peerWords: number): number {
  for (let i = 0; i < peerWords; i++) scratch[i] = words[at + i];
  scratch[peerWords - 1] &= 0xffff;
  return keyedHash(words[SECRET + 2], words[SECRET + 3], scratch, 0, peerWords);
}

/** Copies the peer at `from` over the one at `to`. */
export function copyPeer(words: Int32Array, from: number, to: number, peerWords: number): void {
  for (let i = 0; i < peerWords; i++) words[to + i] = words[from + i];
}
