/**
 * What a front and the office say to each other over a message port. The office answers with bytes ready for the
 * socket, one piece at a time: the next is made when the front asks, so that a slow reader holds up nobody.
 */

/** Requests of one front that may wait for the office; the next is refused at once. */
export const OFFICE_REQUESTS_MAX = 256;

/** Most bytes of one piece of an answer. */
export const OFFICE_PIECE_BYTES_MAX = 65536;

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
  /** The last piece has been sent: the next, please. */
  | { readonly type: "next"; readonly id: number }
  /** The client has gone. */
  | { readonly type: "abort"; readonly id: number };

/** From the office to a front. */
export interface FromOffice {
  readonly id: number;
  /** Bytes for the socket. */
  readonly bytes: Uint8Array;
  /** No more pieces follow. */
  readonly last: boolean;
  /** With the last piece: whether the connection stays open. */
  readonly keepAlive: boolean;
}
