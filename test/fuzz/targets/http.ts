/** HTTP requests: the decoder, the door, and the office behind it. */
import assert from "node:assert/strict";
import stats from "../../../plugins/stats_opentracker.ts";
import json from "../../../plugins/stats_json.ts";
import prometheus from "../../../plugins/stats_prometheus.ts";
import { NetworkSet } from "../../../src/access/networks.ts";
import { toPieces, toRequest } from "../../../src/office/envelope.ts";
import { createPages } from "../../../src/office/pages.ts";
import { PieceBuffers } from "../../../src/office/piece_buffers.ts";
import { openSettings } from "../../../src/plugin/settings.ts";
import { COUNTER, counterRow } from "../../../src/stats/counters.ts";
import { HTTP_OFFICE, HTTP_REPLY, HTTP_WAIT } from "../../../src/tracker/http_door.ts";
import {
  decodeHttpRequest,
  HTTP_INCOMPLETE,
  HTTP_INVALID,
  HTTP_OTHER,
  HTTP_REQUEST_BYTES_MAX,
  HTTP_TOO_LARGE,
  HttpRequest,
} from "../../../src/wire/http_request.ts";
import { decodeBencode } from "../../support/bencode.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { hashOf, OfficeMemory } from "../../support/office.ts";
import type { Random } from "../../support/random.ts";
import { HttpCounter } from "../../support/tracker.ts";
import { latin1, latin1Text, readVectors } from "../../support/vectors.ts";
import { AROUND, fuzzTracker, surrounded } from "./world.ts";

const BYTES_MAX = 10_000;
const ADDRESSES = ["192.0.2.1", "2001:db8::1"];
const seeds = () => readVectors("http_requests.hex").values();
const WORDS = [
  "GET /announce?",
  "GET /scrape?",
  "GET /stats?mode=",
  " HTTP/1.1\r\n",
  " HTTP/1.0\r\n",
  "\r\n\r\n",
  "\n\n",
  "Connection: close\r\n",
  "connection:keep-alive\r\n",
  "info_hash=aaaaaaaaaaaaaaaaaaaa",
  "&info_hash=",
  "%00%ff%20",
  "%",
  "&port=6881",
  "&left=0",
  "&compact=0",
  "&numwant=200",
  "&event=completed",
  "&event=stopped",
  "//",
  " ?",
  "\\",
];

/** Requests through the decoder, whole and in pieces. */
export const httpRequest: FuzzTarget = {
  name: "http_request",
  summary: "HTTP requests through the decoder, whole and in pieces",
  bytesMax: BYTES_MAX,
  words: WORDS,
  seeds,
  open: openHttpRequest,
};

const FRESH = { ...new HttpRequest() };

function openHttpRequest(): Check {
  const whole = new HttpRequest(), pieces = new HttpRequest(), moved = new HttpRequest();
  return (bytes, chance) => {
    for (const http of [whole, pieces, moved]) Object.assign(http, FRESH);
    const kind = decodeHttpRequest(bytes, 0, bytes.length, whole);
    assert.ok(kind >= HTTP_INCOMPLETE && kind <= HTTP_TOO_LARGE);
    if (kind === HTTP_INCOMPLETE) assert.ok(bytes.length < HTTP_REQUEST_BYTES_MAX);
    else if (kind !== HTTP_TOO_LARGE) checkPlaces(whole, bytes.length);
    const before = chance.below(8), elsewhere = surrounded(bytes, AROUND[chance.below(AROUND.length)]!, before);
    assert.equal(decodeHttpRequest(elsewhere, before, before + bytes.length, moved), kind, "bytes around are read");
    if (kind > HTTP_INCOMPLETE && kind < HTTP_INVALID) {
      assert.equal(`${placesOf(moved, before)}`, `${placesOf(whole, 0)}`, "bytes around are read");
    }
    checkPieces(bytes, chance, kind, whole, pieces);
    return `${kind} ${whole.keepAlive} ${whole.oldVersion} ${Math.min(20, whole.queryEnd - whole.queryStart)}`;
  };
}

function checkPlaces(http: HttpRequest, length: number): void {
  assert.ok(http.end > 0 && http.end <= Math.min(length, HTTP_REQUEST_BYTES_MAX));
  assert.ok(http.targetStart <= http.targetEnd && http.targetEnd <= http.end);
  assert.ok(http.queryStart <= http.queryEnd && http.queryEnd <= http.end);
  assert.ok(http.headersStart <= http.headersEnd && http.headersEnd <= http.end);
}

function placesOf(http: HttpRequest, from: number): (number | boolean)[] {
  const { end, keepAlive, oldVersion, queryStart, queryEnd, headersStart, headersEnd } = http;
  return [keepAlive, oldVersion, ...[end, queryStart, queryEnd, headersStart, headersEnd].map((at) => at - from)];
}

// The same, however the bytes are cut.
function checkPieces(bytes: Uint8Array, chance: Random, wanted: number, whole: HttpRequest, pieces: HttpRequest): void {
  let kind = HTTP_INCOMPLETE, end = 0;
  while (kind === HTTP_INCOMPLETE && end < bytes.length) {
    end = Math.min(bytes.length, end + 1 + chance.below(40 + bytes.length));
    kind = decodeHttpRequest(bytes, 0, end, pieces);
  }
  // What is too large in all may be seen to be so before its end has come; too many headers, when it has.
  if (kind === HTTP_TOO_LARGE) assert.equal(wanted, kind);
  else if (kind === HTTP_INCOMPLETE) assert.ok(wanted === kind || wanted === HTTP_TOO_LARGE);
  // What is no request may be told before all of it is there.
  else if (kind === HTTP_INVALID) assert.ok(wanted === kind || wanted === HTTP_TOO_LARGE);
  else assert.equal(`${kind} ${placesOf(pieces, 0)}`, `${wanted} ${placesOf(whole, 0)}`);
}

/** Requests through the door, one behind the other. */
export const httpDoor: FuzzTarget = {
  name: "http_door",
  summary: "HTTP requests through the door and the store, several on a connection",
  bytesMax: BYTES_MAX,
  words: WORDS,
  seeds,
  open: openHttpDoor,
};

function openHttpDoor(): Check {
  const counter = new HttpCounter(fuzzTracker()), { tracker } = counter;
  return (bytes, chance) => {
    const address = ADDRESSES[chance.below(2)]!;
    if (chance.oneIn(1000)) {
      tracker.clock.second += 60;
      tracker.store.sweep(chance.below(256), 64);
    }
    let outcome = "", at = 0, answers = 0;
    while (at < bytes.length) {
      const { action, reply } = counter.ask(bytes, address, at), { http } = counter.door;
      assert.ok([HTTP_WAIT, HTTP_REPLY, HTTP_OFFICE].includes(action));
      if (++answers <= 2) outcome += action === HTTP_REPLY ? replyKind(reply) : `o${action}`;
      if (action === HTTP_WAIT) break;
      assert.ok(http.end > at && http.end <= bytes.length);
      if (action === HTTP_REPLY) checkReply(reply, http.keepAlive);
      if (action === HTTP_REPLY && !http.keepAlive) break;
      at = http.end;
    }
    return outcome;
  };
}

// Status, and the key and the beginning of the value a body begins with.
function replyKind(reply: Uint8Array): string {
  const text = latin1Text(reply.subarray(0, 300)), bodyAt = text.indexOf("\r\n\r\n") + 4;
  return `${text.slice(9, 12)} ${text.slice(bodyAt, bodyAt + 40)} ${Math.min(10, reply.length >> 6)}`;
}

// Its length as it says, its body bencode, or an error that ends the connection.
function checkReply(reply: Uint8Array, keepAlive: boolean): void {
  const text = latin1Text(reply), bodyAt = text.indexOf("\r\n\r\n") + 4;
  assert.equal(Number(/Content-Length: (\d+)/.exec(text)![1]), text.length - bodyAt);
  if (text.startsWith("HTTP/1.1 200")) decodeBencode(latin1(text.slice(bodyAt)));
  else assert.equal(keepAlive, false);
}

/** Requests for pages, from the bytes on. */
export const office: FuzzTarget = {
  name: "office",
  summary: "requests for pages, through the decoder, the office's envelope and every page",
  bytesMax: BYTES_MAX,
  words: [
    ...WORDS,
    "GET /metrics",
    "GET /stats?mode=everything",
    "GET /stats?mode=tpbs&format=",
    "Accept-Encoding: gzip, zstd;q=0.5\r\n",
    "Host: x\r\n",
    "#",
    "@",
    "[::1]",
    "mode=json",
  ],
  seeds,
  open: openOffice,
};

function openOffice(): Check {
  const memory = new OfficeMemory(), counters = counterRow(memory.counters, 1), http = new HttpRequest();
  for (let i = 0; i < 5; i++) memory.announce({ infoHash: hashOf(i), address: "192.0.2.1", port: 6881 + i });
  const pages = createPages({ statsPath: "stats", redirectUrl: null }, {
    snapshot: () => memory.snapshot(),
    second: () => memory.second,
    counters,
    plugins: [stats, json, prometheus].map((plugin) => ({ plugin, context: { settings: openSettings({}) } })),
    statsNetworks: new NetworkSet([]),
    fullScrape: { isOn: true, seconds: 300, networks: new NetworkSet([]) },
  });
  // No body here is waited for: each is there at once, or says that it is a stream.
  const buffers = new PieceBuffers(),
    breathe = () => new Promise<void>(() => {}),
    rim = { buffers, breathe, gone: new AbortController().signal };
  return async (bytes) => {
    http.scanned = 0;
    memory.second += 1;
    const kind = decodeHttpRequest(bytes, 0, bytes.length, http);
    if (kind !== HTTP_OTHER) return kind;
    const target = latin1Text(bytes.subarray(http.targetStart, http.targetEnd));
    const headers = latin1Text(bytes.subarray(http.headersStart, http.headersEnd));
    const { keepAlive, oldVersion } = http, address = "192.0.2.1";
    const request = toRequest({ type: "request", id: 1, target, headers, address, keepAlive, oldVersion });
    assert.equal(new URL(request.url).host, "tracker", "a client names the host");
    const response = await pages.fetch(request, { address });
    let head = "", isLast = false;
    for await (const piece of toPieces(response, { keepAlive, oldVersion }, rim)) {
      assert.ok(!isLast, "a piece behind the last");
      isLast = piece.last;
      if (head === "") head = latin1Text(piece.bytes.subarray(0, 12));
      buffers.give(piece.bytes.buffer);
    }
    assert.match(head, /^HTTP\/1\.[01] [2-5]\d\d/);
    assert.ok(isLast, "an answer without an end");
    assert.equal(counters[COUNTER.faults], 0, "a page failed");
    return `${head} ${response.headers.get("content-type")} ${response.headers.get("content-encoding")}`;
  };
}
