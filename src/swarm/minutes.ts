/**
 * Ages out of marks that hold a minute in a few bits. Each thread reads the clock once a batch, so that a mark may be of
 * a minute its reader has not come to yet: that is no age, and not one of a whole turn of the mark.
 */
import { PEER_MINUTE_MASK } from "./layout.ts";

/** How far a mark may be ahead: a batch takes no minute, and a thread that was held up for hours still deletes nobody. */
const AHEAD_MINUTES_MAX = 256;
/** Highest age of a peer that a mark can tell: 22 days. */
export const PEER_AGE_MINUTES_MAX = PEER_MINUTE_MASK - AHEAD_MINUTES_MAX;
const TORRENT_MINUTE_MASK = 0xffff;
const IDLE_MINUTES_MAX = TORRENT_MINUTE_MASK - AHEAD_MINUTES_MAX;

/** Whole minutes since the peer whose last word is `mark` was heard, at `minute`; 0 for a mark from later. */
export function ageMinutes(mark: number, minute: number): number {
  const age = (minute - (mark >>> 16)) & PEER_MINUTE_MASK;
  return age <= PEER_AGE_MINUTES_MAX ? age : 0;
}

/** Whole minutes since the torrent with `state` (its low 16 bits) was touched, at `minute`; 0 for one from later. */
export function idleMinutes(state: number, minute: number): number {
  const idle = (minute - state) & TORRENT_MINUTE_MASK;
  return idle <= IDLE_MINUTES_MAX ? idle : 0;
}
