/** The lock word. */
import assert from "node:assert/strict";
import { createArena, releaseLocksOf, shardAt } from "../../src/swarm/arena.ts";
import { POOL_LOCK, SHARD_LOCK } from "../../src/swarm/layout.ts";
import { lock, unlock } from "../../src/swarm/lock.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { setAsker, StoreDriver } from "../support/store.ts";
import { runThreads } from "../support/threads.ts";

const THREADS = 4;
const TURNS = 20_000;

Deno.test("lock() takes a free lock for its owner at once, and unlock() frees it", () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  assert.equal(lock(words, 1, 7), false);
  assert.deepEqual([...words], [0, 7]);
  unlock(words, 1);
  assert.deepEqual([...words], [0, 0]);
});

Deno.test("lock() lets one thread in at a time, and everyone in the end", async () => {
  const memory = new SharedArrayBuffer(16);
  await runThreads(
    import.meta.resolve("./lock_thread.ts"),
    THREADS,
    (index) => ({ memory, owner: index + 1, turns: TURNS }),
  );
  const [word, sum] = new Int32Array(memory);
  // The sum is a plain number, read and written back inside the lock: one turn lost would show.
  assert.deepEqual([word, sum], [0, THREADS * TURNS]);
});

Deno.test("SwarmStore.releaseOwnLocks() lets everyone on after an exception inside a visit", () => {
  const arena = createArena(16, new Int32Array(4)), { request, reply } = new StoreDriver();
  const store = new SwarmStore(arena, 1, 1, 45), other = new SwarmStore(arena, 2, 1, 45);
  assert.equal(store.releaseOwnLocks(), 0);
  const fault = new Error("a fault of ours");
  setAsker(request, Uint8Array.of(10, 0, 0, 1), 1);
  Object.defineProperty(reply, "halves", {
    get: () => {
      throw fault;
    },
  });
  assert.throws(() => store.announce(request, reply), fault);
  assert.equal(other.releaseOwnLocks(), 0, "another thread's");
  assert.equal(store.releaseOwnLocks(), 1);
  const good = new StoreDriver();
  setAsker(good.request, Uint8Array.of(10, 0, 0, 1), 1);
  for (const who of [store, other]) who.announce(good.request, good.reply);
  assert.equal(good.reply.ageMinutes, 0);
});

Deno.test("releaseLocksOf() releases what a dead thread held, and nobody else's", () => {
  const words = new Int32Array(createArena(16, new Int32Array(4)));
  for (const at of [POOL_LOCK, shardAt(0) + SHARD_LOCK, shardAt(255) + SHARD_LOCK]) lock(words, at, 3);
  lock(words, shardAt(7) + SHARD_LOCK, 4);
  assert.equal(releaseLocksOf(words, 3), 3);
  assert.equal(releaseLocksOf(words, 3), 0);
  assert.equal(words[shardAt(7) + SHARD_LOCK], 4);
});
