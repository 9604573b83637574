/**
 * Makes the arena: one SharedArrayBuffer of the budget's size, formatted as layout.ts draws it. The system commits its
 * pages as they are touched, so a large budget costs nothing until it is needed.
 */
import {
  PAGE_WORDS,
  POOL_FIRST,
  POOL_FRESH,
  POOL_LOCK,
  POOL_PAGES,
  POOL_USED,
  SECRET,
  SHARD_FIRST,
  SHARD_LOCK,
  SHARD_WORDS,
  SHARDS,
} from "./layout.ts";

/** Word of the first byte of the page map. */
const MAP_WORD = SHARD_FIRST + SHARDS * SHARD_WORDS;

/** Largest arena: word references are signed 32-bit numbers. */
export const ARENA_MIB_MAX = 8192;
/** Smallest arena that holds the shards and a few torrents in each. */
export const ARENA_MIB_MIN = 16;

/** A formatted arena of `mebibytes`. `secret`: four random words of this run. */
export function createArena(mebibytes: number, secret: Int32Array): SharedArrayBuffer {
  const pages = mebibytes * 256;
  const buffer = new SharedArrayBuffer(pages * PAGE_WORDS * 4);
  const words = new Int32Array(buffer);
  const first = Math.ceil((MAP_WORD + pages / 4) / PAGE_WORDS);
  words[POOL_FIRST] = words[POOL_FRESH] = first;
  words[POOL_PAGES] = pages;
  words.set(secret.subarray(0, 4), SECRET);
  return buffer;
}

/** The arena's page map: one byte a page. */
export function pageMap(buffer: SharedArrayBuffer): Uint8Array {
  return new Uint8Array(buffer, MAP_WORD * 4, buffer.byteLength / (PAGE_WORDS * 4));
}

/** Word of the header of shard `index`. */
export function shardAt(index: number): number {
  return SHARD_FIRST + index * SHARD_WORDS;
}

/** Bytes of the heap handed out now, and at most. */
export function arenaUse(words: Int32Array): { bytesUsed: number; bytesMax: number } {
  const page = PAGE_WORDS * 4;
  return { bytesUsed: words[POOL_USED] * page, bytesMax: (words[POOL_PAGES] - words[POOL_FIRST]) * page };
}

/**
 * Releases the locks that a thread died with. What it was changing may be half done, so this is reported as a fault;
 * leaving them held would stop every other thread. Returns how many there were.
 */
export function releaseLocksOf(words: Int32Array, owner: number): number {
  let released = 0;
  for (let at = 0; at < SHARDS + 1; at++) {
    const word = at === SHARDS ? POOL_LOCK : shardAt(at) + SHARD_LOCK;
    if (Atomics.compareExchange(words, word, owner, 0) === owner) released++;
  }
  return released;
}
