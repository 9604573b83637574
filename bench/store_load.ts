/**
 * Announces put straight to the swarm store, without packets: what the store alone can do. The peers are numbered and
 * everything about peer i follows from i, as in load.h, so that an announce after the fill comes from a peer that is
 * there, as most announces of a real tracker do.
 */
import process from "node:process";
import { AnnounceReply, AnnounceRequest, EVENT_NONE, EVENT_STOPPED } from "../src/bittorrent/announce.ts";
import { SwarmStore } from "../src/swarm/swarm_store.ts";

/** Swarms to announce to, and how. */
export interface StoreScene {
  readonly torrents: number;
  /** IPv4 peers in all torrents together. */
  readonly peers: number;
  /** Announces that leave the swarm, in percent. The peer comes back with its next announce. */
  readonly stoppedPercent: number;
}

/** What a run came to. */
export interface StoreRun {
  readonly announces: number;
  readonly seconds: number;
  /** CPU time of the whole process in that time: of this thread, where there is only one. */
  readonly cpuSeconds: number;
  readonly peersPerReply: number;
}

/** Peers asked for in each announce. */
const NUMWANT = 50;
/** Announces between two looks at the clock. */
const ROUND = 1000;
const PEER_AGE_MINUTES_MAX = 45;
const SEEDERS_PERCENT = 25;

/** One thread that announces. */
export class StoreLoad {
  readonly store: SwarmStore;
  readonly #scene: StoreScene;
  readonly #request = new AnnounceRequest();
  readonly #reply = new AnnounceReply(new Uint16Array(2048));
  readonly #infoHashes: Int32Array;
  #random: number;

  /** `owner`: number of the thread, from 1. */
  constructor(arena: SharedArrayBuffer, owner: number, scene: StoreScene) {
    this.store = new SwarmStore(arena, owner, owner * 7919, PEER_AGE_MINUTES_MAX);
    this.#scene = scene;
    this.#random = owner * 0x9e3779b1 | 1;
    this.#infoHashes = new Int32Array(scene.torrents * 5);
    for (let i = 0; i < this.#infoHashes.length; i++) this.#infoHashes[i] = scramble(i + 1);
    this.#reply.peersMax = NUMWANT;
  }

  /** Puts every peer into its swarm, once. */
  fill(): void {
    for (let peer = 0; peer < this.#scene.peers; peer++) this.#announce(peer, EVENT_NONE);
  }

  /** Announces random peers for `seconds`. */
  run(seconds: number): StoreRun {
    const { peers, stoppedPercent } = this.#scene;
    const start = performance.now(), end = start + seconds * 1000, cpuBefore = process.cpuUsage();
    let announces = 0, peersInReplies = 0, now = start;
    while (now < end) {
      for (let i = 0; i < ROUND; i++) {
        const event = stoppedPercent > 0 && this.#nextRandom() % 100 < stoppedPercent ? EVENT_STOPPED : EVENT_NONE;
        this.#announce(this.#nextRandom() % peers, event);
        peersInReplies += this.#reply.peers4;
      }
      announces += ROUND;
      now = performance.now();
    }
    const cpu = process.cpuUsage(cpuBefore);
    return {
      announces,
      seconds: (now - start) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      peersPerReply: peersInReplies / announces,
    };
  }

  #announce(peer: number, event: number): void {
    const request = this.#request, first = peer % this.#scene.torrents * 5;
    for (let i = 0; i < 5; i++) request.infoHash[i] = this.#infoHashes[first + i];
    const noise = scramble(peer + 1);
    request.address[0] = noise;
    request.portWord = noise >>> 7 & 0xffff | 1;
    request.seeder = (noise >>> 1) % 100 < SEEDERS_PERCENT;
    request.event = event;
    this.store.announce(request, this.#reply);
  }

  /** xorshift32, 0 to 2^32 - 1. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }
}

/** A number of 32 bits for each number of 32 bits, no two alike. */
function scramble(x: number): number {
  x = Math.imul(x ^ x >>> 16, 0x85ebca6b);
  x = Math.imul(x ^ x >>> 13, 0xc2b2ae35);
  return x ^ x >>> 16;
}
