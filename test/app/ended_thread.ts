/** A thread that counts in shared memory until it is ended, or holds one that does, as a cell does. */
import { Worker as NodeWorker, workerData } from "node:worker_threads";
import { makeEndable } from "../../src/plugin/endable.ts";
import { joinThreads } from "../../src/thread_end.ts";

/** What it is told. Words: 0 counted up while it runs, 1 set when it may end its wait. */
export interface EndedThread {
  readonly threads: string;
  readonly memory: SharedArrayBuffer;
  /** turns: counts in turns of some milliseconds, as a front does. loop: for ever. wait: counts once, and waits. */
  readonly does: "turns" | "loop" | "wait";
  readonly isInCell: boolean;
}

function run({ threads, memory, does }: EndedThread): void {
  const words = new Int32Array(memory);
  joinThreads(threads);
  const turn = () => {
    do for (let i = 0; i < 100_000; i++) Atomics.add(words, 0, 1); while (does === "loop");
    setTimeout(turn);
  };
  if (does !== "wait") return void setTimeout(turn);
  Atomics.add(words, 0, 1);
  // Later, so that the lock is asked for before.
  setTimeout(() => Atomics.wait(words, 1, 0), 50);
}

if (workerData !== null && workerData !== undefined) {
  makeEndable();
  run(workerData as EndedThread);
} else {
  addEventListener("message", (event) => {
    const { data } = event as MessageEvent<EndedThread>;
    if (data.isInCell) new NodeWorker(new URL(import.meta.url), { workerData: data });
    else run(data);
  });
}
