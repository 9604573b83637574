/** How a part talks with the supervisor: by the channel of its worker, or, inside a cell (src/cell.ts), by a port. */
import type { FromPart, ToPart } from "./messages.ts";

/** One end of the way. */
export interface PartChannel {
  onmessage: ((event: MessageEvent<ToPart>) => void) | null;
  postMessage(message: FromPart): void;
  /** Ends the part's thread. */
  close(): void;
}

/** What the thread of a cell is given. */
export interface CellStart {
  readonly port: MessagePort;
  /** Name of the part's threads: thread_end.ts. */
  readonly threads: string;
}

let channel: PartChannel | undefined;

/** Gives this thread's part a way of its own. To be called before the part is loaded. */
export function setPartChannel(own: PartChannel): void {
  channel = own;
}

/** The way of this thread's part. */
export function partChannel(): PartChannel {
  return channel ?? globalThis as unknown as PartChannel;
}
