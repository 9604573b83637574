/**
 * One HTTP request, from a connection's bytes to the bytes of its answer. What is neither announce nor scrape is left
 * to the front, which hands it to the office.
 */
import { AnnounceReply } from "../bittorrent/announce.ts";
import { COMPACT_BAD, NOT_AUTHORIZED, NOT_REFUSED, PLUGIN_FAILED, PLUGIN_REFUSED } from "../bittorrent/refusal.ts";
import { COUNTER, HTTP_ERROR } from "../stats/counters.ts";
import { HTTP_HEAD_BYTES_MAX, HttpReplyWriter } from "../wire/http_reply.ts";
import {
  decodeHttpRequest,
  HTTP_ANNOUNCE,
  HTTP_INCOMPLETE,
  HTTP_INVALID,
  HTTP_OTHER,
  HTTP_SCRAPE,
  HttpRequest,
} from "../wire/http_request.ts";
import { decodeAnnounceQuery, decodeScrapeQuery } from "../wire/query.ts";
import type { Tracker } from "./tracker.ts";

/** More bytes are needed. */
export const HTTP_WAIT = 0;
/** The reply is ready in the output. */
export const HTTP_REPLY = 1;
/** The request is the office's. */
export const HTTP_OFFICE = 2;

/** HTTP requests of one front. */
export class HttpDoor {
  /** Where the parts of the request at hand are; after an answer, `end` and `keepAlive` say how to go on. */
  readonly http = new HttpRequest();
  /** The reply: bytes `writer.start` to `writer.end` of `output`. */
  readonly writer: HttpReplyWriter;
  readonly output: Uint8Array;
  /** True: each answer is its connection's last. */
  isClosing = false;
  /** Told of each whole request and its place, when somebody wants to look at them. */
  onRequest: ((bytes: Uint8Array, start: number, end: number) => void) | undefined;
  readonly #tracker: Tracker;
  readonly #reply: AnnounceReply;

  /** `output`: room for HttpReplyWriter.bufferBytes of the policy's most peers; the front's, which sends from it. */
  constructor(tracker: Tracker, output: Uint8Array) {
    const peersMax = tracker.policy.numwantMax, peersAt = HTTP_HEAD_BYTES_MAX;
    this.#tracker = tracker;
    this.output = output;
    this.writer = new HttpReplyWriter(this.output, peersAt);
    this.#reply = new AnnounceReply(new Uint16Array(output.buffer, output.byteOffset, output.length >> 1));
    this.#reply.bothFamilies = true;
    this.#reply.at4 = peersAt >> 1;
    this.#reply.at6 = HttpReplyWriter.at6(peersAt, peersMax) >> 1;
  }

  /**
   * Answers the first request in the bytes from `start` to `end`, whose source is in the tracker's request. Returns
   * HTTP_WAIT, HTTP_REPLY or HTTP_OFFICE. `http.scanned` belongs to the connection: set it before, keep it after.
   */
  answer(bytes: Uint8Array, start: number, end: number): number {
    const gate = this.#tracker.gate;
    let kind = decodeHttpRequest(bytes, start, end, this.http);
    if (this.isClosing) this.http.keepAlive = false;
    // Who asks decides all that follows, the office's pages too: without an answer there is none.
    if (gate !== undefined && isWhole(kind) && !gate.findAddress(bytes, this.http)) kind = HTTP_FAILED;
    if (this.onRequest !== undefined && isWhole(kind)) this.onRequest(bytes, start, this.http.end);
    switch (kind) {
      case HTTP_INCOMPLETE:
        return HTTP_WAIT;
      case HTTP_ANNOUNCE:
        this.#announce(bytes);
        return HTTP_REPLY;
      case HTTP_SCRAPE:
        this.#scrape(bytes);
        return HTTP_REPLY;
      case HTTP_OTHER:
        return HTTP_OFFICE;
    }
    const isInvalid = kind === HTTP_INVALID;
    if (kind !== HTTP_FAILED) this.http.end = end;
    this.http.keepAlive = false;
    this.#tracker.counters[COUNTER.httpErrors + (isInvalid ? HTTP_ERROR.parse : HTTP_ERROR.internal)]++;
    this.writer.error(isInvalid ? "400 Invalid Request" : "500 Internal Server Error");
    return HTTP_REPLY;
  }

  #announce(bytes: Uint8Array): void {
    const tracker = this.#tracker, { queryStart, queryEnd } = this.http;
    const refusal = decodeAnnounceQuery(bytes, queryStart, queryEnd, tracker.request);
    if (refusal !== NOT_REFUSED) return this.#refuse(refusal);
    tracker.counters[COUNTER.tcpAnnounces]++;
    if (tracker.request.family === 6) tracker.counters[COUNTER.tcpAnnounces6]++;
    const gate = tracker.gate, peersMax = tracker.policy.numwantMax;
    if (gate === undefined) {
      tracker.announce(this.#reply, peersMax);
      return this.writer.announce(tracker.request, this.#reply, tracker.policy.nextInterval(), this.http);
    }
    const refusedBy = gate.announce(this.#reply, peersMax);
    if (refusedBy !== NOT_REFUSED) return this.#refuse(refusedBy);
    this.writer.announce(tracker.request, this.#reply, gate.intervalSeconds, this.http);
  }

  #scrape(bytes: Uint8Array): void {
    const tracker = this.#tracker, { queryStart, queryEnd } = this.http;
    const refusal = decodeScrapeQuery(bytes, queryStart, queryEnd, tracker.scrapeRequest);
    if (refusal !== NOT_REFUSED) return this.#refuse(refusal);
    tracker.counters[COUNTER.tcpScrapes]++;
    if (tracker.request.family === 6) tracker.counters[COUNTER.tcpScrapes6]++;
    const refusedBy = tracker.gate === undefined ? NOT_REFUSED : tracker.gate.scrape();
    if (refusedBy !== NOT_REFUSED) return this.#refuse(refusedBy);
    tracker.scrape();
    this.writer.scrape(tracker.scrapeRequest, tracker.scrapeReply, this.http);
  }

  #refuse(refusal: number): void {
    const tracker = this.#tracker;
    tracker.countRefusal(refusal);
    tracker.counters[COUNTER.httpErrors + errorOf(refusal)]++;
    const ownText = refusal === PLUGIN_REFUSED ? tracker.gate?.refusalText : undefined;
    this.writer.refusal(refusal, tracker.policy.intervalSeconds, this.http, ownText);
  }
}

/** A plugin failed at the client's address: answered with an error, then closed. */
const HTTP_FAILED = -1;

function isWhole(kind: number): boolean {
  return kind === HTTP_ANNOUNCE || kind === HTTP_SCRAPE || kind === HTTP_OTHER;
}

// Under which of opentracker's errors a refusal counts.
function errorOf(refusal: number): number {
  switch (refusal) {
    case COMPACT_BAD:
      return HTTP_ERROR.compact;
    case NOT_AUTHORIZED:
    case PLUGIN_REFUSED:
      return HTTP_ERROR.accessDenied;
    case PLUGIN_FAILED:
      return HTTP_ERROR.internal;
    default:
      return HTTP_ERROR.parameter;
  }
}
