/** What several targets share: a tracker whose memory is all there from the start, and checks on bytes. */
import assert from "node:assert/strict";
import { createArena } from "../../../src/swarm/arena.ts";
import { SwarmStore } from "../../../src/swarm/swarm_store.ts";
import { Clock, createClock } from "../../../src/stats/clock.ts";
import { counterRow, createCounters } from "../../../src/stats/counters.ts";
import { Policy } from "../../../src/tracker/policy.ts";
import { Tracker } from "../../../src/tracker/tracker.ts";

const ARENA_MIB = 16, PAGE_BYTES = 4096, PEER_MINUTES_MAX = 45;
/** The same in every run, so that a seed repeats everything. */
export const SECRET = Int32Array.of(0x11111111, 0x22222222, 0x33333333, 0x44444444);

/** A store in 16 MiB, every page of which is touched: what it comes to use is no growth. */
export function fuzzStore(): { arena: SharedArrayBuffer; store: SwarmStore } {
  const arena = createArena(ARENA_MIB, SECRET), bytes = new Uint8Array(arena);
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) Atomics.or(bytes, at, 0);
  return { arena, store: new SwarmStore(arena, 1, 12345, PEER_MINUTES_MAX) };
}

/** A tracker over such a store, with a clock that stands. */
export function fuzzTracker(): Tracker {
  const policy = new Policy({ intervalSeconds: 1800, numwantDefault: 50, numwantMax: 200 }, 1);
  return new Tracker(fuzzStore().store, policy, counterRow(createCounters(1), 0), new Clock(createClock()));
}

/** Asserts that `bytes` from `start` to `end` are all `byte`. */
export function assertFilled(bytes: Uint8Array, start: number, end: number, byte: number, message: string): void {
  for (let at = start; at < end; at++) if (bytes[at] !== byte) assert.fail(`${message}: byte ${at} is ${bytes[at]}`);
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A copy of `bytes` in the middle of others: what a decoder sees behind the end must make no difference. */
export function surrounded(bytes: Uint8Array, around: Uint8Array, before: number): Uint8Array {
  const whole = new Uint8Array(before + bytes.length + around.length);
  for (let at = 0; at < before; at++) whole[at] = around[at % around.length]!;
  whole.set(bytes, before);
  whole.set(around, before + bytes.length);
  return whole;
}

/** Bytes that would go on well behind many inputs. */
export const AROUND: readonly Uint8Array[] = [
  new Uint8Array(32),
  new TextEncoder().encode("\n\r\n\r\n Connection: close\r\n\r\n"),
  new TextEncoder().encode("41414141&port=1&info_hash=aaaaaaaa"),
];
