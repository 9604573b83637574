/** Counters and the clock, in shared memory. */
import assert from "node:assert/strict";
import { REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { Clock, createClock } from "../../src/stats/clock.ts";
import {
  COUNTER,
  counterRow,
  COUNTERS,
  createCounters,
  HTTP_ERROR,
  NUMWANTS,
  REFUSALS_MAX,
  RENEW_MINUTES_MAX,
  RESULTS,
  sumCounters,
  TURN_BUCKETS,
} from "../../src/stats/counters.ts";

Deno.test("COUNTER gives every counter a place of its own", () => {
  const lengths: Record<string, number> = {
    httpErrors: Object.keys(HTTP_ERROR).length,
    renews: RENEW_MINUTES_MAX,
    refusals: REFUSALS_MAX,
    numwants: NUMWANTS,
    turns: TURN_BUCKETS,
    results: RESULTS,
  };
  const taken = new Set<number>();
  for (const [name, at] of Object.entries(COUNTER)) {
    for (let i = 0; i < (lengths[name] ?? 1); i++) {
      assert.ok(!taken.has(at + i), `${name} shares place ${at + i}`);
      assert.ok(at + i < COUNTERS, name);
      taken.add(at + i);
    }
  }
  assert.ok(REFUSAL_TEXTS.length <= REFUSALS_MAX);
});

Deno.test("counterRow() gives each thread a row, and sumCounters() adds them up", () => {
  const memory = createCounters(3);
  for (let thread = 0; thread < 3; thread++) {
    counterRow(memory, thread)[COUNTER.udpPackets]! += 10 ** thread;
    counterRow(memory, thread)[COUNTERS - 1]! += 1;
  }
  counterRow(memory, 1)[0]! += 2 ** 53 - 1;
  const sums = sumCounters(memory);
  assert.deepEqual([sums[COUNTER.udpPackets], sums[COUNTERS - 1], sums[0]], [111, 3, 2 ** 53 - 1]);
  sums[0] = 0;
  assert.equal(sumCounters(memory)[0], 2 ** 53 - 1, "the sums are a copy");
});

Deno.test("Clock reads what its owner set, in every thread", () => {
  const memory = createClock(), owner = new Clock(memory), reader = new Clock(memory);
  assert.equal(reader.second, 0);
  owner.second = 86_400 * 365;
  assert.equal(reader.second, 86_400 * 365);
});
