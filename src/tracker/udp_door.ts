/**
 * One UDP packet, from its bytes to the bytes of its answer. Connection ids are checked before anything else is read,
 * and what is sent to an unproven address is never longer than what came from it.
 */
import { AnnounceReply } from "../bittorrent/announce.ts";
import { CONNECTION_ID_BAD, NOT_REFUSED, PLUGIN_REFUSED } from "../bittorrent/refusal.ts";
import { COUNTER } from "../stats/counters.ts";
import type { ConnectionIds } from "../wire/connection_id.ts";
import {
  connectionIdHigh,
  connectionIdLow,
  decodeUdpAnnounce,
  decodeUdpScrape,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpError,
  encodeUdpErrorText,
  encodeUdpScrape,
  type PacketBuffer,
  UDP_ANNOUNCE,
  UDP_ANNOUNCE_REPLY_BYTES,
  UDP_CONNECT,
  UDP_DROP,
  UDP_REPLY_BYTES_MAX,
  udpAction,
  udpErrorBytes,
} from "../wire/udp.ts";
import type { Tracker } from "./tracker.ts";

const PEERS4_MAX = Math.floor((UDP_REPLY_BYTES_MAX - UDP_ANNOUNCE_REPLY_BYTES) / 6);
const PEERS6_MAX = Math.floor((UDP_REPLY_BYTES_MAX - UDP_ANNOUNCE_REPLY_BYTES) / 18);

/** UDP requests of one front. */
export class UdpDoor {
  readonly #tracker: Tracker;
  readonly #ids: ConnectionIds;
  readonly #in: PacketBuffer;
  readonly #out: PacketBuffer;
  readonly #reply: AnnounceReply;

  /** `input` and `output`: the front's packet buffers; slots of `output` have room for UDP_REPLY_BYTES_MAX. */
  constructor(tracker: Tracker, ids: ConnectionIds, input: PacketBuffer, output: PacketBuffer) {
    this.#tracker = tracker;
    this.#ids = ids;
    this.#in = input;
    this.#out = output;
    this.#reply = new AnnounceReply(output.halves);
  }

  /**
   * Answers the packet of `length` bytes at `at`, whose source is in the tracker's request, into the output at `outAt`
   * (both multiples of 4). Returns the answer's length; 0 = none.
   */
  answer(at: number, length: number, outAt: number): number {
    const { counters, request, second } = this.#tracker, ids = this.#ids;
    counters[COUNTER.udpPackets]++;
    const action = udpAction(this.#in, at, length);
    if (action === UDP_DROP) return this.#drop();
    if (action === UDP_CONNECT) {
      counters[COUNTER.udpConnects]++;
      ids.issue(request, second);
      return encodeUdpConnect(this.#out, outAt, this.#in, at, ids.high, ids.low);
    }
    if (!ids.isGood(request, connectionIdHigh(this.#in, at), connectionIdLow(this.#in, at), second)) {
      return this.#mismatch(at, length, outAt);
    }
    return action === UDP_ANNOUNCE ? this.#announce(at, length, outAt) : this.#scrape(at, length, outAt);
  }

  #announce(at: number, length: number, outAt: number): number {
    const tracker = this.#tracker, request = tracker.request, reply = this.#reply;
    tracker.counters[COUNTER.udpAnnounces]++;
    if (request.family === 6) tracker.counters[COUNTER.udpAnnounces6]++;
    const refusal = decodeUdpAnnounce(this.#in, at, length, request);
    if (refusal !== NOT_REFUSED) {
      tracker.countRefusal(refusal);
      return encodeUdpError(this.#out, outAt, this.#in, at, refusal);
    }
    reply.at4 = reply.at6 = (outAt + UDP_ANNOUNCE_REPLY_BYTES) >> 1;
    const peersMax = request.family === 4 ? PEERS4_MAX : PEERS6_MAX, gate = tracker.gate;
    if (gate === undefined) {
      tracker.announce(reply, peersMax);
      return encodeUdpAnnounce(this.#out, outAt, this.#in, at, tracker.policy.nextInterval(), reply);
    }
    gate.question.takeUdp(this.#in.bytes, request.extraStart, request.extraEnd);
    const refusedBy = gate.announce(reply, peersMax);
    if (refusedBy !== NOT_REFUSED) return this.#refuse(at, outAt, refusedBy, gate.refusalText);
    return encodeUdpAnnounce(this.#out, outAt, this.#in, at, gate.intervalSeconds, reply);
  }

  #refuse(at: number, outAt: number, refusal: number, ownText: string): number {
    this.#tracker.countRefusal(refusal);
    return refusal === PLUGIN_REFUSED
      ? encodeUdpErrorText(this.#out, outAt, this.#in, at, ownText)
      : encodeUdpError(this.#out, outAt, this.#in, at, refusal);
  }

  #scrape(at: number, length: number, outAt: number): number {
    const tracker = this.#tracker;
    tracker.counters[COUNTER.udpScrapes]++;
    if (tracker.request.family === 6) tracker.counters[COUNTER.udpScrapes6]++;
    decodeUdpScrape(this.#in, at, length, tracker.scrapeRequest);
    const gate = tracker.gate;
    if (gate !== undefined) {
      gate.question.takeUdp(this.#in.bytes, at, at);
      const refusal = gate.scrape();
      if (refusal !== NOT_REFUSED) return this.#refuse(at, outAt, refusal, gate.refusalText);
    }
    tracker.scrape();
    return encodeUdpScrape(this.#out, outAt, this.#in, at, tracker.scrapeRequest.count, tracker.scrapeReply);
  }

  #mismatch(at: number, length: number, outAt: number): number {
    this.#tracker.counters[COUNTER.udpMismatches]++;
    if (udpErrorBytes(CONNECTION_ID_BAD) > length) return this.#drop();
    return encodeUdpError(this.#out, outAt, this.#in, at, CONNECTION_ID_BAD);
  }

  #drop(): number {
    this.#tracker.counters[COUNTER.udpDrops]++;
    return 0;
  }
}
