/** The thread that fuzzes: each target first with a tenth of its inputs, then, once memory has settled, with the rest. */
import { readCorpus } from "../support/corpus.ts";
import { type Find, Fuzzer, type FuzzTarget } from "../support/fuzz.ts";
import { type FromFuzzThread, type FuzzResult, type Memory, SharedWatch, type ToFuzzThread } from "./fuzz_thread.ts";

/** Part of the inputs and of the time after which memory is looked at for the first time. */
const WARM_UP_SHARE = 0.1;

/** A target in the middle of its run. */
interface Running {
  readonly index: number;
  readonly target: FuzzTarget;
  readonly fuzzer: Fuzzer;
  find: Find | null;
  ms: number;
}

const thread = globalThis as unknown as {
  onmessage: (event: MessageEvent<ToFuzzThread>) => void;
  postMessage: (message: FromFuzzThread) => void;
};
// Only there when V8 was told so: deno run --v8-flags=--expose-gc
declare const gc: (() => void) | undefined;

async function main({ wish, watched }: ToFuzzThread): Promise<void> {
  const { TARGETS } = await import(wish.table) as { TARGETS: readonly FuzzTarget[] };
  const watch = new SharedWatch(watched),
    chosen = TARGETS.flatMap((target, index): Running[] => {
      if (wish.targets.length > 0 && !wish.targets.includes(target.name)) return [];
      const corpus = readCorpus(target.name).map(({ bytes }) => bytes);
      return [{ index, target, fuzzer: new Fuzzer(target, wish.seed, corpus, watch), find: null, ms: 0 }];
    });
  const inputs = Math.ceil(wish.inputs / chosen.length), ms = wish.seconds * 1000 / chosen.length;
  for (const running of chosen) await run(running, watch, Math.ceil(inputs * WARM_UP_SHARE), ms * WARM_UP_SHARE);
  const before = memory(), results: FuzzResult[] = [];
  for (const running of chosen) {
    const { target, fuzzer } = running, beforeOne = memory();
    // Its first inputs may have been held up, and have taken all of its time.
    const restMs = Math.max(ms / 2, ms - running.ms);
    if (running.find === null) await run(running, watch, inputs - fuzzer.tried, restMs);
    const afterOne = memory(), slowest = await fuzzer.slowest();
    results.push({
      target: target.name,
      inputs: fuzzer.tried,
      seconds: running.ms / 1000,
      outcomes: fuzzer.outcomes,
      slowestMs: slowest.ms,
      memory: beforeOne !== null && afterOne !== null ? [beforeOne, afterOne] : null,
      find: running.find,
    });
    thread.postMessage({ type: "result", result: results.at(-1)! });
  }
  const after = memory();
  thread.postMessage({
    type: "done",
    report: { results, memory: before !== null && after !== null ? [before, after] : null },
  });
}

async function run(running: Running, watch: SharedWatch, inputs: number, ms: number): Promise<void> {
  watch.target = running.index;
  const startMs = performance.now();
  running.find = await running.fuzzer.run(inputs, ms);
  running.ms += performance.now() - startMs;
}

function memory(): Memory | null {
  if (typeof gc !== "function") return null;
  gc();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return { resident: rss, heap: heapUsed + external };
}

thread.onmessage = ({ data }: MessageEvent<ToFuzzThread>) => {
  void main(data);
};
