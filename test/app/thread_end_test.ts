/** When a part's thread has come to its end: not before it has written its last. */
import assert from "node:assert/strict";
import { ThreadEnd } from "../../src/thread_end.ts";
import type { EndedThread } from "./ended_thread.ts";

/** Far more than any thread takes to end. */
const LONG_MS = 20_000;
const GIVE_UP_MS = 500;

/** Starts a thread and waits until it runs. */
async function startThread(does: EndedThread["does"], isInCell: boolean) {
  const end = new ThreadEnd(), memory = new SharedArrayBuffer(8), words = new Int32Array(memory);
  const worker = new Worker(new URL("./ended_thread.ts", import.meta.url), { type: "module" });
  worker.postMessage({ port: end.port, memory, does, isInCell } satisfies EndedThread, [end.port]);
  while (Atomics.load(words, 0) === 0) await nextTurn();
  return { end, words, worker };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

// Deno ends no thread that loops as a worker by itself.
const ROWS = [["turns", false], ["turns", true], ["loop", true], ["call", false], ["call", true]] as const;
for (const [does, isInCell] of ROWS) {
  Deno.test(`ThreadEnd.until() resolves when the last line has run: ${does}, ${isInCell ? "in a cell" : "outside"}`, async () => {
    const { end, words, worker } = await startThread(does, isInCell);
    worker.terminate();
    assert(await end.until(LONG_MS));
    const counted = Atomics.load(words, 0);
    for (let i = 0; i < 20; i++) await nextTurn();
    assert.equal(Atomics.load(words, 0), counted);
  });
}

Deno.test("ThreadEnd.until() gives up on a thread that does not end", async () => {
  const { end, words, worker } = await startThread("wait", false);
  worker.terminate();
  const startMs = performance.now();
  assert.equal(await end.until(GIVE_UP_MS), false);
  const ms = performance.now() - startMs;
  // Timers go by whole milliseconds.
  assert.ok(ms > GIVE_UP_MS - 2, `after ${ms} ms`);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
});
