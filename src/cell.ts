/**
 * A cell: a thread inside a part's worker that holds what runs plugins of the folder. Only such a thread can be ended
 * while it loops, and has a limit of memory; its permissions are those of the worker (docs/adr/0008_plugin_threads.md).
 * It ends with the worker, and the worker with it.
 */
import { Worker as NodeWorker } from "node:worker_threads";
import type { CellStart } from "./part_channel.ts";
import { HEAP_MIB_MAX } from "./plugin/heap_limit.ts";

/** What the runtime calls a thread that reached its limit of memory. */
const OUT_OF_MEMORY = "ERR_WORKER_OUT_OF_MEMORY";

/**
 * Starts a cell that is told over `port` what a part is told, and holds `endPort` until its end. `onEnd`: its memory is
 * full, or it has ended itself.
 */
export function openCell(port: MessagePort, endPort: MessagePort, onEnd: (why: string) => void): void {
  const thread = new NodeWorker(new URL("./contained_part.ts", import.meta.url), {
    workerData: { port, endPort } satisfies CellStart,
    transferList: [port as never, endPort as never],
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
