import assert from "node:assert/strict";
import fc from "fast-check";
import { readAnnounceBody, readScrapeBody } from "../../src/client/http_answer.ts";
import { announceTarget, scrapeQueryTarget } from "../../src/client/http_target.ts";
import type { AnnounceQuestion } from "../../src/client/question.ts";
import {
  decodeAnnounce,
  decodeConnect,
  decodeScrape,
  encodeAnnounce,
  encodeConnect,
  encodeScrape,
} from "../../src/client/udp_packets.ts";

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Bytes from hex with comments: what follows "#" on a line is dropped. */
function bytesOf(text: string): Uint8Array {
  const hex = text.replace(/#.*$/gm, "").replace(/\s/g, "");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

const QUESTION: AnnounceQuestion = {
  infoHash: Uint8Array.from({ length: 20 }, (_, i) => i * 13),
  peerId: latin1("-WG0100-abcdefghijkl"),
  port: 0x1234,
  uploaded: 3,
  downloaded: 1,
  left: 2 ** 33 + 5,
  event: "started",
  numwant: undefined,
  key: 0xdeadbeef,
};

Deno.test("announceTarget() escapes bytes and spells parameters as BEP 3", () => {
  assert.equal(
    announceTarget("/x/announce?pass=1", { ...QUESTION, numwant: 7 }),
    "/x/announce?pass=1&info_hash=%00%0d%1a%274AN%5bhu%82%8f%9c%a9%b6%c3%d0%dd%ea%f7&peer_id=-WG0100-abcdefghijkl" +
      "&port=4660&uploaded=3&downloaded=1&left=8589934597&key=deadbeef&compact=1&numwant=7&event=started",
  );
  assert.equal(
    announceTarget("/announce", { ...QUESTION, event: "", infoHash: latin1("~".repeat(20)) }),
    `/announce?info_hash=${"~".repeat(20)}&peer_id=-WG0100-abcdefghijkl` +
      "&port=4660&uploaded=3&downloaded=1&left=8589934597&key=deadbeef&compact=1",
  );
  assert.equal(
    scrapeQueryTarget("/scrape", [latin1("a".repeat(20)), latin1("\xff".repeat(20))]),
    `/scrape?info_hash=${"a".repeat(20)}&info_hash=${"%ff".repeat(20)}`,
  );
});

Deno.test("readAnnounceBody() reads answers and refusals", () => {
  const none = {
    minInterval: undefined,
    complete: undefined,
    incomplete: undefined,
    downloaded: undefined,
    peers: [],
    warning: undefined,
    trackerId: undefined,
    externalIp: undefined,
  };
  const rows: { name: string; body: string; want: unknown }[] = [
    { name: "least", body: "d8:intervali1800ee", want: { ...none, kind: "answer", interval: 1800 } },
    {
      name: "compact, both families",
      body:
        "d8:completei1e10:downloadedi9e11:external ip4:\x0a\x00\x00\x0910:incompletei2e8:intervali5e12:min intervali3e" +
        "5:peers6:\x0a\x00\x00\x01\x1a\xe16:peers618:\x20\x01\x0d\xb8" + "\0".repeat(11) + "\x07\x1a\xe1" +
        "10:tracker id1:T15:warning message3:hoye",
      want: {
        kind: "answer",
        interval: 5,
        minInterval: 3,
        complete: 1,
        incomplete: 2,
        downloaded: 9,
        peers: [{ address: "10.0.0.1", port: 6881 }, { address: "2001:db8::7", port: 6881 }],
        warning: "hoy",
        trackerId: "T",
        externalIp: "10.0.0.9",
      },
    },
    {
      name: "dictionary form, and peers cut short",
      body: "d8:intervali5e5:peersld2:ip3:::17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti80eed2:ipi1eei7ee6:peers65:xxxxxe",
      want: { ...none, kind: "answer", interval: 5, peers: [{ address: "::1", port: 80 }] },
    },
    {
      name: "refusal",
      body: "d14:failure reason6:go offe",
      want: { kind: "refusal", reason: "go off", retryIn: undefined },
    },
    {
      name: "refusal with time",
      body: "d14:failure reason6:go off8:intervali5e8:retry ini30ee",
      want: { kind: "refusal", reason: "go off", retryIn: 30 },
    },
    {
      name: "refusal for ever",
      body: "d14:failure reason6:go off8:retry in5:nevere",
      want: { kind: "refusal", reason: "go off", retryIn: "never" },
    },
    { name: "no interval", body: "d5:peers0:e", want: { kind: "noAnswer", reason: "its answer has no interval" } },
    { name: "a list", body: "le", want: { kind: "noAnswer", reason: "its answer is not a dictionary" } },
    {
      name: "a page",
      body: "<html>",
      want: {
        kind: "noAnswer",
        reason: "its answer is not bencode, as a tracker's is: at byte 0 no value begins with this byte",
      },
    },
  ];
  for (const { name, body, want } of rows) assert.deepEqual(readAnnounceBody(latin1(body)), want, name);
});

Deno.test("readScrapeBody() keeps the order of the question", () => {
  const a = latin1("a".repeat(20)), b = latin1("\xff".repeat(20));
  const body = `d5:filesd20:${"\xff".repeat(20)}d8:completei1e10:downloadedi2e10:incompletei3eeee`;
  assert.deepEqual(readScrapeBody(latin1(body), [a, b]), {
    kind: "answer",
    swarms: [{ infoHash: a, counts: undefined }, {
      infoHash: b,
      counts: { complete: 1, downloaded: 2, incomplete: 3 },
    }],
  });
  assert.deepEqual(readScrapeBody(latin1("de"), [a]), { kind: "noAnswer", reason: "its answer has no files" });
});

Deno.test("bodies never make a reader throw", () => {
  const bencodeLike = fc.string({ unit: fc.constantFrom(..."deli0123456789:peersfilinterval "), maxLength: 80 });
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), bencodeLike.map(latin1)), (body) => {
    readAnnounceBody(body);
    readScrapeBody(body, [QUESTION.infoHash]);
  }));
});

Deno.test("UDP requests are laid out as BEP 15 says", () => {
  assert.deepEqual(
    encodeConnect(0x01020304),
    bytesOf(`
      00000417 27101980  # protocol id
      00000000           # action: connect
      01020304           # transaction id`),
  );
  assert.deepEqual(
    encodeAnnounce(0x1122334455667788n, 0x01020304, QUESTION, "/announce?a=1"),
    bytesOf(`
      11223344 55667788                             # connection id
      00000001                                      # action: announce
      01020304                                      # transaction id
      000d1a27 34414e5b 6875828f 9ca9b6c3 d0ddeaf7  # info_hash
      2d574730 3130302d 61626364 65666768 696a6b6c  # peer_id
      00000000 00000001                             # downloaded
      00000002 00000005                             # left
      00000000 00000003                             # uploaded
      00000002                                      # event: started
      00000000                                      # ip: the source address
      deadbeef                                      # key
      ffffffff                                      # numwant: the tracker's choice
      1234                                          # port
      02 0d 2f616e6e 6f756e63 653f613d 31           # BEP 41: URL data, 13 bytes`),
  );
  assert.equal(encodeAnnounce(0n, 0, QUESTION, "").length, 98);
  const long = encodeAnnounce(0n, 0, QUESTION, `/${"x".repeat(299)}`);
  assert.deepEqual([long.length, long[98], long[99], long[355], long[356]], [98 + 300 + 4, 2, 255, 2, 45]);
  assert.deepEqual(
    encodeScrape(1n, 2, [latin1("a".repeat(20)), latin1("b".repeat(20))]),
    bytesOf(`00000000 00000001 00000002 00000002 ${"61".repeat(20)} ${"62".repeat(20)}`),
  );
});

Deno.test("UDP answers are read as BEP 15 says", () => {
  const announce = bytesOf(`
    00000001           # action: announce
    01020304           # transaction id
    00000708           # interval
    00000002           # leechers
    00000001           # seeders
    0a000001 1ae1      # peer
    0a000002 1ae2      # peer`);
  const answer = decodeAnnounce(announce, 0x01020304, 4);
  assert(answer?.kind === "answer");
  assert.deepEqual([answer.interval, answer.incomplete, answer.complete], [1800, 2, 1]);
  assert.deepEqual(answer.peers, [{ address: "10.0.0.1", port: 6881 }, { address: "10.0.0.2", port: 6882 }]);
  const overIpv6 = decodeAnnounce(
    bytesOf(`00000001 01020304 00000708 00000000 00000001 20010db8 00000000 00000000 00000001 1ae1`),
    0x01020304,
    6,
  );
  assert(overIpv6?.kind === "answer");
  assert.deepEqual(overIpv6.peers, [{ address: "2001:db8::1", port: 6881 }]);

  assert.equal(decodeAnnounce(announce, 5, 4), null, "another's transaction");
  assert.equal(decodeAnnounce(announce.subarray(0, 19), 0x01020304, 4), null, "too short");
  assert.equal(decodeConnect(announce, 0x01020304), null, "another action");
  assert.deepEqual(decodeConnect(bytesOf("00000000 00000005 00000000 000000ff"), 5), {
    kind: "connected",
    connectionId: 255n,
  });
  assert.deepEqual(decodeConnect(bytesOf("00000003 00000005 6e6f 00"), 5), {
    kind: "refusal",
    reason: "no",
    retryIn: undefined,
  });

  const hashes = [QUESTION.infoHash, QUESTION.peerId];
  const scrape = decodeScrape(bytesOf("00000002 00000005 00000001 00000002 00000003"), 5, hashes);
  assert(scrape?.kind === "answer");
  assert.deepEqual(scrape.swarms.map(({ counts }) => counts), [
    { complete: 1, downloaded: 2, incomplete: 3 },
    undefined,
  ]);
});

Deno.test("UDP answers never make a decoder throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(3), (packet, action) => {
    const bytes = Uint8Array.from([0, 0, 0, action, 0, 0, 0, 1, ...packet]);
    decodeConnect(bytes, 1);
    decodeAnnounce(bytes, 1, 4);
    decodeAnnounce(bytes, 1, 6);
    decodeScrape(bytes, 1, [QUESTION.infoHash]);
    decodeScrape(packet, 1, [QUESTION.infoHash]);
  }));
});
