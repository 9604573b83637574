/** HTTP replies, byte for byte. */
import assert from "node:assert/strict";
import { AnnounceReply, AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { PORT_BAD, REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { ScrapeReply, ScrapeRequest } from "../../src/bittorrent/scrape.ts";
import { HTTP_HEAD_BYTES_MAX, HttpReplyWriter, type Persistence } from "../../src/wire/http_reply.ts";
import { decodeBencode } from "../support/bencode.ts";
import { seededRandom } from "../support/random.ts";
import { setAsker } from "../support/store.ts";
import { latin1, latin1Text, readVectors } from "../support/vectors.ts";

const VECTORS = readVectors("http_replies.hex");
const KEPT: Persistence = { keepAlive: true, oldVersion: false };
const KEPT_10: Persistence = { keepAlive: true, oldVersion: true };
const CLOSED: Persistence = { keepAlive: false, oldVersion: false };

const ASKER4 = Uint8Array.of(192, 0, 2, 9);
const ASKER6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
const PEER4 = Uint8Array.of(192, 0, 2, 1, 0x1a, 0xe1);
const PEER4_B = Uint8Array.of(192, 0, 2, 2, 0xff, 0xff);
const PEER6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80);

/** A writer with a buffer of its own, as a door has it. */
class Desk {
  readonly bytes: Uint8Array;
  readonly writer: HttpReplyWriter;
  readonly request = new AnnounceRequest();
  readonly reply: AnnounceReply;

  constructor(peersMax = 200) {
    this.bytes = new Uint8Array(HttpReplyWriter.bufferBytes(peersMax) & ~1).fill(0xa5);
    this.writer = new HttpReplyWriter(this.bytes, HTTP_HEAD_BYTES_MAX);
    this.reply = new AnnounceReply(new Uint16Array(this.bytes.buffer));
    this.reply.at4 = HTTP_HEAD_BYTES_MAX >> 1;
    this.reply.at6 = HttpReplyWriter.at6(HTTP_HEAD_BYTES_MAX, peersMax) >> 1;
  }

  /** Puts peers where the store would. */
  put(peers: readonly Uint8Array[]): void {
    const peers4 = peers.filter((peer) => peer.length === 6), peers6 = peers.filter((peer) => peer.length === 18);
    peers4.forEach((peer, i) => this.bytes.set(peer, this.reply.at4 * 2 + i * 6));
    peers6.forEach((peer, i) => this.bytes.set(peer, this.reply.at6 * 2 + i * 18));
    this.reply.peers4 = peers4.length;
    this.reply.peers6 = peers6.length;
  }

  written(): string {
    return latin1Text(this.bytes.subarray(this.writer.start, this.writer.end));
  }
}

function vector(name: string): string {
  const bytes = VECTORS.get(name);
  assert.ok(bytes !== undefined, name);
  return latin1Text(bytes);
}

Deno.test("HttpReplyWriter.announce() writes every shape of reply", () => {
  const rows: {
    name: string;
    asker?: Uint8Array;
    peers?: readonly Uint8Array[];
    compact?: boolean;
    counts: [seeders: number, completed: number, leechers: number];
    intervalSeconds?: number;
    persistence?: Persistence;
  }[] = [
    { name: "announce, nobody else", counts: [0, 0, 1] },
    { name: "announce, close", counts: [0, 0, 1], persistence: CLOSED },
    { name: "announce, HTTP 1.0 kept", counts: [0, 0, 1], persistence: KEPT_10 },
    { name: "announce, two of IPv4", peers: [PEER4, PEER4_B], counts: [12, 345, 6789], intervalSeconds: 1795 },
    { name: "announce, both families", asker: ASKER6, peers: [PEER4, PEER6], counts: [1, 2, 3] },
    { name: "announce, IPv6 only", asker: ASKER6, peers: [PEER6], counts: [1, 2, 3] },
    { name: "announce, dictionaries", peers: [PEER4, PEER6], compact: false, counts: [1, 2, 3] },
    { name: "announce, dictionaries of nobody", compact: false, counts: [0, 0, 1] },
    { name: "announce, largest counts", counts: [0x7fffffff, 0x7fffffff, 0x7fffffff], intervalSeconds: 86400 },
  ];
  // One desk for all rows: nothing of an earlier reply may show.
  const desk = new Desk();
  for (const { name, asker = ASKER4, peers = [], compact = true, counts, ...row } of rows) {
    setAsker(desk.request, asker, 6881);
    desk.request.compact = compact;
    desk.put(peers);
    [desk.reply.seeders, desk.reply.completed, desk.reply.leechers] = counts;
    desk.writer.announce(desk.request, desk.reply, row.intervalSeconds ?? 1800, row.persistence ?? KEPT);
    assert.equal(desk.written(), vector(name), name);
  }
});

Deno.test("HttpReplyWriter.announce() has room for as many peers as it was made for", () => {
  const longest = new Uint8Array(18).fill(0xff);
  for (const peersMax of [0, 1, 2, 50, 200]) {
    for (const compact of [true, false]) {
      for (const share4 of [0, peersMax >> 1, peersMax]) {
        const desk = new Desk(peersMax);
        setAsker(desk.request, ASKER6, 1);
        desk.request.compact = compact;
        desk.put(Array.from({ length: peersMax }, (_, i) => i < share4 ? new Uint8Array(6).fill(0xff) : longest));
        desk.writer.announce(desk.request, desk.reply, 1800, KEPT_10);
        const name = `${peersMax} peers, ${share4} of them IPv4, compact ${compact}`, { writer, bytes } = desk;
        assert.ok(writer.start >= 0 && writer.end <= bytes.length, name);
        const [head, body] = splitAt(desk.written(), "\r\n\r\n");
        assert.equal(Number(/Content-Length: (\d+)/.exec(head)![1]), body.length, name);
        const { peers, peers6 } = decodeBencode(latin1(body)) as { peers: string | unknown[]; peers6?: string };
        if (!compact) assert.equal(peers.length, peersMax, name);
        else assert.deepEqual([peers.length, peers6?.length ?? 0], [share4 * 6, (peersMax - share4) * 18], name);
      }
    }
  }
});

Deno.test("HttpReplyWriter writes dictionaries whose keys are sorted, as BEP 3 wants", () => {
  const names = [...VECTORS.keys()].filter((name) => /^(announce|refusal)/.test(name));
  for (const name of names) {
    const [, body] = splitAt(vector(name), "\r\n\r\n"), keys = Object.keys(decodeBencode(latin1(body)) as object);
    assert.deepEqual(keys, [...keys].sort(), name);
  }
});

Deno.test("HttpReplyWriter.scrape() sorts the hashes, each once, as BEP 3 wants keys", () => {
  const desk = new Desk(), request = new ScrapeRequest(), reply = new ScrapeReply();
  for (const [i, letter] of ["b", "a", "b"].entries()) request.bytes.fill(letter.charCodeAt(0), i * 20, i * 20 + 20);
  request.count = 3;
  reply.set(0, 10, 999, 0);
  reply.set(1, 0, 0, 0);
  reply.set(2, 10, 999, 0);
  desk.writer.scrape(request, reply, KEPT);
  assert.equal(desk.written(), vector("scrape"));
});

Deno.test("HttpReplyWriter.scrape() has room for the longest scrape with the smallest numwant", () => {
  const desk = new Desk(0), request = new ScrapeRequest(), reply = new ScrapeReply();
  request.count = 64;
  const random = seededRandom("scrape"), wanted = new Set<string>();
  for (let i = 0; i < 64; i++) {
    // Alike up to their last bytes.
    request.bytes.fill(0xff, i * 20, i * 20 + 18);
    request.bytes.set([random.below(256), i], i * 20 + 18);
    wanted.add(latin1Text(request.bytes.subarray(i * 20, i * 20 + 20)));
    reply.set(i, 0x7fffffff, 0x7fffffff, 0x7fffffff);
  }
  desk.writer.scrape(request, reply, KEPT_10);
  assert.ok(desk.writer.start >= 0 && desk.writer.end <= desk.bytes.length);
  const [head, body] = splitAt(desk.written(), "\r\n\r\n");
  assert.equal(Number(/Content-Length: (\d+)/.exec(head)![1]), body.length);
  const { files } = decodeBencode(latin1(body)) as { files: object };
  assert.deepEqual(Object.keys(files), [...wanted].sort());
});

Deno.test("HttpReplyWriter.refusal() tells the reason and when to come back", () => {
  const desk = new Desk();
  desk.writer.refusal(PORT_BAD, 1801, KEPT);
  assert.equal(desk.written(), vector("refusal"));
  for (let refusal = 1; refusal < REFUSAL_TEXTS.length; refusal++) {
    // What is kept of one must not be told for another.
    desk.writer.refusal(refusal, 3600, KEPT);
    desk.writer.refusal(refusal, 1800, KEPT, "the words of a plugin");
    assert.ok(desk.written().includes("21:the words of a plugin8:intervali1800e"));
    desk.writer.refusal(refusal, 1800, CLOSED);
    const [head, body] = splitAt(desk.written(), "\r\n\r\n");
    assert.equal(Number(/Content-Length: (\d+)/.exec(head)![1]), body.length);
    assert.ok(head.endsWith("Connection: close"));
    assert.deepEqual({ ...decodeBencode(latin1(body)) as object }, {
      "failure reason": REFUSAL_TEXTS[refusal],
      interval: 1800,
      "retry in": 30,
    });
  }
});

Deno.test("HttpReplyWriter.error() writes opentracker's pages", () => {
  const desk = new Desk();
  desk.writer.error("400 Invalid Request");
  assert.equal(desk.written(), vector("error 400"));
  desk.writer.error("500 Internal Server Error");
  assert.equal(desk.written(), vector("error 500"));
});

function splitAt(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
