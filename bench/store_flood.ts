/**
 * Floods of the swarm store alone: torrents of random hashes, one swarm of millions, or both, beside swarms that were
 * there before. Sweeps run as a front runs them, on a clock that goes by the announces made. flood.ts runs it as a
 * program of its own, with the scene as its argument: the memory in its figures is its own then.
 */
import process from "node:process";
import { AnnounceReply, EVENT_NONE } from "../src/bittorrent/announce.ts";
import { SweepPace } from "../src/front/sweep_pace.ts";
import { Clock, createClock } from "../src/stats/clock.ts";
import { COUNTER, COUNTERS } from "../src/stats/counters.ts";
import { createArena } from "../src/swarm/arena.ts";
import { SwarmStore } from "../src/swarm/swarm_store.ts";
import type { SwarmTotals } from "../src/swarm/totals.ts";
import { Policy } from "../src/tracker/policy.ts";
import { Tracker } from "../src/tracker/tracker.ts";

/** What comes. */
export interface FloodScene {
  readonly name: string;
  /** Budget. */
  readonly mebibytes: number;
  /** Announces of random hashes. */
  readonly hashes: number;
  /** Announces of one hash, each by another peer; they come between the others, in turns. */
  readonly peers: number;
}

/** What a flood came to. */
export interface FloodFigures {
  /** Announces a CPU second of known peers of known swarms: before, at the flood's end, and when it has expired. */
  readonly knownBefore: number;
  readonly knownFull: number;
  readonly knownAfter: number;
  /** Announces a CPU second of the flood: of its first tenth, and of its last. */
  readonly floodBegin: number;
  readonly floodEnd: number;
  /** What the counter of announces not stored said at the flood's end, and what the flood was told. */
  readonly notStored: number;
  readonly refused: number;
  /** Known swarms whose counts or peers were not what they were, of all looks at them. */
  readonly wrong: number;
  readonly looks: number;
  readonly full: SwarmTotals;
  readonly after: SwarmTotals;
  /** Resident memory of this process: with the known swarms, with the flood. */
  readonly residentBefore: number;
  readonly residentFull: number;
}

/** Swarms that are there before: their peers stay, and are looked for. */
export const KNOWN_TORRENTS = 20_000, KNOWN_PEERS = 10;
const NUMWANT = 50;
const PEER_AGE_MINUTES_MAX = 45;
/** Announces that a front makes in a second, for the clock. */
const RATE = 150_000;
/** Announces between two ticks of the sweep, which a front makes every 100 ms. */
const TICK = RATE / 10;
/** Known swarms looked at between two ticks. */
const LOOKS = 20;
/** Announces that a rate is measured over. */
const SAMPLE = 300_000;
const SEGMENTS = 10;

/** Runs `scene` in an arena of its own. */
export function floodStore(scene: FloodScene): FloodFigures {
  const flood = new Flood(scene);
  flood.fillKnown();
  const residentBefore = Deno.memoryUsage().rss, knownBefore = flood.knownRate();
  const rates: number[] = [];
  const dbg = Deno.env.get("DBG");
  for (let i = 0; i < SEGMENTS; i++) {
    rates.push(flood.segment());
    if (dbg) console.log(i, rates.at(-1), JSON.stringify(flood.totals()));
  }
  const residentFull = Deno.memoryUsage().rss, full = flood.totals(), { notStored } = flood;
  const knownFull = flood.knownRate();
  flood.lookAtAll();
  flood.expire();
  const after = flood.totals(), knownAfter = flood.knownRate(), { refused, wrong, looks } = flood;
  const known = { knownBefore, knownFull, knownAfter, wrong, looks, residentBefore, residentFull };
  return { ...known, floodBegin: rates[0], floodEnd: rates.at(-1)!, notStored, refused, full, after };
}

class Flood {
  /** See FloodFigures. */
  refused = 0;
  wrong = 0;
  looks = 0;
  readonly #scene: FloodScene;
  readonly #tracker: Tracker;
  readonly #pace: SweepPace;
  readonly #clock = new Clock(createClock());
  readonly #reply = new AnnounceReply(new Uint16Array(2048));
  /** Announces so far, which is the time. */
  #announces = 0;
  #hashes = 0;
  #peers = 0;
  #random = 0x9e3779b1;

  constructor(scene: FloodScene) {
    this.#scene = scene;
    const arena = createArena(scene.mebibytes, crypto.getRandomValues(new Int32Array(4)));
    const policy = new Policy({ intervalSeconds: 1800, numwantDefault: NUMWANT, numwantMax: 200 }, 1);
    const store = new SwarmStore(arena, 1, 1, PEER_AGE_MINUTES_MAX);
    this.#tracker = new Tracker(store, policy, new Float64Array(COUNTERS), this.#clock);
    this.#pace = new SweepPace(this.#tracker, 0, 1);
    this.#tracker.request.numwant = NUMWANT;
  }

  get notStored(): number {
    return this.#tracker.counters[COUNTER.notStored];
  }

  totals(): SwarmTotals {
    return this.#tracker.store.totals();
  }

  fillKnown(): void {
    for (let peer = 0; peer < KNOWN_PEERS; peer++) {
      for (let torrent = 0; torrent < KNOWN_TORRENTS; torrent++) this.#announceKnown(torrent, peer);
    }
  }

  /** Known peers announce again. Returns announces a CPU second. */
  knownRate(): number {
    const begunSeconds = cpuSeconds();
    for (let i = 0; i < SAMPLE; i++) {
      const at = this.#nextRandom() >>> 0;
      this.#announceKnown(at % KNOWN_TORRENTS, (at >>> 16) % KNOWN_PEERS);
    }
    return SAMPLE / (cpuSeconds() - begunSeconds);
  }

  /** A tenth of the flood. Returns its announces a CPU second, without the sweep and what is looked at between. */
  segment(): number {
    const { hashes, peers } = this.#scene, hashesEnd = this.#hashes + hashes / SEGMENTS;
    const peersEnd = this.#peers + peers / SEGMENTS, total = (hashes + peers) / SEGMENTS;
    let seconds = 0, made = 0;
    while (made < total) {
      const begunSeconds = cpuSeconds();
      for (let i = 0; i < TICK && made < total; i++, made++) {
        // In turns, as their numbers stand to each other.
        const isPeer = (peersEnd - this.#peers) * hashes > (hashesEnd - this.#hashes) * peers;
        if (isPeer || hashes === 0) this.#announceGiant(this.#peers++);
        else this.#announceRandom(this.#hashes++);
        if (!this.#reply.stored) this.refused++;
      }
      seconds += cpuSeconds() - begunSeconds;
      this.#tick();
      for (let i = 0; i < LOOKS; i++) this.#look((this.#nextRandom() >>> 0) % KNOWN_TORRENTS);
    }
    return total / seconds;
  }

  lookAtAll(): void {
    for (let torrent = 0; torrent < KNOWN_TORRENTS; torrent++) this.#look(torrent);
  }

  /** The time passes in which the flood expires; known peers go on announcing. */
  expire(): void {
    const ticks = (PEER_AGE_MINUTES_MAX + 3) * 60 * RATE / TICK;
    for (let tick = 0, peer = 0; tick < ticks; tick++) {
      // A few announces stand for many.
      this.#announces += TICK;
      for (let i = 0; i < LOOKS; i++, peer++) {
        this.#announceKnown(peer % KNOWN_TORRENTS, Math.floor(peer / KNOWN_TORRENTS) % KNOWN_PEERS);
      }
      this.#tick();
    }
  }

  // Whether a known swarm is what it was: its counts, and who is in it.
  #look(torrent: number): void {
    const reply = this.#reply, peer = (this.#nextRandom() >>> 0) % KNOWN_PEERS;
    this.looks++;
    this.#announceKnown(torrent, peer);
    const isWhole = reply.stored && reply.seeders + reply.leechers === KNOWN_PEERS && reply.ageMinutes >= 0;
    // A seeder is given the leechers, a leecher everyone but itself.
    const given = isSeeder(peer) ? reply.leechers : KNOWN_PEERS - 1;
    if (!isWhole || reply.peers4 !== given) this.wrong++;
  }

  #tick(): void {
    this.#clock.second = Math.floor(this.#announces / RATE);
    this.#pace.tick();
  }

  #announceKnown(torrent: number, peer: number): void {
    const hash = this.#tracker.request.infoHash;
    for (let i = 0; i < 5; i++) hash[i] = Math.imul(torrent + 1, 0x85ebca6b + i * 2);
    this.#announce(torrent * KNOWN_PEERS + peer, isSeeder(peer));
  }

  #announceRandom(peer: number): void {
    const hash = this.#tracker.request.infoHash;
    for (let i = 0; i < 5; i++) hash[i] = this.#nextRandom();
    this.#announce(peer, false);
  }

  #announceGiant(peer: number): void {
    this.#tracker.request.infoHash.fill(-1);
    this.#announce(peer, peer % 4 === 0);
  }

  #announce(peer: number, seeder: boolean): void {
    const { request } = this.#tracker;
    request.event = EVENT_NONE;
    request.address[0] = Math.imul(peer, 0x9e3779b1);
    request.portWord = 6881;
    request.seeder = seeder;
    this.#announces++;
    this.#tracker.announce(this.#reply, NUMWANT);
  }

  /** xorshift32. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return this.#random = x;
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function isSeeder(peer: number): boolean {
  return peer % 4 === 0;
}

if (import.meta.main) console.log(JSON.stringify(floodStore(JSON.parse(Deno.args[0]))));
