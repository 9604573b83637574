/**
 * Hashes content on all cores: hands runs of pieces to workers and collects what they answer. Each worker may read the
 * content and nothing else.
 */
import type { HashReply } from "./hash_worker.ts";
import type { PieceHashes } from "./piece_hasher.ts";
import type { HashRun } from "./piece_plan.ts";

/** How to hash. */
export interface HashPoolOptions {
  /** Absolute path of the file or folder that holds all segments. */
  readonly rootPath: string;
  /** Workers, at least 1. Never more are started than there are runs. */
  readonly workers: number;
  /** Told after each run how many bytes it had. */
  readonly onHashed?: (bytes: number) => void;
  /** Aborting it ends the work; the answer is then "stopped". */
  readonly signal?: AbortSignal;
}

/** What became of the work. */
export type HashPoolOutcome =
  /** The hashes of each run, in the order of the plan. */
  | { readonly kind: "hashed"; readonly hashes: readonly PieceHashes[] }
  /** `reason` is the end of a sentence. */
  | { readonly kind: "unreadable"; readonly diskPath: string; readonly reason: string }
  | { readonly kind: "stopped" };

/** Runs that a worker has at a time: it goes on with the second while the answer to the first is handled. */
const RUNS_AHEAD = 2;

/** Hashes `runs`. Rejects when a worker breaks down, which is a fault of ours. All workers are gone afterwards. */
export async function hashRuns(runs: readonly HashRun[], options: HashPoolOptions): Promise<HashPoolOutcome> {
  if (options.signal?.aborted) return { kind: "stopped" };
  const workers: Worker[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const hashes = new Array<PieceHashes>(runs.length);
      let next = 0;
      let done = 0;
      const giveRun = (worker: Worker) => {
        if (next < runs.length) worker.postMessage(runs[next++]);
      };
      const onReply = (worker: Worker, reply: HashReply) => {
        if (reply.kind === "unreadable") return resolve(reply);
        hashes[reply.runNumber] = reply.hashes;
        options.onHashed?.(reply.bytes);
        if (++done === runs.length) return resolve({ kind: "hashed", hashes });
        giveRun(worker);
      };
      options.signal?.addEventListener("abort", () => resolve({ kind: "stopped" }), { once: true });
      for (let i = 0; i < Math.min(options.workers, runs.length); i++) {
        const worker = startWorker(options.rootPath);
        workers.push(worker);
        worker.onmessage = (event: MessageEvent<HashReply>) => onReply(worker, event.data);
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(`A hash worker broke down: ${event.message}`));
        };
      }
      for (let i = 0; i < RUNS_AHEAD; i++) workers.forEach(giveRun);
      if (runs.length === 0) resolve({ kind: "hashed", hashes });
    });
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

function startWorker(rootPath: string): Worker {
  return new Worker(new URL("./hash_worker.ts", import.meta.url), {
    type: "module",
    name: "hash",
    deno: { permissions: { read: [rootPath] } },
  });
}
