/** UDP packets, to registers and back. */
import assert from "node:assert/strict";
import {
  AnnounceReply,
  AnnounceRequest,
  EVENT_COMPLETED,
  EVENT_NONE,
  EVENT_STARTED,
  EVENT_STOPPED,
} from "../../src/bittorrent/announce.ts";
import { CONNECTION_ID_BAD, PORT_BAD, REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { ScrapeReply, ScrapeRequest } from "../../src/bittorrent/scrape.ts";
import {
  connectionIdHigh,
  connectionIdLow,
  decodeUdpAnnounce,
  decodeUdpScrape,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpError,
  encodeUdpScrape,
  PacketBuffer,
  UDP_ANNOUNCE,
  UDP_CONNECT,
  UDP_DROP,
  UDP_REPLY_BYTES_MAX,
  UDP_SCRAPE,
  udpAction,
  udpErrorBytes,
} from "../../src/wire/udp.ts";
import { latin1, latin1Text, readVector, readVectors } from "../support/vectors.ts";

/** Where packets lie in the buffer: anywhere that a multiple of 4 is. */
const AT = 2048;

/** A buffer full of other bytes with the packet at AT. */
function bufferOf(packet: Uint8Array): PacketBuffer {
  const buffer = new PacketBuffer(new Uint8Array(8192).fill(0xa5));
  buffer.bytes.set(packet, AT);
  return buffer;
}

function vector(name: string): Uint8Array {
  return readVector("udp_requests.hex", name);
}

Deno.test("udpAction() tells what a packet is for", () => {
  const wanted: Record<string, number> = {
    "connect, wrong magic": UDP_DROP,
    "connect, one byte short": UDP_DROP,
    "announce, one byte short": UDP_DROP,
    "no such action": UDP_DROP,
    "action far away": UDP_DROP,
    "nothing": UDP_DROP,
  };
  for (const [name, packet] of readVectors("udp_requests.hex")) {
    const byName = name.startsWith("connect") ? UDP_CONNECT : name.startsWith("scrape") ? UDP_SCRAPE : UDP_ANNOUNCE;
    assert.equal(udpAction(bufferOf(packet), AT, packet.length), wanted[name] ?? byName, name);
  }
});

Deno.test("udpAction() drops every shorter form of a packet", () => {
  for (const [name, whole] of [["connect", 16], ["announce", 98], ["scrape of one", 16]] as const) {
    const packet = vector(name);
    for (let length = 0; length < whole; length++) {
      assert.equal(udpAction(bufferOf(packet), AT, length), UDP_DROP, `${name}, ${length} bytes`);
    }
  }
});

Deno.test("connectionIdHigh() and connectionIdLow() read big endian", () => {
  const packet = bufferOf(latin1("\x89\xab\xcd\xef\x01\x23\x45\x67"));
  assert.equal(connectionIdHigh(packet, AT), 0x89abcdef | 0);
  assert.equal(connectionIdLow(packet, AT), 0x01234567);
});

/** The fields of an announce with the values of a packet of zeros. */
const ZERO_ANNOUNCE = {
  infoHash: "00".repeat(20),
  seeder: true,
  event: EVENT_NONE,
  numwant: 0,
  port: 0,
  extra: "",
};

function decode(packet: Uint8Array): typeof ZERO_ANNOUNCE {
  const buffer = bufferOf(packet), request = new AnnounceRequest();
  decodeUdpAnnounce(buffer, AT, packet.length, request);
  return {
    infoHash: request.infoHashBytes.toHex(),
    seeder: request.seeder,
    event: request.event,
    numwant: request.numwant,
    port: (request.portWord & 0xff) << 8 | request.portWord >> 8,
    extra: latin1Text(buffer.bytes.subarray(request.extraStart, request.extraEnd)),
  };
}

Deno.test("decodeUdpAnnounce() reads each field from its own bytes", () => {
  const rows: { name: string; at: number; bytes: number[]; want: Partial<typeof ZERO_ANNOUNCE> }[] = [
    { name: "connection id", at: 0, bytes: [1, 2, 3, 4, 5, 6, 7, 8], want: {} },
    { name: "transaction id", at: 12, bytes: [1, 2, 3, 4], want: {} },
    { name: "info hash, first byte", at: 16, bytes: [0xab], want: { infoHash: "ab" + "00".repeat(19) } },
    { name: "info hash, last byte", at: 35, bytes: [0xcd], want: { infoHash: "00".repeat(19) + "cd" } },
    { name: "peer id", at: 36, bytes: new Array(20).fill(0xff), want: {} },
    { name: "downloaded", at: 56, bytes: new Array(8).fill(0xff), want: {} },
    { name: "left, highest bit", at: 64, bytes: [0x80], want: { seeder: false } },
    { name: "left, lowest bit", at: 71, bytes: [1], want: { seeder: false } },
    { name: "uploaded", at: 72, bytes: new Array(8).fill(0xff), want: {} },
    { name: "event completed", at: 83, bytes: [1], want: { event: EVENT_COMPLETED } },
    { name: "event started", at: 83, bytes: [2], want: { event: EVENT_STARTED } },
    { name: "event stopped", at: 83, bytes: [3], want: { event: EVENT_STOPPED } },
    { name: "event of no meaning", at: 83, bytes: [4], want: {} },
    { name: "event of no meaning, negative", at: 80, bytes: [0xff, 0xff, 0xff, 0xff], want: {} },
    { name: "event in the wrong byte", at: 82, bytes: [1], want: {} },
    { name: "IP", at: 84, bytes: [192, 0, 2, 1], want: {} },
    { name: "key", at: 88, bytes: [1, 2, 3, 4], want: {} },
    { name: "numwant", at: 92, bytes: [0, 0, 1, 2], want: { numwant: 258 } },
    { name: "numwant -1", at: 92, bytes: [0xff, 0xff, 0xff, 0xff], want: { numwant: -1 } },
    { name: "numwant, most", at: 92, bytes: [0x7f, 0xff, 0xff, 0xff], want: { numwant: 0x7fffffff } },
    { name: "numwant, least", at: 92, bytes: [0x80, 0, 0, 0], want: { numwant: -0x80000000 } },
    { name: "port 1", at: 96, bytes: [0, 1], want: { port: 1 } },
    { name: "port 256", at: 96, bytes: [1, 0], want: { port: 256 } },
    { name: "port 65535", at: 96, bytes: [0xff, 0xff], want: { port: 65535 } },
  ];
  for (const { name, at, bytes, want } of rows) {
    const packet = new Uint8Array(98);
    packet[11] = UDP_ANNOUNCE;
    packet.set(bytes, at);
    assert.deepEqual(decode(packet), { ...ZERO_ANNOUNCE, ...want }, name);
  }
});

Deno.test("decodeUdpAnnounce() overwrites all that an earlier packet left", () => {
  const buffer = bufferOf(vector("announce, URL data")), request = new AnnounceRequest();
  decodeUdpAnnounce(buffer, AT, vector("announce, URL data").length, request);
  request.compact = false;
  buffer.bytes.set(vector("announce, last piece got"), AT);
  decodeUdpAnnounce(buffer, AT, 98, request);
  const { seeder, event, numwant, compact, extraStart, extraEnd } = request;
  assert.deepEqual({ seeder, event, numwant, compact }, {
    seeder: true,
    event: EVENT_COMPLETED,
    numwant: -1,
    compact: true,
  });
  assert.equal(extraStart, extraEnd);
});

Deno.test("decodeUdpAnnounce() joins the URL data of BEP 41", () => {
  const rows = [
    { name: "announce", want: "" },
    { name: "announce, URL data", want: "/dir?a=b&c=d" },
    { name: "announce, URL data in three options", want: "/dir?a=b&c=d" },
    { name: "announce, an option of a later time", want: "/a/b" },
    { name: "announce, URL data cut off", want: "/dir" },
    { name: "announce, an option without its length", want: "/dir" },
  ];
  for (const { name, want } of rows) {
    assert.equal(decode(vector(name)).extra, want, name);
  }
});

Deno.test("decodeUdpAnnounce() reads no option past the packet's end, wherever it is cut", () => {
  const packet = vector("announce, URL data in three options");
  for (let length = 98; length <= packet.length; length++) {
    const { extra } = decode(packet.subarray(0, length));
    assert.ok("/dir?a=b&c=d".startsWith(extra), `${length} bytes: ${extra}`);
  }
});

Deno.test("decodeUdpScrape() takes whole hashes up to its limit", () => {
  const first = "101112131415161718191a1b1c1d1e1f20212223";
  const rows = [
    { name: "scrape of one", want: [first] },
    { name: "scrape of two, the third cut off", want: [first, "aa".repeat(20)] },
    { name: "scrape of nothing", want: [] },
    { name: "scrape of 76", want: new Array(75).fill("cc".repeat(20)) },
  ];
  const request = new ScrapeRequest();
  for (const { name, want } of rows) {
    const packet = vector(name);
    decodeUdpScrape(bufferOf(packet), AT, packet.length, request);
    const hashes = request.infoHashes.slice(0, request.count);
    assert.deepEqual(hashes.map((words) => new Uint8Array(words.slice().buffer).toHex()), want, name);
  }
});

/** What an encoder wrote at AT, having checked that it wrote nothing else. */
function written(out: PacketBuffer, length: number, name: string): string {
  const before = out.bytes.subarray(0, AT), after = out.bytes.subarray(AT + length);
  assert.ok(before.every((byte) => byte === 0xa5) && after.every((byte) => byte === 0xa5), `${name} stays in its room`);
  return out.bytes.subarray(AT, AT + length).toHex();
}

function replyVector(name: string): string {
  return readVector("udp_replies.hex", name).toHex();
}

Deno.test("encodeUdpConnect() writes the reply", () => {
  const out = bufferOf(new Uint8Array(0)), request = bufferOf(vector("connect"));
  const length = encodeUdpConnect(out, AT, request, AT, 0x89abcdef | 0, 0x01234567);
  assert.equal(written(out, length, "connect"), replyVector("connect"));
});

Deno.test("encodeUdpAnnounce() writes the head before the peers", () => {
  const rows = [
    { name: "announce, nobody else", leechers: 1, seeders: 0, peers4: 0, peers6: 0 },
    { name: "announce, two of IPv4", leechers: 2, seeders: 1, peers4: 2, peers6: 0 },
    { name: "announce, one of IPv6", leechers: 0x10000, seeders: 7, peers4: 0, peers6: 1 },
  ];
  for (const { name, ...counts } of rows) {
    const want = readVector("udp_replies.hex", name), request = bufferOf(vector("announce"));
    const out = bufferOf(new Uint8Array(0)), reply = Object.assign(new AnnounceReply(out.halves), counts);
    // The store has put the peers there.
    out.bytes.set(want.subarray(20), AT + 20);
    const length = encodeUdpAnnounce(out, AT, request, AT, 1800, reply);
    assert.equal(written(out, length, name), want.toHex(), name);
  }
});

Deno.test("encodeUdpScrape() writes three counts a hash", () => {
  const out = bufferOf(new Uint8Array(0)), reply = new ScrapeReply();
  reply.set(0, 1, 2, 3);
  reply.set(1, 0x7fffffff, 0, 5);
  const length = encodeUdpScrape(out, AT, bufferOf(vector("scrape of two, the third cut off")), AT, 2, reply);
  assert.equal(written(out, length, "scrape"), replyVector("scrape of two"));
});

Deno.test("encodeUdpError() writes the text of each refusal", () => {
  for (
    const [name, refusal, request] of [
      ["error, connection id", CONNECTION_ID_BAD, "announce"],
      ["error, port", PORT_BAD, "announce, port 0"],
    ] as const
  ) {
    const out = bufferOf(new Uint8Array(0)), length = encodeUdpError(out, AT, bufferOf(vector(request)), AT, refusal);
    assert.equal(written(out, length, name), replyVector(name), name);
  }
  for (let refusal = 1; refusal < REFUSAL_TEXTS.length; refusal++) {
    assert.equal(udpErrorBytes(refusal), 8 + REFUSAL_TEXTS[refusal]!.length + 1);
    assert.ok(udpErrorBytes(refusal) <= UDP_REPLY_BYTES_MAX);
  }
});
