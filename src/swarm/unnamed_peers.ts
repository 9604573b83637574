/**
 * Finds the peers of a list that a newer copy of it does not name, without a set of those it does: all are retired, which
 * is to say taken for expired; putting the copy's peers back makes them what it says; what is retired still goes.
 */
import { PEER_COMPLETED, PEER_MINUTE_MASK } from "./layout.ts";
import { ageMinutes } from "./minutes.ts";
import type { PeerList } from "./peer_list.ts";

/**
 * Retires all peers of `list` that were heard more than `heardMinutes` before `minute`: they look as if they had last
 * been heard `expiredMinutes` ago. `words`: the arena.
 */
export function retirePeers(
  words: Int32Array,
  list: PeerList,
  minute: number,
  heardMinutes: number,
  expiredMinutes: number,
): void {
  const n = list.peerWords, retired = ((minute - expiredMinutes) & PEER_MINUTE_MASK) << 16;
  const retire = (from: number, count: number) => {
    for (let at = from + n - 1, end = from + count * n; at < end; at += n) {
      if (ageMinutes(words[at], minute) <= heardMinutes) continue;
      words[at] = words[at] & (0xffff | PEER_COMPLETED) | retired;
    }
  };
  if (!list.isLarge) return retire(list.ref, list.seeders + list.leechers);
  const { large, ref } = list;
  for (let which = 0; which < 2; which++) {
    const side = large.side(ref, which);
    for (let index = large.buckets(side) - 1; index >= 0; index--) {
      const bucket = large.bucketAt(side, index);
      retire(bucket + 1, large.peers(bucket));
    }
  }
}

/** Removes all peers of `list` that were last heard `expiredMinutes` or more before `minute`. */
export function dropRetired(list: PeerList, minute: number, expiredMinutes: number): void {
  const { large } = list;
  for (let which = 0; which < 2; which++) {
    // From the end on: a list that shrinks moves peers to buckets yet to come.
    let next = list.isLarge ? large.buckets(large.side(list.ref, which)) : 0;
    while (next > 0 && list.isLarge) list.expire(minute, expiredMinutes, which, --next);
  }
  if (!list.isLarge) list.expire(minute, expiredMinutes);
}
