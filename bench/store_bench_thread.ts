/** One of several threads that announce to the same store. Started by store_bench.ts, which it answers by messages. */
/// <reference lib="deno.worker" />
import { StoreLoad, type StoreRun, type StoreScene } from "./store_load.ts";

/** To the thread: first what it works on, then for each run how long. */
export type StoreOrder =
  | {
    readonly kind: "prepare";
    readonly arena: SharedArrayBuffer;
    readonly owner: number;
    readonly scene: StoreScene;
    readonly warmUpSeconds: number;
  }
  | { readonly kind: "run"; readonly seconds: number };

/** From the thread: that it is ready, and what a run came to. */
export type StoreAnswer = { readonly kind: "ready" } | { readonly kind: "ran"; readonly run: StoreRun };

let load: StoreLoad | undefined;

self.onmessage = ({ data }: MessageEvent<StoreOrder>) => {
  if (data.kind === "prepare") {
    load = new StoreLoad(data.arena, data.owner, data.scene);
    load.run(data.warmUpSeconds);
    answer({ kind: "ready" });
  } else if (load !== undefined) {
    answer({ kind: "ran", run: load.run(data.seconds) });
  }
};

function answer(message: StoreAnswer): void {
  self.postMessage(message);
}
