/** The page pool under random operations. */
import assert from "node:assert/strict";
import { createArena, pageMap } from "../../src/swarm/arena.ts";
import { PAGE_WORDS, RUN_ORDER_MAX } from "../../src/swarm/layout.ts";
import { PagePool } from "../../src/swarm/page_pool.ts";
import { seededRandom } from "../support/random.ts";

const OPERATIONS = 30_000;

interface Run {
  readonly ref: number;
  readonly order: number;
}

/** A pool over an arena of its own, and what has been taken from it. */
class Bench {
  readonly #arena = createArena(16, new Int32Array(4));
  readonly words = new Int32Array(this.#arena);
  /** Two threads' views of the same pool. */
  readonly pools = [
    new PagePool(this.words, pageMap(this.#arena), 1),
    new PagePool(this.words, pageMap(this.#arena), 2),
  ];
  readonly runs: Run[] = [];
  /** Owner of each page: index of nobody is 0. */
  readonly #taken = new Uint8Array(this.words.length / PAGE_WORDS);

  take(pool: number, order: number): boolean {
    const ref = this.pools[pool]!.allocate(order), pages = 1 << order, page = ref / PAGE_WORDS;
    if (ref === 0) return false;
    assert.equal(page % pages, 0, `a run of ${pages} pages lies at page ${page}`);
    assert.ok(page + pages <= this.#taken.length);
    assert.ok(this.#taken.subarray(page, page + pages).every((taken) => taken === 0), "no page is handed out twice");
    this.#taken.fill(1, page, page + pages);
    // What the holder writes must harm nobody.
    this.words.fill(-1, ref, ref + pages * PAGE_WORDS);
    this.runs.push({ ref, order });
    return true;
  }

  giveBack(pool: number, index: number): void {
    const [{ ref, order }] = this.runs.splice(index, 1) as [Run];
    this.#taken.fill(0, ref / PAGE_WORDS, ref / PAGE_WORDS + (1 << order));
    this.pools[pool]!.free(ref, order);
  }

  checkUse(): void {
    const pages = this.runs.reduce((sum, { order }) => sum + (1 << order), 0);
    assert.deepEqual(this.pools.map((pool) => pool.pagesUsed), [pages, pages]);
  }
}

Deno.test("PagePool hands out runs that never overlap, and keeps count", () => {
  const random = seededRandom("page pool"), bench = new Bench();
  for (let i = 0; i < OPERATIONS; i++) {
    const pool = random.below(2), isFilling = (i / 3000 | 0) % 2 === 0;
    if (bench.runs.length > 0 && random.below(10) < (isFilling ? 3 : 7)) {
      bench.giveBack(pool, random.below(bench.runs.length));
    } else bench.take(pool, random.oneIn(50) ? random.below(10) : random.below(3));
    if (i % 100 === 0) bench.checkUse();
  }
  bench.checkUse();
});

Deno.test("PagePool joins what is given back, in any order, into the runs it came from", () => {
  const random = seededRandom("page pool joins"), bench = new Bench();
  while (bench.take(0, 0));
  assert.equal(bench.pools[0]!.pagesUsed, bench.pools[0]!.pagesMax, "every page was handed out");
  while (bench.runs.length > 0) bench.giveBack(0, random.below(bench.runs.length));
  bench.checkUse();
  // 4096 pages less the header: the longest aligned run that fits is half of them.
  assert.ok(bench.take(0, 11));
  assert.ok(bench.take(0, 10));
  assert.ok(bench.take(0, 9));
});

Deno.test("PagePool.allocate() returns 0 when there is no such run, and changes nothing", () => {
  const bench = new Bench(), [pool] = bench.pools as [PagePool];
  for (let order = 12; order <= RUN_ORDER_MAX; order++) assert.equal(pool.allocate(order), 0, `order ${order}`);
  assert.equal(pool.pagesUsed, 0);
  while (bench.take(0, 0));
  for (let order = 0; order <= RUN_ORDER_MAX; order++) assert.equal(pool.allocate(order), 0, `order ${order}`);
  bench.giveBack(0, 0);
  assert.equal(bench.take(0, 1), false);
  assert.ok(bench.take(0, 0));
});
