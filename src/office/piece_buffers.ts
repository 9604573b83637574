/**
 * Buffers of streamed pieces. They go to a front with the piece and come back when it is sent, so that a full scrape of
 * any length lives in two or three of them.
 *
 *   0 length of the chunk: 8 hex digits, CR LF   10 up to STREAM_PIECE_BYTES of data   then CR LF
 */
import { STREAM_PIECE_BYTES } from "./messages.ts";

const LENGTH_DIGITS = 8, CHUNK_HEAD_BYTES = LENGTH_DIGITS + 2, CHUNK_END_BYTES = 2;
/** Bytes of a buffer. */
const BUFFER_BYTES = CHUNK_HEAD_BYTES + STREAM_PIECE_BYTES + CHUNK_END_BYTES;
/** Buffers kept for the next piece: as many as two streams use. */
const SPARE_MAX = 4;
const CR = 0x0d, LF = 0x0a, HEX = new TextEncoder().encode("0123456789abcdef");

/** The office's buffers. */
export class PieceBuffers {
  readonly #spare: ArrayBuffer[] = [];

  /** A buffer to fill. */
  take(): PieceBuffer {
    return new PieceBuffer(this.#spare.pop() ?? new ArrayBuffer(BUFFER_BYTES));
  }

  /** Takes back what came from here; anything else is let go. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === BUFFER_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(buffer);
  }
}

/** One piece in the making. */
export class PieceBuffer {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #end = CHUNK_HEAD_BYTES;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
  }

  /** Bytes of data so far. */
  get length(): number {
    return this.#end - CHUNK_HEAD_BYTES;
  }

  /** Takes as much of `bytes` from `at` as there is room for. Returns how much. */
  fill(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + STREAM_PIECE_BYTES - this.length);
    this.#bytes.set(part, this.#end);
    this.#end += part.length;
    return part.length;
  }

  /** The data, as a chunk of RFC 9112 §7.1 or as it is. */
  finish(isChunk: boolean): Uint8Array<ArrayBuffer> {
    if (!isChunk) return this.#bytes.subarray(CHUNK_HEAD_BYTES, this.#end);
    const bytes = this.#bytes;
    for (let digit = 0, rest = this.length; digit < LENGTH_DIGITS; digit++, rest >>>= 4) {
      bytes[LENGTH_DIGITS - 1 - digit] = HEX[rest & 15]!;
    }
    bytes[LENGTH_DIGITS] = CR;
    bytes[LENGTH_DIGITS + 1] = LF;
    bytes[this.#end] = CR;
    bytes[this.#end + 1] = LF;
    return bytes.subarray(0, this.#end + CHUNK_END_BYTES);
  }
}
