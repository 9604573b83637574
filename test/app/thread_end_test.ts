/** When a part's threads have come to their end: not before they have written their last. */
import assert from "node:assert/strict";
import { untilThreadsEnded } from "../../src/thread_end.ts";
import type { EndedThread } from "./ended_thread.ts";

/** Far more than any thread takes to end. */
const LONG_MS = 60_000;

/** Starts a thread and waits until it runs. */
async function startThread(does: EndedThread["does"], isInCell: boolean) {
  const threads = `ended ${crypto.randomUUID()}`, memory = new SharedArrayBuffer(8), words = new Int32Array(memory);
  const worker = new Worker(new URL("./ended_thread.ts", import.meta.url), { type: "module" });
  worker.postMessage({ threads, memory, does, isInCell } satisfies EndedThread);
  while (Atomics.load(words, 0) === 0) await nextTurn();
  return { threads, words, worker };
}

const nextTurn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("untilThreadsEnded() resolves when the last line has run, in a cell and outside", async () => {
  const rows = [["turns", false], ["turns", true], ["loop", true]] as const;
  for (const [does, isInCell] of rows) {
    const { threads, words, worker } = await startThread(does, isInCell);
    worker.terminate();
    await untilThreadsEnded(threads, LONG_MS);
    const counted = Atomics.load(words, 0);
    for (let i = 0; i < 20; i++) await nextTurn();
    assert.equal(Atomics.load(words, 0), counted, `${does}, ${isInCell ? "in a cell" : "outside"}`);
  }
});

Deno.test("untilThreadsEnded() gives up on a thread that does not end, and knows of none that is not there", async () => {
  await untilThreadsEnded(`nobody ${crypto.randomUUID()}`, LONG_MS);
  const { threads, words, worker } = await startThread("wait", false);
  let isGivenUp = false;
  const given = untilThreadsEnded(threads, 500).then(() => isGivenUp = true);
  for (let i = 0; i < 20; i++) await nextTurn();
  assert.equal(isGivenUp, false);
  await given;
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  worker.terminate();
  await untilThreadsEnded(threads, LONG_MS);
});
