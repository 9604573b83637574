/** Intervals and numbers of peers. */
import assert from "node:assert/strict";
import { Policy } from "../../src/tracker/policy.ts";

const SETTINGS = { intervalSeconds: 1800, numwantDefault: 50, numwantMax: 200 };

Deno.test("Policy.peersFor() keeps to the operator's figures", () => {
  const policy = new Policy(SETTINGS, 1);
  const rows: [numwant: number, want: number][] = [
    [-1, 50],
    [-0x80000000, 50],
    [0, 0],
    [1, 1],
    [199, 199],
    [200, 200],
    [201, 200],
    [0x7fffffff, 200],
  ];
  for (const [numwant, want] of rows) assert.equal(policy.peersFor(numwant), want, `${numwant}`);
  assert.equal(new Policy({ ...SETTINGS, numwantMax: 20 }, 1).peersFor(-1), 20, "the default is held to the most");
});

Deno.test("Policy.nextInterval() stays within a tenth of the interval and uses all of it", () => {
  for (const intervalSeconds of [1800, 600, 120, 60, 9, 1]) {
    for (const seed of [0, 1, -1, 0x7fffffff, -0x80000000, 123.7]) {
      const policy = new Policy({ ...SETTINGS, intervalSeconds }, seed), jitter = Math.floor(intervalSeconds / 10);
      let least = Infinity, most = 0, sum = 0;
      for (let i = 0; i < 20_000; i++) {
        const seconds = policy.nextInterval();
        assert.ok(Number.isInteger(seconds));
        least = Math.min(least, seconds);
        most = Math.max(most, seconds);
        sum += seconds;
      }
      const name = `interval ${intervalSeconds}, seed ${seed}`;
      assert.deepEqual([least, most], [intervalSeconds - jitter, intervalSeconds + Math.max(0, jitter - 1)], name);
      assert.ok(Math.abs(sum / 20_000 - intervalSeconds) <= 0.5 + jitter / 20, name);
    }
  }
});

Deno.test("Policy.nextInterval() differs between seeds", () => {
  const series = (seed: number) => {
    const policy = new Policy(SETTINGS, seed);
    return Array.from({ length: 20 }, () => policy.nextInterval()).join();
  };
  assert.equal(new Set([3, 5, 7, 9, 11].map(series)).size, 5);
});
