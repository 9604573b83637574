/**
 * The request at hand as plugins see it: one object a front, over the registers of the request and the bytes it came in.
 * Nothing is read or allocated until a plugin asks for it.
 */
import { formatAddress } from "../bittorrent/address.ts";
import type { AnnounceRequest } from "../bittorrent/announce.ts";
import type { ScrapeRequest } from "../bittorrent/scrape.ts";
import type { AddressQuestion, AnnounceQuestion, ScrapeQuestion } from "../plugin/api.ts";
import type { HttpRequest } from "../wire/http_request.ts";

/** Events by their number in BEP 15, and BEP 21's. */
const EVENT_NAMES = ["", "completed", "started", "stopped", "paused"] as const;
const latin1 = new TextDecoder("latin1");
const QUESTION_MARK = 0x3f, SPACE = 0x20;

/** The one question of a front. */
export class Question implements AnnounceQuestion, AddressQuestion {
  protocol: "http" | "udp" = "http";
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly #request: AnnounceRequest;
  readonly #address4: Uint8Array;
  readonly #address16: Uint8Array;
  #bytes = new Uint8Array(0);
  #targetStart = 0;
  #targetEnd = 0;
  #headersStart = 0;
  #headersEnd = 0;

  constructor(request: AnnounceRequest) {
    this.#request = request;
    this.infoHash = request.infoHashBytes;
    this.peerId = request.peerIdBytes;
    this.#address4 = request.addressBytes.subarray(0, 4);
    this.#address16 = request.addressBytes;
  }

  /** The question is an HTTP request in `bytes`. */
  takeHttp(bytes: Uint8Array, http: HttpRequest): void {
    this.protocol = "http";
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#targetStart = http.targetStart;
    this.#targetEnd = http.targetEnd;
    this.#headersStart = http.headersStart;
    this.#headersEnd = http.headersEnd;
  }

  /** The question is a packet in `bytes`, whose URL data is from `start` to `end`. */
  takeUdp(bytes: Uint8Array, start: number, end: number): void {
    this.protocol = "udp";
    this.#bytes = bytes as Uint8Array<ArrayBuffer>;
    this.#targetStart = start;
    this.#targetEnd = end;
    this.#headersStart = this.#headersEnd = 0;
  }

  get path(): string {
    return this.#text(this.#targetStart, this.#pathEnd());
  }

  get query(): string {
    // No further than the target: the bytes of all connections lie behind it.
    let mark = this.#pathEnd();
    while (mark < this.#targetEnd && this.#bytes[mark] !== QUESTION_MARK) mark++;
    return this.#text(Math.min(mark + 1, this.#targetEnd), this.#targetEnd);
  }

  get address(): Uint8Array {
    return this.#request.family === 4 ? this.#address4 : this.#address16;
  }

  get addressText(): string {
    return formatAddress(this.address);
  }

  get port(): number {
    const word = this.#request.portWord;
    return (word & 0xff) << 8 | word >> 8;
  }

  get seeder(): boolean {
    return this.#request.seeder;
  }

  get event(): typeof EVENT_NAMES[number] {
    return EVENT_NAMES[this.#request.event] ?? "";
  }

  get numwant(): number {
    return this.#request.numwant < 0 ? -1 : this.#request.numwant;
  }

  /** See ClientQuestion. */
  parameter(name: string): string | undefined {
    for (const pair of this.query.split("&")) {
      const equals = pair.indexOf("=");
      if (equals < 0 || pair.slice(0, equals) !== name) continue;
      return pair.slice(equals + 1).replace(
        /%([0-9a-fA-F]{2})/g,
        (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
      );
    }
    return undefined;
  }

  /** See AddressQuestion. */
  header(name: string): string | undefined {
    if (this.#headersStart === this.#headersEnd) return undefined;
    let joined: string | undefined;
    const wanted = name.toLowerCase();
    for (const line of this.#text(this.#headersStart, this.#headersEnd).split("\n")) {
      const colon = line.indexOf(":");
      if (colon !== wanted.length || line.slice(0, colon).toLowerCase() !== wanted) continue;
      const value = line.slice(colon + 1).trim();
      joined = joined === undefined ? value : `${joined}, ${value}`;
    }
    return joined;
  }

  #pathEnd(): number {
    let at = this.#targetStart;
    while (at < this.#targetEnd && this.#bytes[at] !== QUESTION_MARK && this.#bytes[at] !== SPACE) at++;
    return at;
  }

  // A copy first: what lies in shared memory cannot be decoded.
  #text(start: number, end: number): string {
    return latin1.decode(this.#bytes.slice(start, end));
  }
}

/** The same request as a scrape. */
export class ScrapeView implements ScrapeQuestion {
  readonly #client: Question;
  readonly #scrape: ScrapeRequest;

  constructor(client: Question, scrape: ScrapeRequest) {
    this.#client = client;
    this.#scrape = scrape;
  }

  get protocol(): "http" | "udp" {
    return this.#client.protocol;
  }

  get path(): string {
    return this.#client.path;
  }

  get query(): string {
    return this.#client.query;
  }

  get address(): Uint8Array {
    return this.#client.address;
  }

  get addressText(): string {
    return this.#client.addressText;
  }

  get count(): number {
    return this.#scrape.count;
  }

  /** See ClientQuestion. */
  parameter(name: string): string | undefined {
    return this.#client.parameter(name);
  }

  /** Info hash number `index`. */
  infoHash(index: number): Uint8Array {
    return this.#scrape.bytes.subarray(index * 20, index * 20 + 20);
  }
}
