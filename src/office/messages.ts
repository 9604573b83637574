/**
 * What a front and the office say to each other over a message port. The office answers with bytes ready for the
 * socket, one piece at a time: the next is made when the front asks, so that a slow reader holds up nobody.
 */

/** Requests of one front that the office may have; the next is refused at once. */
export const OFFICE_REQUESTS_MAX = 256;

/** Requests to be looked at that one front has handed over and the office has not taken; the next is left out. */
export const OFFICE_LOGS_MAX = 1024;

/** Most bytes of one piece of an answer that is made at once. */
export const OFFICE_PIECE_BYTES_MAX = 65536;

/**
 * Bytes gathered for a piece of an answer that is made as it is sent. A busy front takes a message some hundred times a
 * second: smaller pieces would be slow, larger ones wait in memory.
 */
export const STREAM_PIECE_BYTES = 1 << 20;

/** From a front to the office. */
export type ToOffice =
  | {
    readonly type: "request";
    /** The front's own number for it. */
    readonly id: number;
    /** Path and query as they came, one character a byte. */
    readonly target: string;
    /** Header lines as they came, one character a byte. */
    readonly headers: string;
    /** The client's address. */
    readonly address: string;
    readonly keepAlive: boolean;
    readonly oldVersion: boolean;
  }
  /** The last piece has been sent: the next, please. Its buffer comes back where it is worth it. */
  | { readonly type: "next"; readonly id: number; readonly spent: ArrayBuffer | null }
  /** The client has gone. Answered with an end, when the office has let go of the request. */
  | { readonly type: "abort"; readonly id: number }
  /** A request of a network that the operator wants to look at, one character a byte. Answered with an end. */
  | { readonly type: "log"; readonly id: number; readonly address: string; readonly text: string };

/** From the office to a front. */
export interface FromOffice {
  readonly id: number;
  /** Bytes for the socket. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** No more pieces follow. */
  readonly last: boolean;
  /** With the last piece: whether the connection stays open. */
  readonly keepAlive: boolean;
}
