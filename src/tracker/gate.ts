/**
 * What stands between a decoded request and the store when the operator has set rules: access lists and the hot slots of
 * plugins. A front without rules has no gate. It fails closed: a slot that throws refuses its request.
 */
import { setAddressText } from "../bittorrent/address.ts";
import { type AnnounceReply, type AnnounceRequest, EVENT_STOPPED } from "../bittorrent/announce.ts";
import { NOT_AUTHORIZED, NOT_REFUSED, PLUGIN_FAILED, PLUGIN_REFUSED } from "../bittorrent/refusal.ts";
import type { ScrapeRequest } from "../bittorrent/scrape.ts";
import { AccessSets } from "../access/access_sets.ts";
import type { AnnounceShape, Plugin } from "../plugin/api.ts";
import { countFault, PLUGIN_COUNTER, SLOW_MS } from "../plugin/counters.ts";
import { Life } from "../plugin/life.ts";
import { refusePromise, textOf } from "../plugin/slot_result.ts";
import type { TellWriter } from "../stats/tell_ring.ts";
import type { HttpRequest } from "../wire/http_request.ts";
import { Question, ScrapeView } from "./question.ts";
import type { Policy } from "./policy.ts";

/** Longest text of a plugin's refusal that is passed on: what fits a UDP packet beside everything else. */
const REFUSAL_CHARS_MAX = 200;
/** Bounds of an interval that a plugin may set. */
const INTERVAL_SECONDS_MIN = 1, INTERVAL_SECONDS_MAX = 604_800;

/** A plugin with slots for a front. */
export interface GatePlugin {
  readonly plugin: Plugin;
  /** Its row of counters there. */
  readonly row: Float64Array;
  /** Its number in the signs of life. */
  readonly mark: number;
}

/** What a gate does with a hash that no list allows. */
export type Unknown = "refuse" | "empty";

/** The tracker behind a gate. */
export interface Gated {
  readonly request: AnnounceRequest;
  readonly scrapeRequest: ScrapeRequest;
  readonly policy: Policy;
  readonly second: number;
  announce(reply: AnnounceReply, peersMax: number): void;
}

/** The rules of one front. */
export class Gate {
  readonly access = new AccessSets();
  unknown: Unknown = "refuse";
  /** Told of every announce that was answered. */
  ring: TellWriter | undefined;
  /** After PLUGIN_REFUSED: what the client is told. Printable ASCII. */
  refusalText = "";
  /** After an announce that is answered: when the client shall come back. */
  intervalSeconds = 0;
  readonly question: Question;
  readonly #scrape: ScrapeView;
  readonly #tracker: Gated;
  readonly #now: () => number;
  readonly #life: Life;
  readonly #shape: AnnounceShape = { intervalSeconds: 0, numwant: 0 };
  #address: readonly GatePlugin[] = [];
  #admitAnnounce: readonly GatePlugin[] = [];
  #admitScrape: readonly GatePlugin[] = [];
  #shapers: readonly GatePlugin[] = [];

  /** `now`: milliseconds on the monotonic clock. `life`: told which plugin the front is in. */
  constructor(tracker: Gated, now: () => number, life = new Life()) {
    this.#tracker = tracker;
    this.#now = now;
    this.#life = life;
    this.question = new Question(tracker.request);
    this.#scrape = new ScrapeView(this.question, tracker.scrapeRequest);
  }

  /** Takes new plugins in the place of the old. */
  swap(plugins: readonly GatePlugin[]): void {
    this.#address = plugins.filter(({ plugin }) => plugin.clientAddress !== undefined);
    this.#admitAnnounce = plugins.filter(({ plugin }) => plugin.admitAnnounce !== undefined);
    this.#admitScrape = plugins.filter(({ plugin }) => plugin.admitScrape !== undefined);
    this.#shapers = plugins.filter(({ plugin }) => plugin.shapeAnnounce !== undefined);
  }

  /** Whether a plugin may say who the client is. */
  get findsAddresses(): boolean {
    return this.#address.length > 0;
  }

  /** Sets the client's address of an HTTP request. False when a plugin failed: the request must not go on. */
  findAddress(bytes: Uint8Array, http: HttpRequest): boolean {
    this.question.takeHttp(bytes, http);
    for (let i = 0; i < this.#address.length; i++) {
      const { plugin, row, mark } = this.#address[i], begunMs = this.#enter(mark);
      let text: string | undefined;
      try {
        text = textOf("clientAddress", plugin.clientAddress!(this.question));
      } catch (error) {
        countFault(plugin.name, "clientAddress", row, error);
        return false;
      } finally {
        this.#leave(mark, row, begunMs);
      }
      if (text === undefined) continue;
      if (setAddressText(this.#tracker.request, text)) return true;
      countFault(plugin.name, "clientAddress", row, new Error("clientAddress must return the text of an IP address"));
      return false;
    }
    return true;
  }

  /** Carries out the announce of the question at hand, or returns why not. */
  announce(reply: AnnounceReply, peersMax: number): number {
    const { request, policy } = this.#tracker;
    // Plugins shape what the operator has set; what shedding makes of it comes after them.
    this.intervalSeconds = policy.nextPlainInterval();
    if (request.event === EVENT_STOPPED) return this.#stop(reply, peersMax);
    if (this.access.denies(request.infoHash)) return NOT_AUTHORIZED;
    if (this.access.misses(request.infoHash)) return this.#answerUnknown(reply);
    const refusal = this.#admit();
    if (refusal === NOT_REFUSED) this.#carryOut(reply, peersMax);
    return refusal;
  }

  /** Whether the scrape of the question at hand may be answered: NOT_REFUSED, or why not. */
  scrape(): number {
    for (let i = 0; i < this.#admitScrape.length; i++) {
      const { plugin, row, mark } = this.#admitScrape[i], begunMs = this.#enter(mark);
      try {
        const text = textOf("admitScrape", plugin.admitScrape!(this.#scrape));
        if (text !== undefined) return this.#refuse(row, text);
      } catch (error) {
        countFault(plugin.name, "admitScrape", row, error);
        return PLUGIN_FAILED;
      } finally {
        this.#leave(mark, row, begunMs);
      }
    }
    return NOT_REFUSED;
  }

  // Anyone may leave, also a swarm that it may not enter; but then it learns nothing of the swarm.
  #stop(reply: AnnounceReply, peersMax: number): number {
    const { access } = this, { infoHash } = this.#tracker.request;
    const isAdmitted = !access.denies(infoHash) && !access.misses(infoHash) && this.#admit() === NOT_REFUSED;
    this.#carryOut(reply, peersMax);
    if (!isAdmitted) reply.seeders = reply.leechers = reply.completed = 0;
    return NOT_REFUSED;
  }

  #carryOut(reply: AnnounceReply, peersMax: number): void {
    const tracker = this.#tracker, { request, policy } = tracker;
    if (this.#shapers.length > 0) this.#shapeAnnounce();
    this.intervalSeconds = policy.stretched(this.intervalSeconds);
    tracker.announce(reply, peersMax);
    this.ring?.tell(request, this.question.protocol === "udp", tracker.second);
  }

  #admit(): number {
    const isStop = this.#tracker.request.event === EVENT_STOPPED;
    for (let i = 0; i < this.#admitAnnounce.length; i++) {
      const { plugin, row, mark } = this.#admitAnnounce[i], begunMs = this.#enter(mark);
      try {
        const text = textOf("admitAnnounce", plugin.admitAnnounce!(this.question));
        // A stop is carried out all the same: nothing is refused that could be counted.
        if (text !== undefined) return isStop ? PLUGIN_REFUSED : this.#refuse(row, text);
      } catch (error) {
        countFault(plugin.name, "admitAnnounce", row, error);
        return PLUGIN_FAILED;
      } finally {
        this.#leave(mark, row, begunMs);
      }
    }
    return NOT_REFUSED;
  }

  #shapeAnnounce(): void {
    const { request, policy } = this.#tracker, shape = this.#shape;
    shape.intervalSeconds = this.intervalSeconds;
    shape.numwant = policy.peersFor(request.numwant);
    for (let i = 0; i < this.#shapers.length; i++) {
      const { intervalSeconds, numwant } = shape;
      const { plugin, row, mark } = this.#shapers[i], begunMs = this.#enter(mark);
      try {
        refusePromise("shapeAnnounce", plugin.shapeAnnounce!(this.question, shape));
        if (!Number.isFinite(shape.intervalSeconds) || !Number.isFinite(shape.numwant)) {
          throw new Error("shapeAnnounce must set numbers");
        }
      } catch (error) {
        countFault(plugin.name, "shapeAnnounce", row, error);
        shape.intervalSeconds = intervalSeconds;
        shape.numwant = numwant;
      } finally {
        this.#leave(mark, row, begunMs);
      }
    }
    const seconds = Math.floor(shape.intervalSeconds);
    this.intervalSeconds = Math.max(INTERVAL_SECONDS_MIN, Math.min(INTERVAL_SECONDS_MAX, seconds));
    request.numwant = Math.max(0, Math.floor(shape.numwant));
  }

  // A swarm that nobody is in, and that the asker does not enter.
  #answerUnknown(reply: AnnounceReply): number {
    if (this.unknown === "refuse") return NOT_AUTHORIZED;
    this.intervalSeconds = this.#tracker.policy.stretched(this.intervalSeconds);
    reply.seeders =
      reply.leechers =
      reply.completed =
      reply.peers4 =
      reply.peers6 =
        0;
    return NOT_REFUSED;
  }

  #refuse(row: Float64Array, text: string): number {
    row[PLUGIN_COUNTER.refused]++;
    this.refusalText = text.slice(0, REFUSAL_CHARS_MAX).replace(/[^\x20-\x7e]/g, "?");
    return PLUGIN_REFUSED;
  }

  // Returns when the slot began, in milliseconds.
  #enter(mark: number): number {
    this.#life.enter(mark);
    return this.#now();
  }

  #leave(mark: number, row: Float64Array, begunMs: number): void {
    const ms = this.#now() - begunMs;
    this.#life.leave(mark);
    row[PLUGIN_COUNTER.calls]++;
    if (ms < SLOW_MS) return;
    row[PLUGIN_COUNTER.slow]++;
    if (ms > row[PLUGIN_COUNTER.slowestMs]) row[PLUGIN_COUNTER.slowestMs] = ms;
  }
}
