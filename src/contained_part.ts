/** What the thread of a cell (cell.ts) runs: a part as any other, with a port for its channel. */
import { workerData } from "node:worker_threads";
import type { FromPart, ToPart } from "./messages.ts";
import { type CellStart, holdUntilEnd, setPartChannel } from "./part_channel.ts";
import { makeEndable } from "./plugin/endable.ts";

makeEndable();
const { port, endPort } = workerData as CellStart;
holdUntilEnd(endPort);
setPartChannel({
  set onmessage(hear: (event: MessageEvent<ToPart>) => void) {
    port.onmessage = hear;
  },
  postMessage: (message: FromPart) => port.postMessage(message),
  close: () => port.close(),
});
await import("./part.ts");
