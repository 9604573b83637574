/** A thread that counts in shared memory until it is ended, or holds one that does, as a cell does. */
import { Worker as NodeWorker, workerData } from "node:worker_threads";
import { makeEndable } from "../../src/plugin/endable.ts";
import { holdUntilEnd } from "../../src/part_channel.ts";

/** What it is told. Words: 0 counted up while it runs, 1 set when it may end its wait. */
export interface EndedThread {
  readonly port: MessagePort;
  readonly memory: SharedArrayBuffer;
  /**
   * turns: counts in turns of some milliseconds, as a front does. loop: for ever. call: counts once, makes a call that
   * nothing interrupts, and counts again. wait: counts once, and waits.
   */
  readonly does: "turns" | "loop" | "call" | "wait";
  readonly isInCell: boolean;
}

function run({ port, memory, does }: EndedThread): void {
  const words = new Int32Array(memory);
  holdUntilEnd(port);
  const turn = () => {
    do for (let i = 0; i < 100_000; i++) Atomics.add(words, 0, 1); while (does === "loop");
    setTimeout(turn);
  };
  if (does === "turns" || does === "loop") return void setTimeout(turn);
  // A quarter of a second of sorting, in little memory: other tests' plugins are judged by the growth of the process.
  const much = new Uint32Array(does === "call" ? 8_000_000 : 0);
  for (let i = 1; i < much.length; i++) much[i] = Math.imul(much[i - 1]!, 1664525) + 1013904223;
  Atomics.add(words, 0, 1);
  much.sort();
  if (does === "wait") Atomics.wait(words, 1, 0);
  Atomics.add(words, 0, 1);
}

if (workerData !== null && workerData !== undefined) {
  makeEndable();
  // A turn later: Deno ends it by the lock that it has asked for.
  setTimeout(() => run(workerData as EndedThread));
} else {
  addEventListener("message", (event) => {
    const { data } = event as MessageEvent<EndedThread>;
    if (!data.isInCell) return run(data);
    new NodeWorker(new URL(import.meta.url), { workerData: data, transferList: [data.port as never] });
  });
}
