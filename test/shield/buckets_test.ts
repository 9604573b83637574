/** The table of buckets: rates, who shares one, who is forgotten. Time is handed in. */
import assert from "node:assert/strict";
import { setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { BAD_IDS, Buckets, createBuckets, DATAGRAMS, PROVEN, SETS, WAYS } from "../../src/shield/buckets.ts";
import { Random } from "../support/random.ts";
import { runThreads } from "../support/threads.ts";
import type { BucketsTask } from "./buckets_thread.ts";

const RATE = { perSecond: 10, burst: 100 }, BAD_IDS_RATE = { perSecond: 8, burst: 16 };
const KEY = Int32Array.of(1, 2);

/** A table asked by the text of addresses. */
class Table {
  readonly memory = createBuckets(KEY);
  readonly buckets: Buckets;
  readonly source = new AnnounceRequest();
  second = 1000;

  constructor(rate = RATE) {
    this.buckets = new Buckets(this.memory, rate, rate, BAD_IDS_RATE);
  }

  /** Tokens that `asks` requests of the address get. */
  take(address: string, asks: number, bucket = DATAGRAMS, penaltySeconds = 0): number {
    assert.ok(setAddressText(this.source, address), address);
    let taken = 0;
    for (let i = 0; i < asks; i++) if (this.buckets.take(this.source, bucket, this.second, penaltySeconds)) taken++;
    return taken;
  }
}

Deno.test("Buckets.take() gives a burst, then so many a second, and never saves up more than a burst", () => {
  const table = new Table();
  const rows: { name: string; passes: number; asks: number; want: number }[] = [
    { name: "at first", passes: 0, asks: 99, want: 99 },
    { name: "the last of the burst", passes: 0, asks: 5, want: 1 },
    { name: "at once", passes: 0, asks: 5, want: 0 },
    { name: "a second later", passes: 1, asks: 50, want: 10 },
    { name: "three seconds later", passes: 3, asks: 50, want: 30 },
    { name: "asking less than it may", passes: 1, asks: 4, want: 4 },
    { name: "what was left of that", passes: 1, asks: 50, want: 16 },
    { name: "an hour later", passes: 3600, asks: 500, want: 100 },
    { name: "a year later", passes: 31_536_000, asks: 500, want: 100 },
  ];
  for (const { name, passes, asks, want } of rows) {
    table.second += passes;
    assert.equal(table.take("192.0.2.1", asks), want, name);
  }
});

Deno.test("Buckets.take() goes on over the wrap of its ticks", () => {
  for (const perSecond of [1, 200, 10_000]) {
    for (const wrap of [2 ** 31, 2 ** 32]) {
      const table = new Table({ perSecond, burst: 3 * perSecond });
      table.second = Math.floor(wrap / perSecond) - 2;
      const name = `${perSecond} a second, at 2^${Math.log2(wrap)}`;
      assert.equal(table.take("192.0.2.1", 10 * perSecond), 3 * perSecond, name);
      for (let i = 0; i < 5; i++) {
        table.second++;
        assert.equal(table.take("192.0.2.1", 2 * perSecond), perSecond, `${name}, ${i + 1} s later`);
      }
    }
  }
});

Deno.test("Buckets.take() counts an IPv4 address, and an IPv6 network of 64 bits", () => {
  const rows: { drained: string; asked: string; isSame: boolean }[] = [
    { drained: "192.0.2.1", asked: "192.0.2.1", isSame: true },
    { drained: "192.0.2.1", asked: "::ffff:192.0.2.1", isSame: true },
    { drained: "192.0.2.1", asked: "192.0.2.2", isSame: false },
    { drained: "192.0.2.1", asked: "192.0.3.1", isSame: false },
    { drained: "2001:db8:1:2::1", asked: "2001:db8:1:2:ffff:ffff:ffff:ffff", isSame: true },
    { drained: "2001:db8:1:2::1", asked: "2001:db8:1:3::1", isSame: false },
    { drained: "2001:db8:1:2::1", asked: "2001:db9:1:2::1", isSame: false },
    // The same two words in either family.
    { drained: "192.0.2.1", asked: "c000:201::1", isSame: false },
  ];
  for (const { drained, asked, isSame } of rows) {
    const table = new Table();
    table.take(drained, 100);
    assert.equal(table.take(asked, 1), isSame ? 0 : 1, `${drained}, ${asked}`);
  }
});

Deno.test("Buckets.take() keeps an address's buckets apart", () => {
  const table = new Table();
  assert.equal(table.take("192.0.2.1", 500, DATAGRAMS), 100);
  assert.equal(table.take("192.0.2.1", 500, PROVEN), 100);
  assert.equal(table.take("192.0.2.1", 500, BAD_IDS), 16);
});

Deno.test("Buckets.take() makes an empty bucket stay empty for a penalty, and no longer however often it is asked", () => {
  const table = new Table(), ask = (asks: number) => table.take("192.0.2.1", asks, BAD_IDS, 8);
  assert.equal(ask(100), 16);
  for (let second = 1; second <= 8; second++) {
    table.second++;
    assert.equal(ask(100), 0, `${second} s later`);
  }
  table.second++;
  assert.ok(ask(100) > 0);
  // Again dry, and again only for so long.
  table.second += 8;
  assert.equal(ask(100), 0);
  table.second++;
  assert.ok(ask(100) > 0);
});

Deno.test("Buckets.take() is not fooled by threads whose clocks are a second apart", () => {
  const table = new Table();
  table.take("192.0.2.1", 100);
  table.second--;
  assert.equal(table.take("192.0.2.1", 50), 0, "before");
  table.second++;
  assert.equal(table.take("192.0.2.1", 50), 0, "and after");
});

Deno.test("Buckets.take() forgets strangers and the idle, never who has asked most", () => {
  const table = new Table(), random = new Random(1), honest = "192.0.2.1", flooder = "192.0.2.2";
  table.take(honest, 3);
  table.take(flooder, 100);
  // Always the same ones: among others might be one that has the flooder's bucket.
  // Many times as many addresses as there is room for, as a flood with false sources has.
  const { source, buckets } = table;
  let served = 0;
  for (let i = 0; i < 5 * SETS * WAYS; i++) {
    source.family = 4;
    source.address[0] = random.below(2 ** 32) | 0x80000000;
    if (buckets.take(source, DATAGRAMS, table.second)) served++;
    if (i % 10_000 === 0) {
      // 99 of the 100 there were at first.
      assert.equal(table.take(honest, 1), 1, "who has asked little is served, forgotten or not");
      table.second += i % 100_000 === 0 ? 1 : 0;
      assert.ok(table.take(flooder, 100) <= 10, "who has asked too much gets no new burst");
    }
  }
  assert.equal(served, 5 * SETS * WAYS, "every stranger is served");
});

Deno.test("Buckets.take() gives every bucket to a newcomer full, whoever had its place", () => {
  const table = new Table(), { source, buckets } = table;
  // Flooders for every place, and a newcomer for each of them.
  const addresses = 2 * SETS * WAYS;
  let limited = 0;
  for (let i = 0; i < addresses; i++) {
    source.family = 4;
    source.address[0] = i;
    let taken = 0;
    for (let ask = 0; ask < 101; ask++) if (buckets.take(source, PROVEN, table.second)) taken++;
    if (taken !== 100) limited++;
  }
  // Some of so many have one hash: of all pairs, one in 2^32.
  const expected = addresses ** 2 / 2 ** 33;
  assert.ok(limited < 10 + 10 * expected, `${limited} of ${addresses}, and ${expected} were expected`);
});

Deno.test("Buckets.take() under several threads loses tokens at most", async () => {
  const memory = createBuckets(KEY), burst = 100_000, threads = 3;
  const taken = await runThreads<BucketsTask, number>(
    import.meta.resolve("./buckets_thread.ts"),
    threads,
    () => ({ memory, rate: { perSecond: 1, burst }, asks: 2 * burst }),
  );
  const sum = taken.reduce((all, one) => all + one, 0);
  assert.ok(sum >= burst && sum <= threads * burst, `${taken}`);
  const table = new Buckets(memory, { perSecond: 1, burst }, RATE, RATE), source = new AnnounceRequest();
  setAddressText(source, "192.0.2.1");
  assert.equal(table.take(source, DATAGRAMS, 1), false, "and it is empty in the end");
});
