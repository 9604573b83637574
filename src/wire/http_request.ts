/**
 * Finds one HTTP request in a connection's bytes and says what it is for. Reads the request line, and of the headers
 * only those that change what happens next. Lines end in CR LF or LF. Pure and total; nothing is allocated.
 * Source: RFC 9112; path rules and `\n\n`: opentracker.
 */

/** Longest request, headers included, as in opentracker. */
export const HTTP_REQUEST_BYTES_MAX = 8192;
/** Most header lines: above what any proxy adds, below what costs time. */
export const HTTP_HEADERS_MAX = 64;

/** Not all there yet. */
export const HTTP_INCOMPLETE = 0;
/** An announce: its query is in the request. */
export const HTTP_ANNOUNCE = 1;
/** A scrape with a query. */
export const HTTP_SCRAPE = 2;
/** For the office: everything else that is a GET. */
export const HTTP_OTHER = 3;
/** Not a request of ours: answered with an error, then closed. Told by its first byte where no method has it. */
export const HTTP_INVALID = 4;
/** Too long or too many headers: answered with an error, then closed. */
export const HTTP_TOO_LARGE = 5;

const LF = 0x0a, CR = 0x0d, SPACE = 0x20, TAB = 0x09, SLASH = 0x2f, QUESTION = 0x3f, COLON = 0x3a, PERCENT = 0x25;
const UPPER_A = 0x41, UPPER_Z = 0x5a, LETTER_A = 0x61, LETTER_C = 0x63, LETTER_S = 0x73, LETTER_T = 0x74;

/** Where the parts of the request at hand lie in the connection's bytes; registers of one door. */
export class HttpRequest {
  /** First byte after the request: where a pipelined one begins. */
  end = 0;
  /** The path and query as they stand. */
  targetStart = 0;
  targetEnd = 0;
  /** The query without its question mark; empty when there is none. */
  queryStart = 0;
  queryEnd = 0;
  /** Header lines, without the empty one. */
  headersStart = 0;
  headersEnd = 0;
  /** Whether the connection stays open after the reply. */
  keepAlive = false;
  /** A header tells of a body, which is not read. */
  hasBody = false;
  /** HTTP/1.0 or no version: a kept connection has to be announced to it. */
  oldVersion = false;
  /** Where the search for the end goes on when more bytes have come; 0 for a fresh request. */
  scanned = 0;
}

/**
 * Looks at the bytes from `start` to `end`. `request.scanned` must be what the last call for the same incomplete request
 * left, or 0. Returns one of the HTTP_ constants. A request that is there whole is walked once.
 */
export function decodeHttpRequest(bytes: Uint8Array, start: number, end: number, request: HttpRequest): number {
  // One that comes in pieces is not read again and again: only its new bytes, until its end is among them.
  const kind = request.scanned !== 0 && findEnd(bytes, start, end, request) < 0
    ? HTTP_INCOMPLETE
    : decodeHead(bytes, start, end, request);
  if (kind === HTTP_INCOMPLETE) {
    request.scanned = end;
    return end - start >= HTTP_REQUEST_BYTES_MAX ? HTTP_TOO_LARGE : HTTP_INCOMPLETE;
  }
  request.scanned = 0;
  return request.end - start > HTTP_REQUEST_BYTES_MAX ? HTTP_TOO_LARGE : kind;
}

function decodeHead(bytes: Uint8Array, start: number, end: number, request: HttpRequest): number {
  request.keepAlive = false;
  request.oldVersion = true;
  if (startsWith(GET, bytes, start, end)) return decodeTarget(bytes, start + GET.length, end, request);
  // TLS sent to the plain port, or anything else that no method begins with, need not have an end.
  if (start < end && !isUpperCase(bytes[start])) {
    request.end = end;
    return HTTP_INVALID;
  }
  request.end = findEnd(bytes, start, end, request);
  return request.end < 0 ? HTTP_INCOMPLETE : HTTP_INVALID;
}

function isUpperCase(byte: number): boolean {
  return byte >= UPPER_A && byte <= UPPER_Z;
}

// First byte after the empty line, or -1.
function findEnd(bytes: Uint8Array, start: number, end: number, request: HttpRequest): number {
  for (let at = Math.max(start, request.scanned - 3); at < end; at++) {
    if (bytes[at] !== LF) continue;
    if (at + 1 < end && bytes[at + 1] === LF) return at + 2;
    if (at + 2 < end && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

const encoder = new TextEncoder();
const GET = encoder.encode("GET /");
/** The beginnings that tell what a path is for, with letters percent-encoded. Their digits have no case. */
const ENCODED_ANNOUNCE = encoder.encode("%61");
const ENCODED_SCRAPES = ["%73c", "s%63", "%73%63"].map((letters) => encoder.encode(letters));
const VERSION_11 = encoder.encode("HTTP/1.1");
const CONNECTION = encoder.encode("connection");
const CONTENT_LENGTH = encoder.encode("content-length"), TRANSFER_ENCODING = encoder.encode("transfer-encoding");
const CLOSE = encoder.encode("close"), KEEP_ALIVE = encoder.encode("keep-alive");

function startsWith(text: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

// `at`: the byte after the first slash of the path.
function decodeTarget(bytes: Uint8Array, at: number, end: number, request: HttpRequest): number {
  request.targetStart = at - 1;
  while (at < end && bytes[at] === SLASH) at++;
  const kind = kindOfPath(bytes, at, end);
  let path = at;
  while (path < end && bytes[path] > SPACE && bytes[path] !== QUESTION) path++;
  // Some clients write a space before the question mark; opentracker lets announces and scrapes pass with it.
  if (kind !== HTTP_OTHER) path = skipSpaceBeforeQuery(bytes, path, end);
  const hasQuery = path < end && bytes[path] === QUESTION;
  let query = hasQuery ? path + 1 : path;
  request.queryStart = query;
  while (query < end && bytes[query] > SPACE) query++;
  request.queryEnd = request.targetEnd = query;
  const headers = decodeHeaders(bytes, query, end, request);
  if (headers !== HTTP_OTHER) return headers;
  return kind === HTTP_SCRAPE && !hasQuery ? HTTP_OTHER : kind;
}

// The path at `at` is an announce's, a scrape's or another's; an encoded letter is looked for where no plain one is.
function kindOfPath(bytes: Uint8Array, at: number, end: number): number {
  const first = at < end ? bytes[at] : 0;
  if (first === LETTER_A) return HTTP_ANNOUNCE;
  if (first === LETTER_S && at + 1 < end && bytes[at + 1] === LETTER_C) return HTTP_SCRAPE;
  return first === PERCENT || first === LETTER_S ? kindOfEncodedPath(bytes, at, end) : HTTP_OTHER;
}

function kindOfEncodedPath(bytes: Uint8Array, at: number, end: number): number {
  if (startsWith(ENCODED_ANNOUNCE, bytes, at, end)) return HTTP_ANNOUNCE;
  for (let i = 0; i < ENCODED_SCRAPES.length; i++) {
    if (startsWith(ENCODED_SCRAPES[i], bytes, at, end)) return HTTP_SCRAPE;
  }
  return HTTP_OTHER;
}

function skipSpaceBeforeQuery(bytes: Uint8Array, at: number, end: number): number {
  let query = at;
  while (query < end && bytes[query] === SPACE) query++;
  return query < end && bytes[query] === QUESTION ? query : at;
}

// Version and header lines from `at`. HTTP_OTHER when all is well, HTTP_INCOMPLETE or HTTP_TOO_LARGE.
function decodeHeaders(bytes: Uint8Array, at: number, end: number, request: HttpRequest): number {
  while (at < end && bytes[at] === SPACE) at++;
  request.oldVersion = !startsWith(VERSION_11, bytes, at, end);
  request.keepAlive = !request.oldVersion;
  while (at < end && bytes[at] !== LF) at++;
  request.headersStart = at + 1;
  request.hasBody = false;
  for (let lines = 0;; lines++) {
    // `at` is the end of a line: the next one is empty, is a header, or has not come yet.
    const line = at + 1;
    if (line >= end) return HTTP_INCOMPLETE;
    const blank = bytes[line] === CR ? line + 1 : line;
    if (blank >= end) return HTTP_INCOMPLETE;
    if (bytes[blank] === LF) {
      request.headersEnd = line;
      request.end = blank + 1;
      // A body is not read: it would be taken for a request of its own, which a trusted proxy has not looked at.
      if (request.hasBody) request.keepAlive = false;
      return HTTP_OTHER;
    }
    at = line;
    while (at < end && bytes[at] !== LF) at++;
    if (at === end) return HTTP_INCOMPLETE;
    if (lines === HTTP_HEADERS_MAX) {
      request.end = end;
      return HTTP_TOO_LARGE;
    }
    const first = bytes[line] | 0x20;
    if (first === LETTER_C || first === LETTER_T) takeHeader(bytes, line, at, request);
  }
}

function takeHeader(bytes: Uint8Array, line: number, end: number, request: HttpRequest): void {
  if (bytes[line + CONNECTION.length] === COLON && isName(CONNECTION, bytes, line)) {
    if (hasToken(CLOSE, bytes, line + CONNECTION.length + 1, end)) request.keepAlive = false;
    else if (hasToken(KEEP_ALIVE, bytes, line + CONNECTION.length + 1, end)) request.keepAlive = true;
  }
  if (tellsOfBody(bytes, line)) request.hasBody = true;
}

// RFC 9112 section 6.3. Other ways of writing these names are no headers (section 5.1), and proxies pass none on.
function tellsOfBody(bytes: Uint8Array, line: number): boolean {
  return bytes[line + CONTENT_LENGTH.length] === COLON && isName(CONTENT_LENGTH, bytes, line) ||
    bytes[line + TRANSFER_ENCODING.length] === COLON && isName(TRANSFER_ENCODING, bytes, line);
}

// Whether the bytes at `at` are `name` in any case (`name` is in lower case).
function isName(name: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < name.length; i++) if ((bytes[at + i] | 0x20) !== name[i]) return false;
  return true;
}

// Whether a header value begins with `token`. A list ("keep-alive, Upgrade") is told by its first word.
function hasToken(token: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
  return end - at >= token.length && isName(token, bytes, at);
}
