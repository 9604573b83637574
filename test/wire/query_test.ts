/** Announce and scrape parameters out of query strings. */
import assert from "node:assert/strict";
import {
  AnnounceRequest,
  EVENT_COMPLETED,
  EVENT_NONE,
  EVENT_PAUSED,
  EVENT_STARTED,
  EVENT_STOPPED,
} from "../../src/bittorrent/announce.ts";
import {
  COMPACT_BAD,
  INFO_HASH_BAD,
  INFO_HASH_MISSING,
  LEFT_BAD,
  NOT_REFUSED,
  NUMWANT_BAD,
  PEER_ID_BAD,
  PERCENT_BAD,
  PORT_BAD,
} from "../../src/bittorrent/refusal.ts";
import { ScrapeRequest } from "../../src/bittorrent/scrape.ts";
import { decodeAnnounceQuery, decodeScrapeQuery, HTTP_SCRAPE_HASHES_MAX } from "../../src/wire/query.ts";
import { latin1, latin1Text } from "../support/vectors.ts";

const HASH = "info_hash=aaaaaaaaaaaaaaaaaaaa";

/** Decodes a query that has other bytes before and behind it. */
function decode(query: string) {
  const before = "GET /announce?", bytes = latin1(`${before}${query}&left=x HTTP/1.1`);
  const request = new AnnounceRequest();
  const refusal = decodeAnnounceQuery(bytes, before.length, before.length + query.length, request);
  const port = (request.portWord & 0xff) << 8 | request.portWord >> 8;
  return { refusal, port, request, extra: latin1Text(bytes.subarray(request.extraStart, request.extraEnd)) };
}

Deno.test("decodeAnnounceQuery() takes 20 bytes of info hash in any spelling", () => {
  const rows: [name: string, value: string, want: string][] = [
    ["letters", "abcdefghijklmnopqrst", "abcdefghijklmnopqrst"],
    ["raw bytes", "\x80\xff\x7f!\"#$'()*+,-./:;<=", "\x80\xff\x7f!\"#$'()*+,-./:;<="],
    ["all escaped, upper case", "%00%01%02%03%04%05%06%07%08%09%0A%0B%0C%0D%0E%0F%10%AB%CD%EF", ""],
    ["all escaped, lower case", "%00%01%02%03%04%05%06%07%08%09%0a%0b%0c%0d%0e%0f%10%ab%cd%ef", ""],
    ["some escaped", "%61bcdefghijklmnopqr%73t", "abcdefghijklmnopqrst"],
    ["escaped separators", "%26%3D%25%20%2Baaaaaaaaaaaaaaa", "&=% +aaaaaaaaaaaaaaa"],
    ["a plus is a plus", "++++++++++++++++++++", "++++++++++++++++++++"],
    ["equal signs", "====================", "===================="],
  ];
  const escaped = latin1Text(Uint8Array.from([...Array(17).keys(), 0xab, 0xcd, 0xef]));
  for (const [name, value, want] of rows) {
    const { refusal, request } = decode(`port=1&info_hash=${value}`);
    assert.equal(refusal, NOT_REFUSED, name);
    assert.equal(latin1Text(request.infoHashBytes), want || escaped, name);
  }
});

Deno.test("decodeAnnounceQuery() refuses what it cannot use", () => {
  const rows: [name: string, query: string, want: number][] = [
    ["nothing", "", INFO_HASH_MISSING],
    ["separators only", "&&==&=&", INFO_HASH_MISSING],
    ["no info hash", "port=6881", INFO_HASH_MISSING],
    ["no info hash, another name of that length", "info_hasg=aaaaaaaaaaaaaaaaaaaa&port=1", INFO_HASH_MISSING],
    ["name in upper case", "INFO_HASH=aaaaaaaaaaaaaaaaaaaa&port=1", INFO_HASH_MISSING],
    ["info hash without a value", "info_hash&port=1", INFO_HASH_MISSING],
    ["info hash empty", "info_hash=&port=1", INFO_HASH_BAD],
    ["info hash of 19", "info_hash=aaaaaaaaaaaaaaaaaaa&port=1", INFO_HASH_BAD],
    ["info hash of 21", "info_hash=aaaaaaaaaaaaaaaaaaaaa&port=1", INFO_HASH_BAD],
    ["info hash in hex", `info_hash=${"ab".repeat(20)}&port=1`, INFO_HASH_BAD],
    ["info hash twice", `${HASH}&port=1&${HASH}`, INFO_HASH_BAD],
    ["percent at the end", "port=1&info_hash=aaaaaaaaaaaaaaaaaaa%", PERCENT_BAD],
    ["percent and one digit at the end", "port=1&info_hash=aaaaaaaaaaaaaaaaaaa%a", PERCENT_BAD],
    ["percent before the separator", "info_hash=aaaaaaaaaaaaaaaaaaa%1&port=1", PERCENT_BAD],
    ["percent and no digits", "port=1&info_hash=aaaaaaaaaaaaaaaaaaa%gg", PERCENT_BAD],
    ["percent, second digit bad", "port=1&info_hash=aaaaaaaaaaaaaaaaaaa%1\xff", PERCENT_BAD],
    ["no port", HASH, PORT_BAD],
    ["port empty", `${HASH}&port=`, PORT_BAD],
    ["port without a value", `${HASH}&port`, PORT_BAD],
    ["port -1", `${HASH}&port=-1`, PORT_BAD],
    ["port 65536", `${HASH}&port=65536`, PORT_BAD],
    ["port of 300 digits", `${HASH}&port=${"1".repeat(300)}`, PORT_BAD],
    ["port 2^32 + 1", `${HASH}&port=4294967297`, PORT_BAD],
    ["port of letters", `${HASH}&port=http`, PORT_BAD],
    ["port with a space", `${HASH}&port=%201`, PORT_BAD],
    ["port with a plus", `${HASH}&port=+1`, PORT_BAD],
    ["left a minus", `${HASH}&port=1&left=-`, LEFT_BAD],
    ["left of letters", `${HASH}&port=1&left=all`, LEFT_BAD],
    ["left a fraction", `${HASH}&port=1&left=1.5`, LEFT_BAD],
    ["left with a letter at the end", `${HASH}&port=1&left=0x`, LEFT_BAD],
    ["numwant of letters", `${HASH}&port=1&numwant=many`, NUMWANT_BAD],
    ["compact of letters", `${HASH}&port=1&compact=yes`, COMPACT_BAD],
    ["peer id of 19", `${HASH}&port=1&peer_id=aaaaaaaaaaaaaaaaaaa`, PEER_ID_BAD],
    ["peer id of 21", `${HASH}&port=1&peer_id=aaaaaaaaaaaaaaaaaaaaa`, PEER_ID_BAD],
    ["peer id empty", `${HASH}&port=1&peer_id=`, PEER_ID_BAD],
    ["peer id, bad percent", `${HASH}&port=1&peer_id=aaaaaaaaaaaaaaaaaaa%zz`, PERCENT_BAD],
  ];
  for (const [name, query, want] of rows) assert.equal(decode(query).refusal, want, name);
});

Deno.test("decodeAnnounceQuery() puts up with what clients send besides", () => {
  const rows: [name: string, query: string][] = [
    ["empty parameters", `&&${HASH}&&port=6881&`],
    ["names without values", `compact6&${HASH}&supportcrypto&port=6881&no_peer_id`],
    ["values without names", `=5&${HASH}&==&port=6881&=`],
    ["unknown names", `${HASH}&key=DEADBEEF&trackerid=x&ip=10.0.0.1&port=6881&corrupt=0&uploaded=0&downloaded=0`],
    ["bad escapes in what is not read", `key=%zz%&${HASH}&port=6881&%%%=1`],
    ["names that only begin alike", `${HASH}&port=6881&portx=0&left_=x&numwantx=x&compacted=x&peer_id2=x`],
    ["a port with zeros before", `${HASH}&port=0006881`],
    ["the port first, twice", `port=1&port=6881&${HASH}`],
    ["question marks", `?&${HASH}&port=6881&a?b=c`],
  ];
  for (const [name, query] of rows) {
    const { refusal, port } = decode(query);
    assert.deepEqual({ refusal, port }, { refusal: NOT_REFUSED, port: 6881 }, name);
  }
});

Deno.test("decodeAnnounceQuery() reads left as far as zero or not", () => {
  const rows: [left: string, seeder: boolean][] = [
    ["", false],
    ["&left=", false],
    ["&left=0&left=", true],
    ["&left=0", true],
    ["&left=00000000000000000000000000000000000000000", true],
    ["&left=1", false],
    ["&left=4294967296", false],
    ["&left=18446744073709551616", false],
    [`&left=1${"0".repeat(200)}`, false],
    ["&left=-1", false],
  ];
  for (const [left, seeder] of rows) {
    const { refusal, request } = decode(`${HASH}&port=1${left}`);
    assert.deepEqual({ refusal, seeder: request.seeder }, { refusal: NOT_REFUSED, seeder }, left);
  }
});

Deno.test("decodeAnnounceQuery() reads events", () => {
  const rows: [event: string, want: number][] = [
    ["", EVENT_NONE],
    ["&event=", EVENT_NONE],
    ["&event=started", EVENT_STARTED],
    ["&event=completed", EVENT_COMPLETED],
    ["&event=stopped", EVENT_STOPPED],
    ["&event=paused", EVENT_PAUSED],
    ["&event=Stopped", EVENT_NONE],
    ["&event=stoppe", EVENT_NONE],
    ["&event=stopped+", EVENT_NONE],
    ["&event=empty", EVENT_NONE],
  ];
  for (const [event, want] of rows) assert.equal(decode(`${HASH}&port=1${event}`).request.event, want, event);
});

Deno.test("decodeAnnounceQuery() reads numwant, compact and ports", () => {
  const numwants: [text: string, want: number][] = [
    ["", -1],
    ["0", 0],
    ["1", 1],
    ["200", 200],
    ["-1", -1],
    ["2147483647", 0x7fffffff],
    ["2147483648", 0x7fffffff],
    ["99999999999999999999999999", 0x7fffffff],
    ["-99999999999999999999999999", -0x7fffffff],
  ];
  for (const [text, want] of numwants) {
    assert.equal(decode(`${HASH}&port=1&numwant=${text}`).request.numwant, want, text);
  }
  assert.equal(decode(`${HASH}&port=1`).request.numwant, -1);
  for (
    const [text, want] of [["", true], ["0", false], ["00", false], ["1", true], ["2", true], ["-1", true]] as const
  ) {
    assert.equal(decode(`${HASH}&port=1&compact=${text}`).request.compact, want, text);
  }
  for (const port of [0, 1, 255, 256, 6881, 65535]) assert.equal(decode(`${HASH}&port=${port}`).port, port);
});

Deno.test("decodeAnnounceQuery() overwrites all that an earlier query left, and says where this one is", () => {
  const request = new AnnounceRequest();
  const full = latin1(`${HASH}&port=9&left=0&numwant=7&compact=0&event=stopped`), bare = latin1(`port=1&${HASH}`);
  assert.equal(decodeAnnounceQuery(full, 0, full.length, request), NOT_REFUSED);
  assert.equal(decodeAnnounceQuery(bare, 0, bare.length, request), NOT_REFUSED);
  const { seeder, event, numwant, compact, portWord } = request;
  assert.deepEqual({ seeder, event, numwant, compact, portWord }, {
    seeder: false,
    event: EVENT_NONE,
    numwant: -1,
    compact: true,
    portWord: 0x100,
  });
  assert.equal(decode(`port=1&${HASH}`).extra, `port=1&${HASH}`);
});

Deno.test("decodeAnnounceQuery() leaves the source address alone: ip= is nobody's to say", () => {
  const { request } = decode(`${HASH}&port=1&ip=10.0.0.1&ipv6=%3A%3A1&ipv4=10.0.0.1`);
  assert.deepEqual([...request.address], [0, 0, 0, 0]);
});

function decodeScrape(query: string) {
  const bytes = latin1(`${query} HTTP/1.1`), request = new ScrapeRequest();
  const refusal = decodeScrapeQuery(bytes, 0, query.length, request);
  const hashes = Array.from(
    { length: request.count },
    (_, i) => latin1Text(request.bytes.subarray(i * 20, i * 20 + 20)),
  );
  return { refusal, hashes };
}

Deno.test("decodeScrapeQuery() takes hashes in the order they stand", () => {
  const a = "a".repeat(20), b = "b".repeat(20);
  const rows: [name: string, query: string, want: string[]][] = [
    ["one", `info_hash=${a}`, [a]],
    ["two", `info_hash=${b}&info_hash=${a}`, [b, a]],
    ["twice the same", `info_hash=${a}&info_hash=${b}&info_hash=${a}`, [a, b, a]],
    ["escaped and raw", `info_hash=%00${"a".repeat(19)}&info_hash=\xff${"a".repeat(19)}`, [
      `\0${"a".repeat(19)}`,
      `\xff${"a".repeat(19)}`,
    ]],
    ["among others", `x=y&&info_hash=${a}&info_hash&=&info_hashes=1&`, [a]],
  ];
  for (const [name, query, want] of rows) {
    assert.deepEqual(decodeScrape(query), { refusal: NOT_REFUSED, hashes: want }, name);
  }
});

Deno.test("decodeScrapeQuery() refuses what it cannot use", () => {
  const a = "a".repeat(20);
  const rows: [name: string, query: string, want: number][] = [
    ["nothing", "", INFO_HASH_MISSING],
    ["another name", `info_hasg=${a}`, INFO_HASH_MISSING],
    ["no value", "info_hash", INFO_HASH_MISSING],
    ["empty", "info_hash=", INFO_HASH_BAD],
    ["too short", `info_hash=${a}&info_hash=aaa`, INFO_HASH_BAD],
    ["too long", `info_hash=${a}a`, INFO_HASH_BAD],
    ["bad escape", "info_hash=%zzaaaaaaaaaaaaaaaaaaa", PERCENT_BAD],
  ];
  for (const [name, query, want] of rows) assert.equal(decodeScrape(query).refusal, want, name);
});

Deno.test("decodeScrapeQuery() leaves out hashes past its limit", () => {
  const query = new Array(HTTP_SCRAPE_HASHES_MAX + 5).fill(`info_hash=${"a".repeat(20)}`).join("&");
  const { refusal, hashes } = decodeScrape(query);
  assert.deepEqual([refusal, hashes.length], [NOT_REFUSED, HTTP_SCRAPE_HASHES_MAX]);
});
