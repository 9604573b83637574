/** A keeper that makes one pass after the other for a while. Started by state_bench.ts, which it tells when it begins. */
/// <reference lib="deno.worker" />
import { Keeper } from "../src/persist/keeper.ts";
import type { KeeperStart } from "../src/persist/keeper_start.ts";

/** What the thread is to do. */
export interface PassesOrder {
  readonly start: KeeperStart;
  readonly seconds: number;
}

/** From the thread: that it begins, and at the end how many passes it made. */
export type PassesAnswer = { readonly kind: "begins" } | { readonly kind: "made"; readonly passes: number };

self.onmessage = ({ data: { start, seconds } }: MessageEvent<PassesOrder>) => {
  const keeper = Keeper.start(start, () => {});
  answer({ kind: "begins" });
  let passes = 0;
  for (const endMs = performance.now() + seconds * 1000; performance.now() < endMs; passes++) keeper.pass();
  keeper.stop();
  answer({ kind: "made", passes });
};

function answer(message: PassesAnswer): void {
  self.postMessage(message);
}
