/** The rest between two passes of the keeper: what a crash loses, and what is left to those who announce. */
import assert from "node:assert/strict";
import { restMs } from "../../src/persist/steps.ts";

Deno.test("restMs() lets the next pass end an interval after this one began, as long as passes are short", () => {
  for (const tookMs of [0, 1, 250, 1000]) assert.equal(tookMs + restMs(5000, tookMs) + tookMs, 5000);
});

Deno.test("restMs() is two and a half times a longer pass, and an interval at most", () => {
  const rests = [1200, 1600, 2000, 2001, 60_000].map((tookMs) => restMs(5000, tookMs));
  assert.deepEqual(rests, [3000, 4000, 5000, 5000, 5000]);
});
