/**
 * What HTTP and UDP have in common once their bytes are decoded: one visit to the store, and what is counted of it.
 * One tracker a front; the doors of its protocols share it.
 */
import type { AnnounceReply } from "../bittorrent/announce.ts";
import { AnnounceRequest, EVENT_COMPLETED, EVENT_STOPPED } from "../bittorrent/announce.ts";
import { NOT_REFUSED } from "../bittorrent/refusal.ts";
import { ScrapeReply, ScrapeRequest } from "../bittorrent/scrape.ts";
import type { NetworkRanges } from "../access/network_ranges.ts";
import { NetworkSet } from "../access/networks.ts";
import type { ShedControl } from "../shield/shed_steps.ts";
import type { Shield } from "../shield/shield.ts";
import type { Clock } from "../stats/clock.ts";
import { COUNTER, NUMWANTS, RENEW_MINUTES_MAX, RESULT, TURN_BUCKETS } from "../stats/counters.ts";
import { createNetworkCounts, FrontNetworks, HASTY_MINUTES_MAX } from "../stats/network_counts.ts";
import type { SwarmStore } from "../swarm/swarm_store.ts";
import type { Gate } from "./gate.ts";
import type { Policy } from "./policy.ts";

/** The deciding part of one front. */
export class Tracker {
  /** The request at hand; its address is set by the front before a door is entered. */
  readonly request = new AnnounceRequest();
  readonly scrapeRequest = new ScrapeRequest();
  readonly scrapeReply = new ScrapeReply();
  /** Seconds since the start, as of the batch at hand. */
  second = 0;
  /** The operator's rules; undefined = there are none. */
  gate: Gate | undefined = undefined;
  /** Limits how often an address may ask; undefined = nobody is limited. */
  shield: Shield | undefined = undefined;
  /** Networks that are not served (access.deny_networks); undefined = none. */
  denied: NetworkRanges | undefined = undefined;
  /** Proxies whose word on a client's address is taken. */
  proxies = new NetworkSet([]);
  /** How much is left out while the tracker is behind; undefined = never anything. */
  shedding: ShedControl | undefined = undefined;
  /** Whether anything is left out, as of the batch at hand. */
  isShedding = false;

  constructor(
    readonly store: SwarmStore,
    readonly policy: Policy,
    readonly counters: Float64Array,
    readonly clock: Clock,
    readonly networks: FrontNetworks = new FrontNetworks(createNetworkCounts(1), 0),
  ) {}

  /** Reads the clock once for all requests until the next call. */
  beginBatch(): void {
    this.second = this.clock.second;
    this.store.minute = Math.floor(this.second / 60);
    if (this.shedding === undefined) return;
    this.store.peerAgeMinutesMax = this.shedding.peerAgeMinutesMax;
    const isShedding = this.shedding.isOn;
    if (this.isShedding && !isShedding) this.policy.shed();
    this.isShedding = isShedding;
  }

  /** Whether the address at hand is in a network that is not served. A proxy's is not asked about: its client's is. */
  get isDenied(): boolean {
    return this.denied !== undefined && this.denied.holds(this.request) && !this.isProxied;
  }

  /** Whether the address at hand may have another connection. False is counted. */
  takesConnection(): boolean {
    if (this.shield === undefined || this.shield.takesProven(this.request, this.second)) return true;
    this.counters[COUNTER.shieldConnections]++;
    return false;
  }

  /**
   * Whether the request at hand comes through a proxy whose word on the client's address is taken: then the client counts,
   * and not who has the connection. Before the address has been asked for.
   */
  get isProxied(): boolean {
    return this.gate !== undefined && this.gate.findsAddresses && this.proxies.holds(this.request);
  }

  /**
   * Whether the decoded announce does no more than settle what is stored: the stop of a peer that is in the swarm, or its
   * first completed. Each was paid for by the announce that put the peer there, so that they need no limit.
   */
  get settles(): boolean {
    const { request } = this, isStop = request.event === EVENT_STOPPED;
    if (!isStop && (request.event !== EVENT_COMPLETED || !request.seeder)) return false;
    return this.store.knows(request, !isStop);
  }

  /** Carries out the decoded announce. `peersMax`: what the protocol's reply has room for. */
  announce(reply: AnnounceReply, peersMax: number): void {
    const { request, counters } = this, wanted = this.policy.peersFor(request.numwant);
    reply.peersMax = wanted < peersMax ? wanted : peersMax;
    this.store.announce(request, reply);
    if (reply.newlyCompleted) counters[COUNTER.completed]++;
    if (!reply.stored) counters[COUNTER.notStored]++;
    counters[COUNTER.numwants + (wanted < NUMWANTS ? wanted : NUMWANTS - 1)]++;
    this.networks.busy.note(request.address, request.family);
    if (reply.ageMinutes < 0 || request.event === EVENT_STOPPED) return;
    counters[COUNTER.renews + Math.min(reply.ageMinutes, RENEW_MINUTES_MAX - 1)]++;
    if (reply.ageMinutes > 0 && reply.ageMinutes < HASTY_MINUTES_MAX) {
      this.networks.hasty.note(request.address, request.family);
    }
  }

  /** Looks up every hash of the decoded scrape. */
  scrape(): void {
    const { scrapeRequest, scrapeReply, store } = this;
    for (let i = 0; i < scrapeRequest.count; i++) store.scrape(scrapeRequest.infoHashes[i], scrapeReply, i);
  }

  /** Counts what became of the request at hand. `result`: the sum of a protocol and a result of RESULT. */
  countResult(result: number): void {
    this.counters[COUNTER.results + result + (this.request.family === 6 ? RESULT.ipv6 : 0)]++;
  }

  /** Counts what a front answered at once, by how long it took: its last request was not answered before. */
  countTurn(microseconds: number): void {
    const { counters } = this, whole = Math.ceil(microseconds);
    counters[COUNTER.turnMicroseconds] += whole;
    counters[COUNTER.turns + Math.min(TURN_BUCKETS - 1, whole < 2 ? 0 : 32 - Math.clz32(whole - 1))]++;
  }

  /** Counts a refusal by its reason. */
  countRefusal(refusal: number): void {
    if (refusal !== NOT_REFUSED) this.counters[COUNTER.refusals + refusal]++;
  }
}
