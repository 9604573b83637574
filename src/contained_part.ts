/** What the thread of a cell (cell.ts) runs: a part as any other, with a port for its channel. */
import { workerData } from "node:worker_threads";
import type { FromPart, ToPart } from "./messages.ts";
import { type CellStart, setPartChannel } from "./part_channel.ts";
import { makeEndable } from "./plugin/endable.ts";
import { joinThreads } from "./thread_end.ts";

makeEndable();
const { port, threads } = workerData as CellStart;
joinThreads(threads);
setPartChannel({
  set onmessage(hear: (event: MessageEvent<ToPart>) => void) {
    port.onmessage = hear;
  },
  postMessage: (message: FromPart) => port.postMessage(message),
  close: () => port.close(),
});
await import("./part.ts");
