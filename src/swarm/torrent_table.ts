/**
 * The torrents of one shard: an open-addressed table of (tag, record reference) pairs with linear probing. The tag is
 * the whole keyed hash, so that a probe compares records only when they are the same, and a resize reads no record.
 * Removal shifts later pairs back: no tombstones. The caller holds the shard's lock.
 */
import { SHARD_MASK, SHARD_TABLE, SHARD_TORRENTS, TORRENT_NEW, TORRENT_STATE, TORRENT_WORDS } from "./layout.ts";
import type { Slabs } from "./slabs.ts";

/** Slots of a new table. */
const SLOTS_MIN = 64;
/** Slots of the longest table: 2^22 pairs are 32 MiB, a billion torrents in all. */
const SLOTS_MAX = 1 << 22;

/** One thread's view of the torrent tables of every shard. */
export class TorrentTable {
  readonly #words: Int32Array;
  readonly #slabs: Slabs;

  constructor(words: Int32Array, slabs: Slabs) {
    this.#words = words;
    this.#slabs = slabs;
  }

  /** Reference of the record of `infoHash`, or 0. */
  find(shard: number, tag: number, infoHash: Int32Array): number {
    const w = this.#words, table = w[shard + SHARD_TABLE], mask = w[shard + SHARD_MASK];
    if (table === 0) return 0;
    for (let slot = tag & mask;; slot = (slot + 1) & mask) {
      const at = table + slot * 2, record = w[at + 1];
      if (record === 0) return 0;
      if (
        w[at] === tag && w[record] === infoHash[0] && w[record + 1] === infoHash[1] && w[record + 2] === infoHash[2] &&
        w[record + 3] === infoHash[3] && w[record + 4] === infoHash[4]
      ) return record;
    }
  }

  /** Adds an empty record, marked new, for `infoHash`, which must not be there. Returns its reference, or 0 when memory is out. */
  add(shard: number, tag: number, infoHash: Int32Array): number {
    const w = this.#words;
    if (!this.#makeRoom(shard)) return 0;
    const record = this.#slabs.allocate(shard, TORRENT_WORDS);
    if (record === 0) return 0;
    for (let i = 0; i < 5; i++) w[record + i] = infoHash[i];
    for (let i = 5; i < TORRENT_WORDS; i++) w[record + i] = 0;
    w[record + TORRENT_STATE] = TORRENT_NEW;
    this.#put(w[shard + SHARD_TABLE], w[shard + SHARD_MASK], tag, record);
    w[shard + SHARD_TORRENTS]++;
    return record;
  }

  /** Slots of the shard's table. */
  slots(shard: number): number {
    return this.#words[shard + SHARD_TABLE] === 0 ? 0 : this.#words[shard + SHARD_MASK] + 1;
  }

  /** Record in `slot`, or 0. */
  recordAt(shard: number, slot: number): number {
    return this.#words[this.#words[shard + SHARD_TABLE] + slot * 2 + 1];
  }

  /** Tag of the record in `slot`, if there is one. */
  tagAt(shard: number, slot: number): number {
    return this.#words[this.#words[shard + SHARD_TABLE] + slot * 2];
  }

  /** Moves the record in `slot` out of a page that is mostly empty. Returns its reference, new or as before. */
  compactAt(shard: number, slot: number): number {
    const w = this.#words, at = w[shard + SHARD_TABLE] + slot * 2 + 1;
    return w[at] = this.#slabs.compacted(shard, w[at], TORRENT_WORDS);
  }

  /** Removes the record in `slot` and frees it. The next pair to look at may now be in the same slot. */
  removeAt(shard: number, slot: number): void {
    const w = this.#words, table = w[shard + SHARD_TABLE], mask = w[shard + SHARD_MASK];
    this.#slabs.free(shard, w[table + slot * 2 + 1], TORRENT_WORDS);
    w[shard + SHARD_TORRENTS]--;
    let hole = slot;
    for (let next = (hole + 1) & mask; w[table + next * 2 + 1] !== 0; next = (next + 1) & mask) {
      // A pair may move back only if its own place is not behind the hole.
      const home = w[table + next * 2] & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      w[table + hole * 2] = w[table + next * 2];
      w[table + hole * 2 + 1] = w[table + next * 2 + 1];
      hole = next;
    }
    w[table + hole * 2 + 1] = 0;
  }

  /** Makes the table shorter if it has become far too long. */
  tighten(shard: number): void {
    const slots = this.slots(shard);
    if (slots > SLOTS_MIN && this.#words[shard + SHARD_TORRENTS] * 8 < slots) this.#resize(shard, slots / 2);
  }

  #makeRoom(shard: number): boolean {
    const w = this.#words, torrents = w[shard + SHARD_TORRENTS], slots = this.slots(shard);
    if (torrents * 4 < slots * 3) return true;
    if (this.#resize(shard, Math.max(SLOTS_MIN, slots * 2))) return true;
    // Without memory or above the limit it may fill up further, at the price of longer probes, but never wholly.
    return torrents * 16 < slots * 15;
  }

  #resize(shard: number, slots: number): boolean {
    if (slots > SLOTS_MAX) return false;
    const w = this.#words, old = w[shard + SHARD_TABLE], oldSlots = this.slots(shard);
    const table = this.#slabs.allocate(shard, slots * 2);
    if (table === 0) return false;
    w.fill(0, table, table + slots * 2);
    for (let at = old; at < old + oldSlots * 2; at += 2) {
      if (w[at + 1] !== 0) this.#put(table, slots - 1, w[at], w[at + 1]);
    }
    if (old !== 0) this.#slabs.free(shard, old, oldSlots * 2);
    w[shard + SHARD_TABLE] = table;
    w[shard + SHARD_MASK] = slots - 1;
    return true;
  }

  #put(table: number, mask: number, tag: number, record: number): void {
    const w = this.#words;
    let slot = tag & mask;
    while (w[table + slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    w[table + slot * 2] = tag;
    w[table + slot * 2 + 1] = record;
  }
}
