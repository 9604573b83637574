/**
 * Hands out runs of 2^order pages of the arena and takes them back: a buddy allocator, so that memory once used for one
 * thing (a flood of torrents) can serve another (a large swarm). Shared by all threads under one lock, which is taken
 * inside shard locks and never the other way round. Untouched pages stay uncommitted: they come off the end only when
 * no freed run fits.
 */
import {
  PAGE_WORDS,
  POOL_FIRST,
  POOL_FREE,
  POOL_FRESH,
  POOL_LOCK,
  POOL_PAGES,
  POOL_USED,
  RUN_ORDER_MAX,
} from "./layout.ts";
import { lock, unlock } from "./lock.ts";

/** Flag in the map: a free run starts here; the low bits are its order. */
const FREE_RUN = 0x80;

/** One thread's view of the page pool. */
export class PagePool {
  readonly #words: Int32Array;
  readonly #map: Uint8Array;
  readonly #owner: number;

  /** `words`: the arena. `map`: a byte for each of its pages. `owner`: this thread's number, 1 or more. */
  constructor(words: Int32Array, map: Uint8Array, owner: number) {
    this.#words = words;
    this.#map = map;
    this.#owner = owner;
  }

  /** Pages handed out now. A plain read: good to the last few. */
  get pagesUsed(): number {
    return this.#words[POOL_USED];
  }

  /** Pages that can be handed out. */
  get pagesMax(): number {
    return this.#words[POOL_PAGES] - this.#words[POOL_FIRST];
  }

  /** A run of 2^`order` pages, contents undefined. Returns its reference, or 0 when there is none. */
  allocate(order: number): number {
    const words = this.#words;
    lock(words, POOL_LOCK, this.#owner);
    let page = this.#takeFree(order);
    if (page === 0) page = this.#takeFresh(order);
    if (page !== 0) words[POOL_USED] += 1 << order;
    unlock(words, POOL_LOCK);
    return page * PAGE_WORDS;
  }

  /** Takes back the run of 2^`order` pages at `ref`. */
  free(ref: number, order: number): void {
    const words = this.#words;
    lock(words, POOL_LOCK, this.#owner);
    words[POOL_USED] -= 1 << order;
    this.#putFree(ref / PAGE_WORDS, order);
    unlock(words, POOL_LOCK);
  }

  #takeFree(order: number): number {
    let from = order;
    while (from <= RUN_ORDER_MAX && this.#words[POOL_FREE + from] === 0) from++;
    if (from > RUN_ORDER_MAX) return 0;
    const page = this.#words[POOL_FREE + from];
    this.#unlink(page, from);
    while (from > order) {
      from--;
      this.#link(page + (1 << from), from);
    }
    return page;
  }

  #takeFresh(order: number): number {
    const words = this.#words;
    // Runs lie at multiples of their length, or they would have no buddy; the gap is given to the free lists.
    for (;;) {
      const fresh = words[POOL_FRESH];
      const step = fresh & ((1 << order) - 1) ? Math.clz32(fresh & -fresh) ^ 31 : order;
      if (fresh + (1 << step) > words[POOL_PAGES]) return 0;
      words[POOL_FRESH] = fresh + (1 << step);
      if (step === order) return fresh;
      this.#putFree(fresh, step);
    }
  }

  #putFree(page: number, order: number): void {
    while (order < RUN_ORDER_MAX) {
      const buddy = page ^ (1 << order);
      if (this.#map[buddy] !== (FREE_RUN | order)) break;
      this.#unlink(buddy, order);
      page &= ~(1 << order);
      order++;
    }
    this.#link(page, order);
  }

  // A free run's first two words are its links: next and previous page, 0 = none.
  #link(page: number, order: number): void {
    const words = this.#words, at = page * PAGE_WORDS, next = words[POOL_FREE + order];
    words[at] = next;
    words[at + 1] = 0;
    if (next !== 0) words[next * PAGE_WORDS + 1] = page;
    words[POOL_FREE + order] = page;
    this.#map[page] = FREE_RUN | order;
  }

  #unlink(page: number, order: number): void {
    const words = this.#words, at = page * PAGE_WORDS, next = words[at], previous = words[at + 1];
    if (previous === 0) words[POOL_FREE + order] = next;
    else words[previous * PAGE_WORDS] = next;
    if (next !== 0) words[next * PAGE_WORDS + 1] = previous;
    this.#map[page] = 0;
  }
}
