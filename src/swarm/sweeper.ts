/**
 * Walks a shard a little at a time and drops what has expired: peers by age, torrents without peers, and, when memory
 * is short, the lonely (budget.ts); what stays leaves pages that are mostly empty. Where it stopped is kept in the
 * shard, so that any thread may go on. The caller holds the shard's lock.
 */
import type { Budget } from "./budget.ts";
import { Compactor } from "./compactor.ts";
import {
  KEEPS_CHANGES,
  SHARD_SWEEP_BUCKET,
  SHARD_SWEEP_SLOT,
  TORRENT_CHANGED,
  TORRENT_COMPLETED,
  TORRENT_MINUTES_MAX,
  TORRENT_STATE,
} from "./layout.ts";
import { idleMinutes } from "./minutes.ts";
import type { PeerList } from "./peer_list.ts";
import type { Slabs } from "./slabs.ts";
import type { TorrentTable } from "./torrent_table.ts";

// The bucket cursor: 0 = the torrent was not begun; otherwise the part (IPv4 or IPv6, seeders or leechers) in bits 28
// and 29, and one more than the next bucket. Buckets are walked from the last down, because merging moves peers down.
const PART_SHIFT = 28;
const PARTS = 4;
const BUCKET_MASK = (1 << PART_SHIFT) - 1;

/** One thread's sweeper. */
export class Sweeper {
  readonly #words: Int32Array;
  readonly #table: TorrentTable;
  readonly #budget: Budget;
  readonly #lists: readonly [PeerList, PeerList];
  readonly #compactor: Compactor;
  #minute = 0;
  #ageMinutesMax = 0;

  constructor(
    words: Int32Array,
    table: TorrentTable,
    slabs: Slabs,
    budget: Budget,
    lists: readonly [PeerList, PeerList],
  ) {
    this.#words = words;
    this.#table = table;
    this.#budget = budget;
    this.#lists = lists;
    this.#compactor = new Compactor(words, table, slabs, lists);
  }

  /** Up to `stepsMax` steps in the shard at `shard`. Returns true at its end. */
  step(shard: number, stepsMax: number, minute: number, ageMinutesMax: number): boolean {
    const w = this.#words, table = this.#table, slots = table.slots(shard), isCompacted = this.#budget.isCompacted;
    this.#minute = minute;
    this.#ageMinutesMax = ageMinutesMax;
    let slot = w[shard + SHARD_SWEEP_SLOT], steps = 0;
    while (slot < slots) {
      if (steps >= stepsMax) {
        w[shard + SHARD_SWEEP_SLOT] = slot;
        return false;
      }
      steps++;
      const record = table.recordAt(shard, slot);
      if (record === 0) slot++;
      else {
        steps += this.#visit(shard, record, stepsMax - steps);
        if (w[shard + SHARD_SWEEP_BUCKET] !== 0) continue;
        if (this.#isOver(shard, record)) table.removeAt(shard, slot);
        else {
          if (isCompacted) this.#compactor.compact(shard, slot);
          slot++;
        }
      }
    }
    table.tighten(shard);
    w[shard + SHARD_SWEEP_SLOT] = 0;
    return true;
  }

  // Drops the expired of one torrent; leaves a bucket cursor when a large list needs more steps. Returns steps taken.
  #visit(shard: number, record: number, stepsMax: number): number {
    const w = this.#words, cursor = w[shard + SHARD_SWEEP_BUCKET];
    let steps = 0;
    w[shard + SHARD_SWEEP_BUCKET] = 0;
    for (let part = cursor >>> PART_SHIFT; part < PARTS; part++) {
      const list = this.#lists[part >> 1]!, which = part & 1;
      list.open(shard, record);
      if (!list.isLarge) {
        if (which === 0) list.expire(this.#minute, this.#ageMinutesMax);
        list.close();
        continue;
      }
      let next = list.large.buckets(list.large.side(list.ref, which));
      if (part === cursor >>> PART_SHIFT && cursor !== 0) next = Math.min(next, (cursor & BUCKET_MASK) - 1);
      while (next > 0 && list.isLarge && steps < stepsMax) {
        list.expire(this.#minute, this.#ageMinutesMax, which, --next);
        steps++;
      }
      // Became small in the middle: what is left is one block.
      if (!list.isLarge) list.expire(this.#minute, this.#ageMinutesMax);
      list.close();
      if (next > 0 && list.isLarge) {
        w[shard + SHARD_SWEEP_BUCKET] = part << PART_SHIFT | (next + 1);
        break;
      }
    }
    return steps;
  }

  // Whether the torrent has nothing left to be remembered for.
  #isOver(shard: number, record: number): boolean {
    const w = this.#words, [list4, list6] = this.#lists;
    let peers = this.#peers(shard, record);
    if (peers === 1 && this.#budget.isCrowded) {
      const lone = list4.seeders + list4.leechers === 1 ? list4 : list6;
      lone.expire(this.#minute, this.#budget.loneAgeMinutesMax(this.#ageMinutesMax));
      lone.close();
      peers = this.#peers(shard, record);
    }
    if (peers > 0) return false;
    // The keeper has yet to hear that the last peer left, or it would bring it back after a restart.
    const isAwaited = w[KEEPS_CHANGES] !== 0 && (w[record + TORRENT_STATE] & TORRENT_CHANGED) !== 0;
    if (isAwaited && !this.#budget.isCrowded) return false;
    const idle = idleMinutes(w[record + TORRENT_STATE], this.#minute);
    return w[record + TORRENT_COMPLETED] === 0 || idle >= TORRENT_MINUTES_MAX || this.#budget.isCrowded;
  }

  #peers(shard: number, record: number): number {
    let peers = 0;
    for (const list of this.#lists) {
      list.open(shard, record);
      peers += list.seeders + list.leechers;
    }
    return peers;
  }
}
