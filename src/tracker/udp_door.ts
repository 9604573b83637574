/**
 * One UDP packet, from its bytes to the bytes of its answer. Who may ask at all is decided first; connection ids are
 * checked before anything else is read, and what is sent to an unproven address is never longer than what came from it.
 */
import { AnnounceReply } from "../bittorrent/announce.ts";
import { CONNECTION_ID_BAD, NOT_REFUSED, PLUGIN_REFUSED } from "../bittorrent/refusal.ts";
import { COUNTER, RESULT } from "../stats/counters.ts";
import type { Shield } from "../shield/shield.ts";
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
  UDP_SCRAPE,
  udpAction,
  udpErrorBytes,
  udpSettles,
} from "../wire/udp.ts";
import type { Tracker } from "./tracker.ts";

const ANSWERED = RESULT.udp + RESULT.answered, REFUSED = RESULT.udp + RESULT.refused;
const DROPPED = RESULT.udp + RESULT.dropped;
const PEERS4_MAX = Math.floor((UDP_REPLY_BYTES_MAX - UDP_ANNOUNCE_REPLY_BYTES) / 6);
const PEERS6_MAX = Math.floor((UDP_REPLY_BYTES_MAX - UDP_ANNOUNCE_REPLY_BYTES) / 18);

/** UDP requests of one front. */
export class UdpDoor {
  readonly #tracker: Tracker;
  readonly #ids: ConnectionIds;
  readonly #in: PacketBuffer;
  readonly #out: PacketBuffer;
  readonly #reply: AnnounceReply;
  /** Counts up to eight, for leaving out some of eight. */
  #eighth = 0;

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
    const tracker = this.#tracker, { counters, request, second, denied, shield } = tracker, ids = this.#ids;
    counters[COUNTER.udpPackets]++;
    if (request.family === 6) counters[COUNTER.udpPackets6]++;
    if (denied !== undefined && denied.holds(request)) return this.#drop(COUNTER.deniedDatagrams);
    if (tracker.isShedding && this.#sheds(at, length)) return this.#drop(COUNTER.shedDatagrams);
    if (shield !== undefined && !shield.takesDatagram(request, second)) {
      return this.#answerProven(at, length, outAt, shield);
    }
    const action = udpAction(this.#in, at, length);
    if (action === UDP_DROP) return this.#drop();
    if (action === UDP_CONNECT) {
      counters[COUNTER.udpConnects]++;
      if (request.family === 6) counters[COUNTER.udpConnects6]++;
      tracker.countResult(ANSWERED);
      ids.issue(request, second);
      return encodeUdpConnect(this.#out, outAt, this.#in, at, ids.high, ids.low);
    }
    if (!this.#hasGoodId(at)) return this.#mismatch(at, length, outAt);
    return action === UDP_ANNOUNCE ? this.#announce(at, length, outAt) : this.#scrape(at, length, outAt);
  }

  #hasGoodId(at: number): boolean {
    const { request, second } = this.#tracker, packet = this.#in;
    return this.#ids.isGood(request, connectionIdHigh(packet, at), connectionIdLow(packet, at), second);
  }

  // A datagram of an address over its limit. Others may have brought it there, who only say that it is theirs: a good
  // connection id, which they cannot have, opens a limit of its own, and what settles something stored has none.
  #answerProven(at: number, length: number, outAt: number, shield: Shield): number {
    const tracker = this.#tracker, { request, counters } = tracker, action = udpAction(this.#in, at, length);
    const isRequest = action === UDP_ANNOUNCE || action === UDP_SCRAPE;
    if (!isRequest || !this.#hasGoodId(at)) return this.#drop(COUNTER.shieldDatagrams);
    if (shield.takesProven(request, tracker.second)) {
      return action === UDP_ANNOUNCE ? this.#announce(at, length, outAt) : this.#scrape(at, length, outAt);
    }
    if (action !== UDP_ANNOUNCE) return this.#drop(COUNTER.shieldDatagrams);
    decodeUdpAnnounce(this.#in, at, length, request);
    if (!tracker.settles) return this.#drop(COUNTER.shieldDatagrams);
    counters[COUNTER.shieldSettled]++;
    this.#countAnnounce();
    return this.#carryOut(at, outAt);
  }

  // Serves as the step in force says. True: this datagram is one of those it leaves out.
  #sheds(at: number, length: number): boolean {
    const tracker = this.#tracker, step = tracker.shedding!.udp(tracker.request.family);
    tracker.policy.shed(step);
    const action = udpAction(this.#in, at, length);
    const eighths = action === UDP_CONNECT ? step.connectEighths : step.otherEighths;
    if (eighths === 0) return false;
    this.#eighth = (this.#eighth + 1) & 7;
    if (this.#eighth >= eighths) return false;
    // What was stored is settled all the same; strangers only say that they stop.
    return action !== UDP_ANNOUNCE || !udpSettles(this.#in, at) || !this.#hasGoodId(at);
  }

  #countAnnounce(): void {
    const { counters, request } = this.#tracker;
    counters[COUNTER.udpAnnounces]++;
    if (request.family === 6) counters[COUNTER.udpAnnounces6]++;
  }

  #announce(at: number, length: number, outAt: number): number {
    this.#countAnnounce();
    decodeUdpAnnounce(this.#in, at, length, this.#tracker.request);
    return this.#carryOut(at, outAt);
  }

  // Carries out the decoded announce.
  #carryOut(at: number, outAt: number): number {
    const tracker = this.#tracker, request = tracker.request, reply = this.#reply;
    reply.at4 = reply.at6 = (outAt + UDP_ANNOUNCE_REPLY_BYTES) >> 1;
    const peersMax = request.family === 4 ? PEERS4_MAX : PEERS6_MAX, gate = tracker.gate;
    if (gate === undefined) {
      tracker.announce(reply, peersMax);
      tracker.countResult(ANSWERED);
      return encodeUdpAnnounce(this.#out, outAt, this.#in, at, tracker.policy.nextInterval(), reply);
    }
    gate.question.takeUdp(this.#in.bytes, request.extraStart, request.extraEnd);
    const refusedBy = gate.announce(reply, peersMax);
    if (refusedBy !== NOT_REFUSED) return this.#refuse(at, outAt, refusedBy, gate.refusalText);
    tracker.countResult(ANSWERED);
    return encodeUdpAnnounce(this.#out, outAt, this.#in, at, gate.intervalSeconds, reply);
  }

  #refuse(at: number, outAt: number, refusal: number, ownText: string): number {
    this.#tracker.countRefusal(refusal);
    this.#tracker.countResult(REFUSED);
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
    tracker.countResult(ANSWERED);
    return encodeUdpScrape(this.#out, outAt, this.#in, at, tracker.scrapeRequest.count, tracker.scrapeReply);
  }

  #mismatch(at: number, length: number, outAt: number): number {
    const { counters, request, second, shield } = this.#tracker;
    counters[COUNTER.udpMismatches]++;
    if (request.family === 6) counters[COUNTER.udpMismatches6]++;
    if (udpErrorBytes(CONNECTION_ID_BAD) > length) return this.#drop();
    if (shield !== undefined && !shield.answersBadId(request, second)) return this.#drop(COUNTER.shieldSilenced);
    this.#tracker.countResult(REFUSED);
    return encodeUdpError(this.#out, outAt, this.#in, at, CONNECTION_ID_BAD);
  }

  // Nothing is answered. `why`: the counter of that, if it has one of its own.
  #drop(why: number = COUNTER.udpDrops): number {
    const { counters } = this.#tracker;
    this.#tracker.countResult(DROPPED);
    counters[COUNTER.udpDrops]++;
    if (why !== COUNTER.udpDrops) counters[why]++;
    return 0;
  }
}
