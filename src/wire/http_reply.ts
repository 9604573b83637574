/**
 * Writes HTTP replies around the peers the store has already put into the output buffer. The head of an announce reply
 * is written backwards from the peers, so that nothing is measured or moved first.
 *
 *   | head, bencode up to the peers (written backwards) | IPv4 peers | … | IPv6 peers |
 *   start                                               at4 * 2            at6 * 2
 *
 * Dictionaries have sorted keys (BEP 3). Source: BEP 3, 7, 23, 24, 31, 48; envelopes: opentracker.
 */
import type { AnnounceReply, AnnounceRequest } from "../bittorrent/announce.ts";
import { formatAddress } from "../bittorrent/address.ts";
import { REFUSAL_TEXTS } from "../bittorrent/refusal.ts";
import { SCRAPE_HASHES_MAX, type ScrapeReply, type ScrapeRequest } from "../bittorrent/scrape.ts";

/** Room kept before the peers for head and bencode: longest case about 330 bytes. */
export const HTTP_HEAD_BYTES_MAX = 512;
/** Room for peers of the dictionary form: the longest is `d2:ip39:…4:porti65535ee`. */
const DICTIONARY_PEER_BYTES_MAX = 70;
/** Bytes of a scrape entry at most. */
const SCRAPE_ENTRY_BYTES_MAX = 110;

const encoder = new TextEncoder();
const text = (words: string) => encoder.encode(words);

const OK_HEAD = text("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ");
const HEAD_END = text("\r\n\r\n");
const HEAD_END_CLOSE = text("\r\nConnection: close\r\n\r\n");
const HEAD_END_KEEP = text("\r\nConnection: keep-alive\r\n\r\n");
const COMPLETE = text("d8:completei"), DOWNLOADED = text("e10:downloadedi"), EXTERNAL_IP4 = text("e11:external ip4:");
const EXTERNAL_IP6 = text("e11:external ip16:"), INCOMPLETE = text("10:incompletei"), INTERVAL = text("e8:intervali");
const MIN_INTERVAL = text("e12:min intervali"), PEERS = text("e5:peers"), PEERS6 = text("6:peers6"), COLON = text(":");
const PEER_LIST = text("e5:peersl"), LIST_END = text("ee");
const SCRAPE_START = text("d5:filesd"), SCRAPE_HASH = text("20:"), SCRAPE_COMPLETE = text("d8:completei");
const SCRAPE_INCOMPLETE = text("e10:incompletei"), SCRAPE_END = text("ee");
const LETTER_E = 0x65;

/** What the head needs to know of the connection. */
export interface Persistence {
  readonly keepAlive: boolean;
  readonly oldVersion: boolean;
}

/** What a refusal's body was made of, and the body. */
interface RefusalBody {
  readonly intervalSeconds: number;
  readonly reason: string;
  readonly bytes: Uint8Array;
}

function refusalBody(intervalSeconds: number, reason: string): RefusalBody {
  const minutes = Math.ceil(intervalSeconds / 60);
  const bytes = text(
    `d14:failure reason${reason.length}:${reason}8:intervali${intervalSeconds}e8:retry ini${minutes}ee`,
  );
  return { intervalSeconds, reason, bytes };
}

/** Writes replies into one output buffer. After each call the reply is bytes `start` to `end`. */
export class HttpReplyWriter {
  start = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #peersAt: number;
  readonly #refusals: (RefusalBody | undefined)[] = new Array(REFUSAL_TEXTS.length).fill(undefined);
  /** Hashes of a scrape by their number, in their order. */
  readonly #order = new Uint8Array(SCRAPE_HASHES_MAX);

  /** `peersAt`: byte where IPv4 peers begin, HTTP_HEAD_BYTES_MAX or more into `bytes`. */
  constructor(bytes: Uint8Array, peersAt: number) {
    this.#bytes = bytes;
    this.#peersAt = peersAt;
  }

  /** Bytes of output buffer needed for replies of up to `peersMax` peers. */
  static bufferBytes(peersMax: number): number {
    const dictionary = peersMax * DICTIONARY_PEER_BYTES_MAX, scrape = 64 * SCRAPE_ENTRY_BYTES_MAX;
    return (HTTP_HEAD_BYTES_MAX + peersMax * 24 + 64 + Math.max(dictionary, scrape)) & ~1;
  }

  /** Byte where IPv6 peers begin, for up to `peersMax` IPv4 peers and the words between. */
  static at6(peersAt: number, peersMax: number): number {
    return (peersAt + peersMax * 6 + 32) & ~1;
  }

  /** An announce reply. The peers lie where `reply` says. */
  announce(request: AnnounceRequest, reply: AnnounceReply, intervalSeconds: number, persistence: Persistence): void {
    const peersStart = this.#peersAt;
    let end: number;
    if (request.compact) {
      end = this.#closeCompact(reply);
      this.start = peersStart;
      this.#before(COLON);
      this.#numberBefore(reply.peers4 * 6);
      this.#before(PEERS);
    } else {
      end = this.#dictionaries(reply);
      this.start = peersStart;
      this.#before(PEER_LIST);
    }
    this.#numberBefore(intervalSeconds >> 1);
    this.#before(MIN_INTERVAL);
    this.#numberBefore(intervalSeconds);
    this.#before(INTERVAL);
    this.#numberBefore(reply.leechers);
    this.#before(INCOMPLETE);
    this.#externalIp(request);
    this.#numberBefore(reply.completed);
    this.#before(DOWNLOADED);
    this.#numberBefore(reply.seeders);
    this.#before(COMPLETE);
    this.#headBefore(end, persistence);
  }

  // Puts `peers6` behind the IPv4 peers and closes the dictionary. Returns the end.
  #closeCompact(reply: AnnounceReply): number {
    const bytes = this.#bytes;
    this.end = this.#peersAt + reply.peers4 * 6;
    if (reply.peers6 > 0) {
      const from = reply.at6 * 2;
      this.#append(PEERS6);
      this.#appendNumber(reply.peers6 * 18);
      this.#append(COLON);
      bytes.copyWithin(this.end, from, from + reply.peers6 * 18);
      this.end += reply.peers6 * 18;
    }
    bytes[this.end++] = LETTER_E;
    return this.end;
  }

  // BEP 3's first form, for clients that say compact=0. Rare: text is made. No peer id is kept, so none is given.
  #dictionaries(reply: AnnounceReply): number {
    const bytes = this.#bytes;
    let list = "";
    for (let i = 0; i < reply.peers4 + reply.peers6; i++) {
      const is4 = i < reply.peers4, size = is4 ? 6 : 18;
      const at = is4 ? reply.at4 * 2 + i * 6 : reply.at6 * 2 + (i - reply.peers4) * 18;
      const address = formatAddress(bytes.subarray(at, at + size - 2));
      const port = bytes[at + size - 2] << 8 | bytes[at + size - 1];
      list += `d2:ip${address.length}:${address}4:porti${port}ee`;
    }
    this.end = this.#peersAt;
    this.#append(encoder.encode(list));
    this.#append(LIST_END);
    return this.end;
  }

  // The client's own address as we see it (BEP 24).
  #externalIp(request: AnnounceRequest): void {
    const bytes = this.#bytes, length = request.family === 4 ? 4 : 16;
    this.start -= length;
    for (let i = 0; i < length; i++) bytes[this.start + i] = request.addressBytes[i];
    this.#before(request.family === 4 ? EXTERNAL_IP4 : EXTERNAL_IP6);
  }

  /** A scrape reply: each hash once, in their order, zeros where unknown. */
  scrape(request: ScrapeRequest, reply: ScrapeReply, persistence: Persistence): void {
    this.end = this.#peersAt;
    this.#append(SCRAPE_START);
    const order = this.#order, count = sortHashes(request, order);
    for (let at = 0; at < count; at++) {
      const i = order[at];
      this.#append(SCRAPE_HASH);
      for (let k = 0; k < 20; k++) this.#bytes[this.end++] = request.bytes[i * 20 + k];
      this.#append(SCRAPE_COMPLETE);
      this.#appendNumber(reply.counts[i * 3]);
      this.#append(DOWNLOADED);
      this.#appendNumber(reply.counts[i * 3 + 1]);
      this.#append(SCRAPE_INCOMPLETE);
      this.#appendNumber(reply.counts[i * 3 + 2]);
      this.#append(SCRAPE_END);
    }
    this.#append(SCRAPE_END);
    this.start = this.#peersAt;
    this.#headBefore(this.end, persistence);
  }

  /**
   * A refusal: `failure reason` (ASCII), with `interval` and `retry in` (BEP 31) because clients obey one or the other.
   * The last of each kind is kept, because those that come in numbers are all alike.
   */
  refusal(
    refusal: number,
    intervalSeconds: number,
    persistence: Persistence,
    reason: string = REFUSAL_TEXTS[refusal],
  ): void {
    let body = this.#refusals[refusal];
    if (body === undefined || body.intervalSeconds !== intervalSeconds || body.reason !== reason) {
      body = this.#refusals[refusal] = refusalBody(intervalSeconds, reason);
    }
    this.end = this.start = this.#peersAt;
    this.#append(body.bytes);
    this.#headBefore(this.end, persistence);
  }

  /** An error page in opentracker's words, after which the connection is closed. */
  error(statusLine: string): void {
    const page = `<title>${statusLine.slice(4)}</title>\n`;
    this.start = this.end = this.#peersAt;
    this.#append(encoder.encode(
      `HTTP/1.0 ${statusLine}\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
    ));
  }

  // Status line and headers before `start`, for a body from there to `end`.
  #headBefore(end: number, persistence: Persistence): void {
    const length = end - this.start;
    this.end = end;
    if (!persistence.keepAlive) this.#before(HEAD_END_CLOSE);
    else this.#before(persistence.oldVersion ? HEAD_END_KEEP : HEAD_END);
    this.#numberBefore(length);
    // Long enough that the runtime's own copy beats a loop.
    this.start -= OK_HEAD.length;
    this.#bytes.set(OK_HEAD, this.start);
  }

  #before(words: Uint8Array): void {
    const bytes = this.#bytes;
    let to = this.start;
    for (let i = words.length - 1; i >= 0; i--) bytes[--to] = words[i];
    this.start = to;
  }

  #numberBefore(value: number): void {
    const bytes = this.#bytes;
    let to = this.start, rest = value;
    do {
      const next = (rest / 10) | 0;
      bytes[--to] = 0x30 + rest - next * 10;
      rest = next;
    } while (rest > 0);
    this.start = to;
  }

  #append(words: Uint8Array): void {
    this.#bytes.set(words, this.end);
    this.end += words.length;
  }

  #appendNumber(value: number): void {
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    const start = this.start;
    this.start = this.end + digits;
    this.#numberBefore(value);
    this.start = start;
    this.end += digits;
  }
}

// Numbers the hashes of a scrape in their order, each once, by insertion: clients ask for few, many of them sorted.
// Returns how many there are.
function sortHashes({ bytes, count }: ScrapeRequest, order: Uint8Array): number {
  let sorted = 0;
  for (let i = 0; i < count; i++) {
    let at = sorted, difference = 1;
    while (at > 0 && (difference = compareHashes(bytes, i, order[at - 1])) < 0) at--;
    if (difference === 0) continue;
    order.copyWithin(at + 1, at, sorted++);
    order[at] = i;
  }
  return sorted;
}

// Below 0 if hash `a` of the scrape comes before hash `b`, 0 if they are the same.
function compareHashes(bytes: Uint8Array, a: number, b: number): number {
  let i = 0;
  while (i < 19 && bytes[a * 20 + i] === bytes[b * 20 + i]) i++;
  return bytes[a * 20 + i] - bytes[b * 20 + i];
}
