/**
 * Between the bytes of HTTP and the web's Request and Response: opentracker's envelopes, to the letter where it has one.
 * Bodies of known length get a Content-Length; others are chunked, or end with the connection for HTTP/1.0.
 */
import { OFFICE_PIECE_BYTES_MAX, STREAM_PIECE_BYTES, type ToOffice } from "./messages.ts";
import type { PieceBuffers } from "./piece_buffers.ts";

const encoder = new TextEncoder();
const CHUNKS_END = "0\r\n\r\n";

/** The status lines opentracker knows; others are written as RFC 9110 has them. */
const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: "OK",
  302: "Found",
  400: "Invalid Request",
  402: "Payment Required",
  403: "Access Denied",
  404: "Not Found",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** What a Response of text gets where nobody says a type. */
const UNASKED_TYPE = "text/plain;charset=UTF-8";

/** Headers we make ourselves, or that no client needs. */
const OWN_HEADERS = new Set(["content-type", "content-length", "transfer-encoding", "connection"]);

const ORIGIN = "http://tracker";

/** The Request a front's message describes. A path that a URL changes, such as `/x/../stats`, becomes that of no page. */
export function toRequest(message: ToOffice & { type: "request" }): Request {
  const headers = new Headers();
  for (const line of message.headers.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    try {
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    } catch {
      // A header that is none is none of ours.
    }
  }
  // A leading `//` would name a host.
  const target = message.target.replace(/^\/+/, "/"),
    [path = ""] = target.split("?", 1),
    url = new URL(ORIGIN + target);
  // Paths are compared as they stand, as in opentracker. A URL resolves dots, takes `\\` for a slash and ends at `#`.
  if (url.pathname !== path) url.pathname = encodeURIComponent(path);
  return new Request(url, { headers });
}

/** One piece of an answer. */
export interface Piece {
  /** A buffer of its own, to be given away. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
  readonly keepAlive: boolean;
}

/** What answers are made with. */
export interface PiecesRim {
  readonly buffers: PieceBuffers;
  /** Lets messages that have come be handled. */
  readonly breathe: () => Promise<void>;
  /** The client has gone: a body that is waited for is given up. */
  readonly gone: AbortSignal;
}

/** How a request was made, as far as its answer goes by that. */
interface Manner {
  readonly keepAlive: boolean;
  readonly oldVersion: boolean;
}

type Read = ReadableStreamReadResult<Uint8Array>;

/** The bytes of a response, piece by piece; each is made when it is asked for. */
export async function* toPieces(response: Response, manner: Manner, rim: PiecesRim): AsyncGenerator<Piece> {
  const { body, headers } = response;
  if (body === null || headers.has("content-length")) {
    yield* toWholePieces(response, new Uint8Array(await response.arrayBuffer()), manner);
    return;
  }
  const reader = body.getReader(), giveUp = () => void reader.cancel().catch(() => {});
  rim.gone.addEventListener("abort", giveUp);
  try {
    const reads = headers.has("transfer-encoding") ? [] : [reader.read(), reader.read()];
    const whole = reads.length === 0 ? null : await wholeOf(reads, rim.breathe);
    if (whole !== null) yield* toWholePieces(response, whole, manner);
    else yield* toStreamPieces(response, readOn(reads, reader), manner, rim.buffers);
  } finally {
    rim.gone.removeEventListener("abort", giveUp);
    // A client that goes would leave the stream open.
    await reader.cancel();
  }
}

// A body of text or bytes cannot be told from a stream, but is there at once, in one part. What is not, and may never
// end, is null.
async function wholeOf(reads: readonly Promise<Read>[], breathe: () => Promise<void>): Promise<Uint8Array | null> {
  const [first, second] = await Promise.race([Promise.all(reads), breathe().then((): Read[] => [])]);
  if (first === undefined) return null;
  if (first.done) return new Uint8Array(0);
  return second!.done && first.value instanceof Uint8Array ? first.value : null;
}

async function* readOn(
  reads: readonly Promise<Read>[],
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let i = 0;; i++) {
    const { value, done } = await (reads[i] ?? reader.read());
    if (done) return;
    yield value;
  }
}

function toWholePieces(response: Response, body: Uint8Array, manner: Manner): Generator<Piece> {
  // Errors are HTTP/1.0 in opentracker, and so the connection ends.
  const keepAlive = manner.keepAlive && response.status === 200;
  return slices(concatenate(head(response, body.length, keepAlive, manner.oldVersion), body), keepAlive);
}

async function* toStreamPieces(
  response: Response,
  body: AsyncIterable<Uint8Array>,
  { keepAlive: isKept, oldVersion }: Manner,
  buffers: PieceBuffers,
): AsyncGenerator<Piece> {
  // HTTP/1.0, as which errors go out, has no chunks.
  const chunked = !oldVersion && response.status < 300, keepAlive = isKept && chunked;
  yield { bytes: head(response, chunked ? "chunked" : "close", keepAlive, oldVersion), last: false, keepAlive };
  let piece = buffers.take();
  for await (const bytes of body) {
    for (let at = 0; at < bytes.length;) {
      at += piece.fill(bytes, at);
      if (piece.length < STREAM_PIECE_BYTES) continue;
      yield { bytes: piece.finish(chunked), last: false, keepAlive };
      piece = buffers.take();
    }
  }
  if (piece.length > 0) yield { bytes: piece.finish(chunked), last: false, keepAlive };
  yield { bytes: encoder.encode(chunked ? CHUNKS_END : ""), last: true, keepAlive };
}

function* slices(bytes: Uint8Array<ArrayBuffer>, keepAlive: boolean): Generator<Piece> {
  let at = 0;
  do {
    const end = at + OFFICE_PIECE_BYTES_MAX;
    yield { bytes: bytes.slice(at, end), last: end >= bytes.length, keepAlive };
    at = end;
  } while (at < bytes.length);
}

function head(
  response: Response,
  length: number | "chunked" | "close",
  keepAlive: boolean,
  old: boolean,
): Uint8Array<ArrayBuffer> {
  const isError = response.status >= 300, type = response.headers.get("content-type");
  const text = STATUS_TEXTS[response.status] ?? response.statusText;
  let lines = `HTTP/${isError ? "1.0" : "1.1"} ${response.status} ${text}\r\n`;
  if (type !== null && response.status !== 302) {
    lines += `Content-Type: ${type === UNASKED_TYPE ? "text/plain" : type}\r\n`;
  }
  if (typeof length === "number") lines += `Content-Length: ${length}\r\n`;
  for (const [name, value] of response.headers) {
    if (!OWN_HEADERS.has(name)) lines += `${name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())}: ${value}\r\n`;
  }
  if (length === "chunked") lines += "Transfer-Encoding: chunked\r\n";
  if (!keepAlive && !isError) lines += "Connection: close\r\n";
  if (keepAlive && old) lines += "Connection: keep-alive\r\n";
  return encoder.encode(lines + "\r\n");
}

function concatenate(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
