/** HTTP requests through the door: what is answered, what is counted, and what goes to the office. */
import assert from "node:assert/strict";
import { REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { COUNTER, HTTP_ERROR } from "../../src/stats/counters.ts";
import { HTTP_OFFICE, HTTP_REPLY, HTTP_WAIT } from "../../src/tracker/http_door.ts";
import { decodeBencode } from "../support/bencode.ts";
import { HttpCounter, newTracker } from "../support/tracker.ts";
import { latin1, latin1Text, readVector, readVectors } from "../support/vectors.ts";

const ALICE = "192.0.2.1", BOB = "192.0.2.2", CAROL6 = "2001:db8::3";

function request(name: string): Uint8Array {
  return readVector("http_requests.hex", name);
}

function get(target: string): Uint8Array {
  return latin1(`GET ${target} HTTP/1.1\r\n\r\n`);
}

/** The bencoded body of the reply to `bytes`. */
function answer(counter: HttpCounter, bytes: Uint8Array, address: string): Record<string, unknown> {
  const { action, reply } = counter.ask(bytes, address), text = latin1Text(reply);
  assert.equal(action, HTTP_REPLY);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
  return decodeBencode(latin1(text.slice(text.indexOf("\r\n\r\n") + 4))) as Record<string, unknown>;
}

/** Asserts the named counters. */
function assertCounts({ tracker }: HttpCounter, want: Partial<Record<keyof typeof COUNTER, number>>): void {
  const names = Object.keys(want) as (keyof typeof COUNTER)[];
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, tracker.counters[COUNTER[name]]])), want);
}

Deno.test("HttpDoor.answer() takes clients through announce and scrape, both families together", () => {
  const counter = new HttpCounter(newTracker()), hash = "info_hash=aaaaaaaaaaaaaaaaaaaa";
  const first = answer(counter, get(`/announce?${hash}&port=6881&left=5&event=started`), ALICE);
  const { interval, ...rest } = first;
  assert.ok(Number(interval) >= 1620 && Number(interval) < 1980);
  assert.deepEqual(rest, {
    complete: 0,
    downloaded: 0,
    "external ip": latin1Text(Uint8Array.of(192, 0, 2, 1)),
    incomplete: 1,
    "min interval": Number(interval) >> 1,
    peers: "",
  });
  const second = answer(counter, get(`/announce?${hash}&port=6882&left=0&event=completed`), CAROL6);
  assert.deepEqual([second["complete"], second["downloaded"], second["incomplete"]], [1, 1, 1]);
  assert.equal(second["peers"], "\xc0\0\x02\x01\x1a\xe1");
  const third = answer(counter, get(`/announce?${hash}&port=6883&left=5`), BOB);
  assert.equal(third["peers"], "\xc0\0\x02\x01\x1a\xe1");
  assert.equal(third["peers6"], `\x20\x01\x0d\xb8${"\0".repeat(11)}\x03\x1a\xe2`);
  const { files } = answer(counter, get(`/scrape?${hash}&info_hash=bbbbbbbbbbbbbbbbbbbb`), ALICE);
  assert.deepEqual(structuredClone(files), {
    aaaaaaaaaaaaaaaaaaaa: { complete: 1, downloaded: 1, incomplete: 2 },
    bbbbbbbbbbbbbbbbbbbb: { complete: 0, downloaded: 0, incomplete: 0 },
  });
  assertCounts(counter, { tcpAnnounces: 3, tcpScrapes: 1, completed: 1 });
});

Deno.test("HttpDoor.answer() gives dictionaries, fewer peers or none to who asks so", () => {
  const counter = new HttpCounter(newTracker()), hash = "info_hash=aaaaaaaaaaaaaaaaaaaa";
  for (let port = 1; port <= 60; port++) counter.ask(get(`/announce?${hash}&port=${port}`), ALICE);
  const peers = (rest: string) => answer(counter, get(`/announce?${hash}&port=9&${rest}`), BOB)["peers"] as string;
  const rows: [query: string, length: number][] = [
    ["", 300],
    ["numwant=0", 0],
    ["numwant=7", 42],
    ["numwant=-1", 300],
    ["numwant=1000", 360],
    ["event=stopped", 0],
    ["compact=0&numwant=3", 3],
    ["compact=0&no_peer_id=1&numwant=3", 3],
  ];
  for (const [query, length] of rows) assert.equal(peers(query).length, length, query);
  const [peer] = peers("compact=0&numwant=1") as unknown as { ip: string; port: number }[];
  assert.equal(peer?.ip, ALICE);
  assert.ok(peer.port >= 1 && peer.port <= 60);
});

Deno.test("HttpDoor.answer() refuses with a reason and status 200, and counts it", () => {
  const hash = "info_hash=aaaaaaaaaaaaaaaaaaaa";
  const rows: [target: string, want: string, error: number][] = [
    [
      "/announce",
      "Your client forgot to send your torrent's info_hash. Please upgrade your client.",
      HTTP_ERROR.parameter,
    ],
    ["/announce?info_hash=a&port=1", "info_hash must be 20 bytes, and given once", HTTP_ERROR.parameter],
    [`/announce?${hash}&port=65536`, "port must be 1 to 65535", HTTP_ERROR.parameter],
    [`/announce?${hash}&port=1&compact=x`, "compact must be a whole number", HTTP_ERROR.compact],
    ["/scrape?info_hash=%zz", "malformed percent encoding", HTTP_ERROR.parameter],
    [
      "/scrape?x=y",
      "Your client forgot to send your torrent's info_hash. Please upgrade your client.",
      HTTP_ERROR.parameter,
    ],
  ];
  for (const [target, want, error] of rows) {
    const counter = new HttpCounter(newTracker({ intervalSeconds: 600 }));
    assert.deepEqual({ ...answer(counter, get(target), ALICE) }, {
      "failure reason": want,
      interval: 600,
      "retry in": 10,
    }, target);
    const { counters, store } = counter.tracker;
    assert.equal(counters[COUNTER.httpErrors + error], 1, target);
    assert.equal(counters[COUNTER.refusals + REFUSAL_TEXTS.findIndex((text) => text === want)], 1, target);
    assert.equal(store.totals().torrents, 0, target);
    assert.equal(counter.door.http.keepAlive, true, "a refusal ends no connection");
  }
});

Deno.test("HttpDoor.answer() answers strangers with an error page and lets go of them", () => {
  const tooLong = latin1(`GET /announce?${"x".repeat(8192)} HTTP/1.1\r\n\r\n`);
  const tooMany = latin1(`GET /announce HTTP/1.1\r\n${"a: b\r\n".repeat(65)}\r\n`);
  const rows: [name: string, bytes: Uint8Array, want: string, error: number][] = [
    ["head", request("head"), "error 400", HTTP_ERROR.parse],
    ["TLS", request("TLS"), "error 400", HTTP_ERROR.parse],
    ["too long", tooLong, "error 500", HTTP_ERROR.internal],
    ["too many headers", tooMany, "error 500", HTTP_ERROR.internal],
  ];
  for (const [name, bytes, want, error] of rows) {
    const counter = new HttpCounter(newTracker()), { action, reply } = counter.ask(bytes, ALICE);
    assert.equal(action, HTTP_REPLY, name);
    assert.equal(latin1Text(reply), latin1Text(readVector("http_replies.hex", want)), name);
    assert.deepEqual([counter.door.http.end, counter.door.http.keepAlive], [bytes.length, false], name);
    assert.equal(counter.tracker.counters[COUNTER.httpErrors + error], 1, name);
  }
});

Deno.test("HttpDoor.answer() waits for the rest, and leaves the office what is the office's", () => {
  const counter = new HttpCounter(newTracker());
  for (const name of ["stats", "root", "root, shortest", "scrape, of all"]) {
    const bytes = request(name);
    assert.equal(counter.ask(bytes, ALICE).action, HTTP_OFFICE, name);
    assert.equal(counter.ask(bytes.subarray(0, -1), ALICE).action, HTTP_WAIT, name);
  }
  assertCounts(counter, { tcpAnnounces: 0, tcpScrapes: 0 });
});

Deno.test("HttpDoor.answer() takes pipelined requests in turn", () => {
  const names = ["announce, HTTP 1.1 kept", "stats", "scrape", "announce"], counter = new HttpCounter(newTracker());
  const bytes = latin1(names.map((name) => latin1Text(request(name))).join(""));
  let start = 0;
  const actions = names.map(() => {
    const { action } = counter.ask(bytes, ALICE, start);
    start = counter.door.http.end;
    return [action, counter.door.http.keepAlive];
  });
  assert.deepEqual(actions, [[HTTP_REPLY, true], [HTTP_OFFICE, true], [HTTP_REPLY, true], [HTTP_REPLY, false]]);
  assert.equal(start, bytes.length);
});

Deno.test("HttpDoor.answer() has an answer to every vector", () => {
  const counter = new HttpCounter(newTracker());
  for (const [name, bytes] of readVectors("http_requests.hex")) {
    assert.notEqual(counter.ask(bytes, ALICE).action, HTTP_WAIT, name);
  }
});
