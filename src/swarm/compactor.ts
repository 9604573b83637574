/**
 * Empties pages that are mostly empty. A flood leaves each of its pages to the one or two torrents that are real, and
 * for as long as those live the page is lost to everything else. What lies in such a page goes where new blocks of its
 * shard and size go. Only what one word refers to can be moved: records, small lists, descriptors. The caller holds the
 * shard's lock.
 */
import { INLINE_OFF, LIST_WORDS, TORRENT_IPV4, TORRENT_IPV6, TORRENT_STATE } from "./layout.ts";
import type { PeerList } from "./peer_list.ts";
import type { Slabs } from "./slabs.ts";
import type { TorrentTable } from "./torrent_table.ts";

/** One thread's compactor. */
export class Compactor {
  readonly #words: Int32Array;
  readonly #table: TorrentTable;
  readonly #slabs: Slabs;
  readonly #lists: readonly [PeerList, PeerList];

  constructor(words: Int32Array, table: TorrentTable, slabs: Slabs, lists: readonly [PeerList, PeerList]) {
    this.#words = words;
    this.#table = table;
    this.#slabs = slabs;
    this.#lists = lists;
  }

  /** Moves the torrent in `slot`, or those parts of it whose pages are mostly empty. No list may be in hand. */
  compact(shard: number, slot: number): void {
    const w = this.#words, slabs = this.#slabs, record = this.#table.compactAt(shard, slot);
    if ((w[record + TORRENT_STATE] & INLINE_OFF) === 0 && w[record + TORRENT_IPV6] === 0) return;
    for (const list of this.#lists) {
      list.open(shard, record);
      if (list.isLarge || list.ref === 0 || list.ref === record + TORRENT_IPV4) continue;
      list.ref = slabs.compacted(shard, list.ref, list.room * list.peerWords);
      list.close();
    }
    const descriptor = w[record + TORRENT_IPV6];
    if (descriptor !== 0) w[record + TORRENT_IPV6] = slabs.compacted(shard, descriptor, LIST_WORDS);
  }
}
