/**
 * One HTTP request, from a connection's bytes to the bytes of its answer. What is neither announce nor scrape is left
 * to the front, which hands it to the office.
 */
import { AnnounceReply } from "../bittorrent/announce.ts";
import {
  ASKED_TOO_OFTEN,
  COMPACT_BAD,
  NETWORK_DENIED,
  NOT_AUTHORIZED,
  NOT_REFUSED,
  PLUGIN_FAILED,
  PLUGIN_REFUSED,
} from "../bittorrent/refusal.ts";
import { COUNTER, HTTP_ERROR, RESULT } from "../stats/counters.ts";
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

const ANSWERED = RESULT.http + RESULT.answered, REFUSED = RESULT.http + RESULT.refused;

/** More bytes are needed. */
export const HTTP_WAIT = 0;
/** The reply is ready in the output. */
export const HTTP_REPLY = 1;
/** The request is the office's. */
export const HTTP_OFFICE = 2;

/**
 * When an address over its limit is told to come back: long after a burst has been forgiven, and much sooner than the
 * interval, because many may share the address and only one of them ask too often.
 */
const TOO_OFTEN_SECONDS = 600;

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
  /** The request at hand is one more than its address may make. */
  #isOver = false;

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
    let kind = decodeHttpRequest(bytes, start, end, this.http);
    if (this.isClosing) this.http.keepAlive = false;
    if (isWhole(kind)) kind = this.#identify(bytes, kind);
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
        if (!this.#isOver) return HTTP_OFFICE;
        this.#refuseTooOften();
        return HTTP_REPLY;
      case HTTP_DENIED:
        this.#tracker.counters[COUNTER.deniedRequests]++;
        this.#refuse(NETWORK_DENIED);
        return HTTP_REPLY;
    }
    const isInvalid = kind === HTTP_INVALID;
    this.#tracker.countResult(REFUSED);
    if (kind !== HTTP_FAILED) this.http.end = end;
    this.http.keepAlive = false;
    this.#tracker.counters[COUNTER.httpErrors + (isInvalid ? HTTP_ERROR.parse : HTTP_ERROR.internal)]++;
    this.writer.error(isInvalid ? "400 Invalid Request" : "500 Internal Server Error");
    return HTTP_REPLY;
  }

  // Who asks decides all that follows, the office's pages too: without an answer there is none. Returns `kind`, or what
  // is to be done instead.
  #identify(bytes: Uint8Array, kind: number): number {
    const tracker = this.#tracker, { gate, shield, denied, request, second } = tracker, isProxied = tracker.isProxied;
    this.#isOver = shield !== undefined && !isProxied && !shield.takesProven(request, second);
    if (gate !== undefined && !gate.findAddress(bytes, this.http)) return HTTP_FAILED;
    if (tracker.isShedding) tracker.policy.shed(tracker.shedding!.http(request.family));
    if (isProxied) {
      if (denied !== undefined && denied.holds(request)) return HTTP_DENIED;
      this.#isOver = shield !== undefined && !shield.takesProven(request, second);
    } else if (this.#isOver) this.http.keepAlive = false;
    return kind;
  }

  #announce(bytes: Uint8Array): void {
    const tracker = this.#tracker, { queryStart, queryEnd } = this.http;
    const refusal = decodeAnnounceQuery(bytes, queryStart, queryEnd, tracker.request);
    if (this.#isOver) {
      if (refusal !== NOT_REFUSED || !tracker.settles) return this.#refuseTooOften();
      tracker.counters[COUNTER.shieldSettled]++;
    }
    if (refusal !== NOT_REFUSED) return this.#refuse(refusal);
    tracker.counters[COUNTER.tcpAnnounces]++;
    if (tracker.request.family === 6) tracker.counters[COUNTER.tcpAnnounces6]++;
    const gate = tracker.gate, peersMax = tracker.policy.numwantMax;
    if (gate === undefined) {
      tracker.announce(this.#reply, peersMax);
      tracker.countResult(ANSWERED);
      return this.writer.announce(tracker.request, this.#reply, tracker.policy.nextInterval(), this.http);
    }
    const refusedBy = gate.announce(this.#reply, peersMax);
    if (refusedBy !== NOT_REFUSED) return this.#refuse(refusedBy);
    tracker.countResult(ANSWERED);
    this.writer.announce(tracker.request, this.#reply, gate.intervalSeconds, this.http);
  }

  #scrape(bytes: Uint8Array): void {
    if (this.#isOver) return this.#refuseTooOften();
    const tracker = this.#tracker, { queryStart, queryEnd } = this.http;
    const refusal = decodeScrapeQuery(bytes, queryStart, queryEnd, tracker.scrapeRequest);
    if (refusal !== NOT_REFUSED) return this.#refuse(refusal);
    tracker.counters[COUNTER.tcpScrapes]++;
    if (tracker.request.family === 6) tracker.counters[COUNTER.tcpScrapes6]++;
    const refusedBy = tracker.gate === undefined ? NOT_REFUSED : tracker.gate.scrape();
    if (refusedBy !== NOT_REFUSED) return this.#refuse(refusedBy);
    tracker.scrape();
    tracker.countResult(ANSWERED);
    this.writer.scrape(tracker.scrapeRequest, tracker.scrapeReply, this.http);
  }

  #refuse(refusal: number): void {
    const tracker = this.#tracker;
    tracker.countRefusal(refusal);
    tracker.countResult(REFUSED);
    tracker.counters[COUNTER.httpErrors + errorOf(refusal)]++;
    const ownText = refusal === PLUGIN_REFUSED ? tracker.gate?.refusalText : undefined;
    const { policy } = tracker;
    this.writer.refusal(refusal, policy.stretched(policy.intervalSeconds), this.http, ownText);
  }

  #refuseTooOften(): void {
    const { counters } = this.#tracker;
    counters[COUNTER.shieldRequests]++;
    counters[COUNTER.httpErrors + errorOf(ASKED_TOO_OFTEN)]++;
    this.#tracker.countRefusal(ASKED_TOO_OFTEN);
    this.#tracker.countResult(REFUSED);
    this.writer.refusal(ASKED_TOO_OFTEN, TOO_OFTEN_SECONDS, this.http);
  }
}

/** A plugin failed at the client's address: answered with an error, then closed. */
const HTTP_FAILED = -1;
/** The client behind a proxy is in a network that is not served: told so, because the connection is the proxy's. */
const HTTP_DENIED = -2;

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
    case ASKED_TOO_OFTEN:
    case NETWORK_DENIED:
      return HTTP_ERROR.accessDenied;
    case PLUGIN_FAILED:
      return HTTP_ERROR.internal;
    default:
      return HTTP_ERROR.parameter;
  }
}
