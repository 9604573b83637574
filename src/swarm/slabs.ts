/**
 * Small blocks for one shard: pages cut into blocks of one size class, freed page by page, so that memory moves between
 * sizes. Longer blocks are runs of whole pages. The caller holds the shard's lock.
 *
 *   page header   0 next page with room   1 previous   2 first free block (offset in page) | next uncut block << 16
 *   (4 words)     3 blocks in use | class << 16
 */
import { PAGE_WORDS, SHARD_SLABS } from "./layout.ts";
import type { PagePool } from "./page_pool.ts";

/** Words of the blocks of each class: steps of a third to a half, so that little is wasted. */
export const CLASS_WORDS = [4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 204, 254, 340] as const;
/** Longest block that comes from a slab page; longer ones are runs of pages. */
export const SLAB_WORDS_MAX = 340;

const HEADER_WORDS = 4;

/** Class of a block of n words, for n up to SLAB_WORDS_MAX. */
const CLASS_OF = new Uint8Array(SLAB_WORDS_MAX + 1);
for (let words = 0, index = 0; words <= SLAB_WORDS_MAX; words++) {
  if (words > CLASS_WORDS[index]!) index++;
  CLASS_OF[words] = index;
}
const WORDS_OF = Int32Array.from(CLASS_WORDS);
/** Blocks in use below which a page of the class is mostly empty. */
const FEW_OF = WORDS_OF.map((words) => Math.floor((PAGE_WORDS - HEADER_WORDS) / words) >> 1);

/** Pages of a run for `words` words, as an order of two. */
function runOrder(words: number): number {
  return 32 - Math.clz32((Math.ceil(words / PAGE_WORDS) - 1) | 0);
}

/** One thread's view of the slabs of every shard. */
export class Slabs {
  readonly #words: Int32Array;
  readonly #pages: PagePool;

  constructor(words: Int32Array, pages: PagePool) {
    this.#words = words;
    this.#pages = pages;
  }

  /** Words a block asked for as `words` really has: ask for a list's room with this. */
  roomFor(words: number): number {
    return words <= SLAB_WORDS_MAX ? WORDS_OF[CLASS_OF[words]] : PAGE_WORDS << runOrder(words);
  }

  /** A block of at least `words` words for the shard whose header is at `shard`. Contents undefined; 0 = none left. */
  allocate(shard: number, words: number): number {
    if (words > SLAB_WORDS_MAX) return this.#pages.allocate(runOrder(words));
    const w = this.#words, blockClass = CLASS_OF[words], head = shard + SHARD_SLABS + blockClass;
    let page = w[head];
    if (page === 0) {
      page = this.#pages.allocate(0);
      if (page === 0) return 0;
      w[page + 2] = HEADER_WORDS << 16;
      w[page + 3] = blockClass << 16;
      this.#link(head, page);
    }
    const size = WORDS_OF[blockClass], cursor = w[page + 2];
    let free = cursor & 0xffff, uncut = cursor >>> 16;
    let block: number;
    if (free !== 0) {
      block = page + free;
      free = w[block];
    } else {
      block = page + uncut;
      uncut += size;
    }
    w[page + 2] = free | uncut << 16;
    w[page + 3]++;
    if (free === 0 && uncut + size > PAGE_WORDS) this.#unlink(head, page);
    return block;
  }

  /** Gives back the block at `ref`, allocated with the same `words`. */
  free(shard: number, ref: number, words: number): void {
    if (words > SLAB_WORDS_MAX) return this.#pages.free(ref, runOrder(words));
    const w = this.#words, page = ref & ~(PAGE_WORDS - 1), blockClass = CLASS_OF[words];
    const head = shard + SHARD_SLABS + blockClass, size = WORDS_OF[blockClass], cursor = w[page + 2];
    const wasFull = (cursor & 0xffff) === 0 && (cursor >>> 16) + size > PAGE_WORDS;
    w[ref] = cursor & 0xffff;
    w[page + 2] = (ref - page) | (cursor & ~0xffff);
    const left = --w[page + 3] & 0xffff;
    if (left === 0) {
      if (!wasFull) this.#unlink(head, page);
      this.#pages.free(page, 0);
    } else if (wasFull) this.#link(head, page);
  }

  /**
   * Where the block at `ref` lies when it has left its page, if that is mostly empty and another one has room; otherwise
   * `ref`. The one word that refers to the block must be set to it. Allocates no page, so that it cannot fail.
   */
  compacted(shard: number, ref: number, words: number): number {
    if (words > SLAB_WORDS_MAX) return ref;
    const w = this.#words, page = ref & ~(PAGE_WORDS - 1), blockClass = CLASS_OF[words];
    // The page at the head is the one that fills up.
    if ((w[page + 3] & 0xffff) >= FEW_OF[blockClass] || w[shard + SHARD_SLABS + blockClass] === page) return ref;
    const to = this.allocate(shard, words);
    for (let i = 0; i < words; i++) w[to + i] = w[ref + i];
    this.free(shard, ref, words);
    return to;
  }

  #link(head: number, page: number): void {
    const w = this.#words, next = w[head];
    w[page] = next;
    w[page + 1] = 0;
    if (next !== 0) w[next + 1] = page;
    w[head] = page;
  }

  #unlink(head: number, page: number): void {
    const w = this.#words, next = w[page], previous = w[page + 1];
    if (previous === 0) w[head] = next;
    else w[previous] = next;
    if (next !== 0) w[next + 1] = previous;
  }
}
