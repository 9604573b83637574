/**
 * A cell: a thread inside a part's worker that holds what runs plugins of the folder. Only such a thread can be ended
 * while it loops, and has a limit of memory; its permissions are those of the worker (docs/adr/0008_plugin_threads.md).
 * It ends with the worker, and the worker with it.
 */
import { Worker as NodeWorker } from "node:worker_threads";
import type { CellStart } from "./part_channel.ts";

/** Memory of objects in a part that runs plugins; what is shared among the parts does not count. */
const HEAP_MIB_MAX = 512;

/** What the runtime calls a thread that reached its limit of memory. */
const OUT_OF_MEMORY = "ERR_WORKER_OUT_OF_MEMORY";

/** Starts a cell that is told over `port` what a part is told. `onEnd`: its memory is full, or it has ended itself. */
export function openCell(port: MessagePort, onEnd: (why: string) => void): void {
  const thread = new NodeWorker(new URL("./contained_part.ts", import.meta.url), {
    workerData: { port, threads: globalThis.name } satisfies CellStart,
    transferList: [port as never],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
  });
  thread.on("error", (error: Error & { readonly code?: string }) => {
    if (error.code === OUT_OF_MEMORY) return onEnd(`more than ${HEAP_MIB_MAX} MiB of memory`);
    // Thrown outside of any call, it ends this worker, and the supervisor hears of it as of any other part's.
    setTimeout(() => {
      throw error;
    });
  });
  thread.on("exit", () => onEnd("its thread ended by itself"));
}
