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
  /** Held until the thread's end: thread_end.ts. */
  readonly endPort: MessagePort;
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

let endPort: MessagePort | undefined;

/** Holds `port` until the thread's end, which the supervisor knows by it: thread_end.ts. */
export function holdUntilEnd(port: MessagePort): void {
  endPort = port;
  // What has a handler is kept.
  endPort.onmessage = () => {};
}
