/** Slabs under random operations. */
import assert from "node:assert/strict";
import { createArena, pageMap, shardAt } from "../../src/swarm/arena.ts";
import { PAGE_WORDS } from "../../src/swarm/layout.ts";
import { PagePool } from "../../src/swarm/page_pool.ts";
import { CLASS_WORDS, SLAB_WORDS_MAX, Slabs } from "../../src/swarm/slabs.ts";
import { type Random, seededRandom } from "../support/random.ts";

const OPERATIONS = 60_000;

interface Block {
  readonly shard: number;
  readonly ref: number;
  readonly words: number;
  readonly mark: number;
}

function newSlabs(): { words: Int32Array; pages: PagePool; slabs: Slabs } {
  const arena = createArena(16, new Int32Array(4)), words = new Int32Array(arena);
  const pages = new PagePool(words, pageMap(arena), 1);
  return { words, pages, slabs: new Slabs(words, pages) };
}

Deno.test("Slabs.roomFor() is never less than asked, and the same for all that it promises", () => {
  const { slabs } = newSlabs();
  for (let words = 1; words <= 4 * PAGE_WORDS; words++) {
    const room = slabs.roomFor(words);
    assert.ok(room >= words, `${words}`);
    assert.equal(slabs.roomFor(room), room, `${words}`);
    if (words > CLASS_WORDS[0] && words <= SLAB_WORDS_MAX) {
      assert.ok(room <= words * 1.5 + 1, `${words} wastes ${room}`);
    }
  }
});

Deno.test("Slabs hands out blocks that nobody else writes to, and gives all pages back", () => {
  const random = seededRandom("slabs"), { words, pages, slabs } = newSlabs(), blocks: Block[] = [];
  for (let i = 0; i < OPERATIONS || blocks.length > 0; i++) {
    const isFilling = i < OPERATIONS && (i / 6000 | 0) % 2 === 0;
    if (blocks.length > 0 && random.below(10) < (isFilling ? 3 : 7)) giveBack(words, slabs, blocks, random);
    else if (i < OPERATIONS) take(words, slabs, blocks, random, i);
  }
  assert.equal(pages.pagesUsed, 0);
});

function take(words: Int32Array, slabs: Slabs, blocks: Block[], random: Random, mark: number): void {
  const shard = shardAt(random.below(3)), size = random.oneIn(100) ? 341 + random.below(5000) : 1 + random.below(340);
  const ref = slabs.allocate(shard, size);
  if (ref === 0) return;
  // All the room may be used, not only what was asked for.
  words.fill(mark, ref, ref + slabs.roomFor(size));
  blocks.push({ shard, ref, words: size, mark });
}

function giveBack(words: Int32Array, slabs: Slabs, blocks: Block[], random: Random): void {
  const index = random.below(blocks.length), { shard, ref, words: size, mark } = blocks[index]!;
  blocks[index] = blocks.at(-1)!;
  blocks.pop();
  const block = words.subarray(ref, ref + slabs.roomFor(size));
  assert.ok(block.every((word) => word === mark), `the block of ${size} words at ${ref} was overwritten`);
  // Freed by its room as well as by its size: lists remember the room.
  slabs.free(shard, ref, random.oneIn(2) ? size : slabs.roomFor(size));
}

Deno.test("Slabs.allocate() returns 0 when memory is out, and recovers", () => {
  const { pages, slabs } = newSlabs(), shard = shardAt(0), refs: number[] = [];
  for (let ref; (ref = slabs.allocate(shard, 12)) !== 0;) refs.push(ref);
  assert.equal(new Set(refs).size, refs.length);
  assert.equal(pages.pagesUsed, pages.pagesMax);
  assert.equal(slabs.allocate(shard, 4), 0);
  assert.equal(slabs.allocate(shard, 4000), 0);
  slabs.free(shard, refs[5]!, 12);
  assert.equal(slabs.allocate(shard, 12), refs[5]);
  for (const ref of refs) slabs.free(shard, ref, 12);
  assert.equal(pages.pagesUsed, 0);
});
