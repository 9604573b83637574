/** HTTP requests found in a connection's bytes. */
import assert from "node:assert/strict";
import {
  decodeHttpRequest,
  HTTP_ANNOUNCE,
  HTTP_HEADERS_MAX,
  HTTP_INCOMPLETE,
  HTTP_INVALID,
  HTTP_OTHER,
  HTTP_REQUEST_BYTES_MAX,
  HTTP_SCRAPE,
  HTTP_TOO_LARGE,
  HttpRequest,
} from "../../src/wire/http_request.ts";
import { latin1, latin1Text, readVectors } from "../support/vectors.ts";

const VECTORS = readVectors("http_requests.hex");

/** What a request decodes to: its parts as text. */
function decode(bytes: Uint8Array, start = 0, end = bytes.length) {
  const request = new HttpRequest(), kind = decodeHttpRequest(bytes, start, end, request);
  const part = (from: number, to: number) => latin1Text(bytes.subarray(from, to));
  return {
    kind,
    end: request.end,
    target: part(request.targetStart, request.targetEnd),
    query: part(request.queryStart, request.queryEnd),
    headers: part(request.headersStart, request.headersEnd),
    keepAlive: request.keepAlive,
    oldVersion: request.oldVersion,
  };
}

Deno.test("decodeHttpRequest() tells what a request is for, and whether the connection stays", () => {
  const hash = "info_hash=aaaaaaaaaaaaaaaaaaaa", plain = `port=6881&${hash}`;
  const rows: [name: string, kind: number, query: string | undefined, stays: "close" | "1.0 kept" | "1.1 kept"][] = [
    ["announce", HTTP_ANNOUNCE, undefined, "close"],
    ["announce, LF LF", HTTP_ANNOUNCE, plain, "close"],
    ["announce, LF LF and headers", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, HTTP 1.0", HTTP_ANNOUNCE, plain, "close"],
    ["announce, HTTP 1.0 kept", HTTP_ANNOUNCE, plain, "1.0 kept"],
    ["announce, HTTP 1.1 kept", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, slashes before", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, space before the question mark", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, one letter", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, first letter encoded", HTTP_ANNOUNCE, plain, "1.1 kept"],
    ["announce, no query", HTTP_ANNOUNCE, "", "1.1 kept"],
    ["scrape", HTTP_SCRAPE, `${hash}&info_hash=%62bbbbbbbbbbbbbbbbbbb`, "1.1 kept"],
    ["scrape, space before the question mark", HTTP_SCRAPE, hash, "1.1 kept"],
    ["scrape, first letter encoded", HTTP_SCRAPE, hash, "1.1 kept"],
    ["scrape, second letter encoded", HTTP_SCRAPE, hash, "1.1 kept"],
    ["scrape, both letters encoded", HTTP_SCRAPE, hash, "1.1 kept"],
    ["other letters encoded", HTTP_OTHER, hash, "1.1 kept"],
    ["slash encoded", HTTP_OTHER, hash, "1.1 kept"],
    ["scrape, of all", HTTP_OTHER, "", "1.1 kept"],
    ["stats", HTTP_OTHER, "mode=everything", "1.1 kept"],
    ["root", HTTP_OTHER, "", "1.1 kept"],
    ["root, shortest", HTTP_OTHER, "", "close"],
    ["head", HTTP_INVALID, undefined, "close"],
    ["post", HTTP_INVALID, undefined, "close"],
    ["absolute", HTTP_INVALID, undefined, "close"],
    ["lower case method", HTTP_INVALID, undefined, "close"],
    ["TLS", HTTP_INVALID, undefined, "close"],
    ["TLS, with an empty line", HTTP_INVALID, undefined, "close"],
  ];
  for (const [name, kind, query, stays] of rows) {
    const got = decode(VECTORS.get(name)!);
    assert.equal(got.kind, kind, name);
    if (query !== undefined) assert.equal(got.query, query, name);
    assert.equal(got.keepAlive, stays !== "close", name);
    if (got.keepAlive) assert.equal(got.oldVersion, stays === "1.0 kept", name);
  }
});

Deno.test("decodeHttpRequest() finds the parts of a request", () => {
  const bytes = latin1("GET //stats/x?mode=peer HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\nGET");
  assert.deepEqual(decode(bytes), {
    kind: HTTP_OTHER,
    end: bytes.length - 3,
    target: "//stats/x?mode=peer",
    query: "mode=peer",
    headers: "Host: a\r\nX-Forwarded-For: 192.0.2.1\r\n",
    keepAlive: true,
    oldVersion: false,
  });
});

Deno.test("decodeHttpRequest() ends the query at the first byte that is none", () => {
  assert.equal(decode(VECTORS.get("announce, raw bytes")!).query, "info_hash=");
  assert.ok(decode(VECTORS.get("announce, high bytes")!).query.endsWith("\xef\xf0\xff\x7f!"));
});

Deno.test("decodeHttpRequest() obeys the Connection header", () => {
  const rows: [version: string, header: string, keepAlive: boolean][] = [
    ["1.1", "Connection: close", false],
    ["1.1", "connection:close", false],
    ["1.1", "CONNECTION:\t  Close", false],
    ["1.1", "Connection: keep-alive", true],
    ["1.1", "Connection: upgrade", true],
    ["1.1", "Connection : close", true],
    ["1.1", "Proxy-Connection: close", true],
    ["1.1", "X: Connection: close", true],
    ["1.0", "Connection: keep-alive", true],
    ["1.0", "Connection: Keep-Alive, Upgrade", true],
    ["1.0", "Connection: close", false],
    ["1.0", "Connection:", false],
    ["1.0", "Connectio: keep-alive", false],
  ];
  for (const [version, header, keepAlive] of rows) {
    const bytes = latin1(`GET / HTTP/${version}\r\nA: b\r\n${header}\r\nC: d\r\n\r\n`);
    assert.equal(decode(bytes).keepAlive, keepAlive, `${version} ${header}`);
  }
});

Deno.test("decodeHttpRequest() makes a request that tells of a body the last of its connection", () => {
  for (const header of ["Content-Length: 5", "content-length:0", "Transfer-Encoding: chunked"]) {
    for (const around of [[header, "A: b"], [header, "Connection: keep-alive"], ["Connection: keep-alive", header]]) {
      const bytes = latin1(`GET /announce?a=b HTTP/1.1\r\n${around.join("\r\n")}\r\n\r\nGET /stats HTTP/1.1\r\n\r\n`);
      assert.equal(decode(bytes).keepAlive, false, around.join("; "));
    }
  }
  for (const header of ["Content-Lengthy: 5", "X-Content-Length: 5", "Content-Type: x"]) {
    assert.equal(decode(latin1(`GET / HTTP/1.1\r\n${header}\r\n\r\n`)).keepAlive, true, header);
  }
});

/** Begin with what no method begins with, and are told by it: their end is not waited for. */
const NO_METHODS = ["lower case method", "TLS", "TLS, with an empty line"];

Deno.test("decodeHttpRequest() finds the end of a request split at every byte", () => {
  for (const [name, bytes] of VECTORS) {
    const whole = decode(bytes);
    for (let split = 0; split < bytes.length; split++) {
      const request = new HttpRequest(), first = decodeHttpRequest(bytes, 0, split, request);
      const isTold = split >= whole.end || split > 0 && NO_METHODS.includes(name);
      const want = isTold ? whole.kind : HTTP_INCOMPLETE;
      assert.equal(first, want, `${name}: first ${split} bytes`);
      if (first !== HTTP_INCOMPLETE) continue;
      assert.equal(decodeHttpRequest(bytes, 0, bytes.length, request), whole.kind, `${name}: the rest from ${split}`);
      assert.equal(request.end, whole.end, `${name}: the rest from ${split}`);
      assert.equal(request.scanned, 0);
    }
  }
});

Deno.test("decodeHttpRequest() finds the end of a request that comes one byte at a time", () => {
  for (const [name, bytes] of VECTORS) {
    const request = new HttpRequest(), whole = decode(bytes);
    let kind = HTTP_INCOMPLETE, end = 0;
    while (kind === HTTP_INCOMPLETE) kind = decodeHttpRequest(bytes, 0, ++end, request);
    assert.deepEqual([kind, end], [whole.kind, NO_METHODS.includes(name) ? 1 : whole.end], name);
  }
});

Deno.test("decodeHttpRequest() takes pipelined requests one after another", () => {
  const names = ["announce", "scrape", "announce, LF LF", "root, shortest", "stats", "announce, HTTP 1.0"];
  const bytes = latin1(names.map((name) => latin1Text(VECTORS.get(name)!)).join(""));
  const request = new HttpRequest();
  let start = 0;
  for (const name of names) {
    assert.equal(decodeHttpRequest(bytes, start, bytes.length, request), decode(VECTORS.get(name)!).kind, name);
    assert.equal(request.end - start, VECTORS.get(name)!.length, name);
    start = request.end;
  }
  assert.equal(start, bytes.length);
  assert.equal(decodeHttpRequest(bytes, start, bytes.length, request), HTTP_INCOMPLETE);
});

Deno.test("decodeHttpRequest() keeps to its limits", () => {
  const sized = (length: number, end = "\r\n\r\n") => {
    const head = "GET /stats?", tail = ` HTTP/1.1${end}`;
    return latin1(head + "x".repeat(length - head.length - tail.length) + tail);
  };
  const headers = (count: number, end: string) => latin1(`GET / HTTP/1.1${end}${`A: b${end}`.repeat(count)}${end}`);
  const rows: [name: string, bytes: Uint8Array, want: number][] = [
    ["the longest", sized(HTTP_REQUEST_BYTES_MAX), HTTP_OTHER],
    ["one byte too long", sized(HTTP_REQUEST_BYTES_MAX + 1), HTTP_TOO_LARGE],
    ["full and still without an end", sized(HTTP_REQUEST_BYTES_MAX, "xxxx"), HTTP_TOO_LARGE],
    ["one byte from full, without an end", sized(HTTP_REQUEST_BYTES_MAX - 1, "xxxx"), HTTP_INCOMPLETE],
    ["as many headers as allowed", headers(HTTP_HEADERS_MAX, "\r\n"), HTTP_OTHER],
    ["as many headers as allowed, LF", headers(HTTP_HEADERS_MAX, "\n"), HTTP_OTHER],
    ["one header too many", headers(HTTP_HEADERS_MAX + 1, "\r\n"), HTTP_TOO_LARGE],
    ["one header too many, LF", headers(HTTP_HEADERS_MAX + 1, "\n"), HTTP_TOO_LARGE],
  ];
  for (const [name, bytes, want] of rows) assert.equal(decode(bytes).kind, want, name);
});

Deno.test("decodeHttpRequest() counts the length of a request from where it starts", () => {
  const before = latin1("x".repeat(HTTP_REQUEST_BYTES_MAX)), request = VECTORS.get("announce, HTTP 1.1 kept")!;
  const bytes = new Uint8Array([...before, ...request]);
  assert.equal(decode(bytes, before.length).kind, HTTP_ANNOUNCE);
  assert.equal(decode(bytes, before.length, bytes.length - 1).kind, HTTP_INCOMPLETE);
});

Deno.test("decodeHttpRequest() reads nothing behind the end it is given", () => {
  const bytes = latin1("GET / HTTP/1.1\r\n\r\n");
  for (let end = 0; end < bytes.length; end++) assert.equal(decode(bytes, 0, end).kind, HTTP_INCOMPLETE, `${end}`);
});
