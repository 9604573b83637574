/**
 * The few: peers that come, finish, leave and come back, over every protocol, each step compared with a model at once.
 * One step after the other, on torrents of its own, so that what must be answered is known to the last peer.
 */
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STARTED, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { HttpTalk } from "../../test/contract/http_talk.ts";
import type { Client, Talk } from "../../test/contract/talk.ts";
import { UdpTalk } from "../../test/contract/udp_talk.ts";
import { NaiveSwarm, type NaiveTorrent } from "../../test/support/naive_swarm.ts";
import type { Random } from "../../test/support/random.ts";
import type { Account, Expectation } from "./model.ts";

/** Where a tracker listens on one address. */
export interface Address {
  readonly hostname: string;
  readonly httpPort: number;
  readonly udpPort: number;
}

/** Torrents of a walker, and peers of each that may be there; a bit more than half of them are. */
const TORRENTS = 20, SLOTS = 10;
/** A peer that has not announced for this long does so next: the tracker would forget it. */
const QUIET_MS_MAX = 30_000;
/** Steps with one socket or connection before it is closed for a new one. */
const STEPS_OF_TALK = 200;
const SCRAPED_MAX = 10, FIRST_PORT = 20_000;
const EVENTS = { "": EVENT_NONE, started: EVENT_STARTED, completed: EVENT_COMPLETED, stopped: EVENT_STOPPED } as const;

/** A way to talk to the tracker. */
interface Line {
  readonly hostname: string;
  readonly open: () => Promise<Talk>;
  /** A connection of one request. */
  readonly isShort: boolean;
  talk: Talk | undefined;
  steps: number;
}

/** One walker. */
export class Walker implements Account {
  /** Steps that were answered as they should be. */
  steps = 0;
  /** UDP requests that were repeated in want of an answer. */
  repeated = 0;
  completed = 0;
  readonly #random: Random;
  readonly #model = new NaiveSwarm(Infinity);
  readonly #hashes: readonly Uint8Array[];
  readonly #lines: readonly Line[];
  /** When each peer announced last, the longest ago first. */
  readonly #lastMs = new Map<string, number>();

  constructor(random: Random, addresses: readonly Address[]) {
    this.#random = random;
    this.#hashes = Array.from({ length: TORRENTS }, () => random.bytes(20));
    this.#lines = addresses.flatMap(({ hostname, httpPort, udpPort }) => [
      line(hostname, () => Promise.resolve(new UdpTalk(hostname, udpPort)), false),
      line(hostname, () => HttpTalk.connect(hostname, httpPort), false),
      line(hostname, () => HttpTalk.connect(hostname, httpPort), true),
    ]);
  }

  /** Steps until `isOver`. Rejects at the first answer that is not what it should be. */
  async walk(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (this.#random.oneIn(10)) await this.#scrape();
      else await this.#announce();
      this.steps++;
    }
  }

  /** Closes what is open. */
  close(): void {
    for (const line of this.#lines) this.#hangUp(line);
  }

  *expected(): Iterable<Expectation> {
    for (const hash of this.#hashes) {
      const infoHash = hash.toHex(), counts = this.#model.counts(infoHash);
      yield { infoHash, ...counts, isCertain: counts.seeders + counts.leechers > 0 };
    }
  }

  async #announce(): Promise<void> {
    const random = this.#random, { torrent, slot, line } = this.#nextPeer();
    const hash = this.#hashes[torrent]!, infoHash = hash.toHex(), port = FIRST_PORT + slot;
    const peer = `${line.hostname} ${port}`, known = this.#model.torrents.get(infoHash)?.peers.get(peer);
    const client: Client = { port, ...chooseStep(known, random) }, event = EVENTS[client.event ?? ""];
    const heard = await this.#ask(line, (talk) => talk.announce(hash, client));
    if ("refusal" in heard) throw new Error(`${infoHash}: refused with "${heard.refusal}"`);
    const wanted = this.#model.announce(infoHash, peer, client.left === 0, event, 0);
    if (wanted.newlyCompleted) this.completed++;
    const said = `${heard.seeders} seeders, ${heard.leechers} leechers`;
    if (heard.seeders !== wanted.seeders || heard.leechers !== wanted.leechers) {
      const should = `${wanted.seeders} and ${wanted.leechers}`;
      throw new Error(`${infoHash}: ${peer} ${client.event ?? "announces"} and hears of ${said}, not of ${should}`);
    }
    this.#checkPeers(infoHash, peer, heard.peers);
    this.#lastMs.delete(`${torrent} ${peer}`);
    if (event !== EVENT_STOPPED) this.#lastMs.set(`${torrent} ${peer}`, performance.now());
  }

  // Peers that are there, and never the asker.
  #checkPeers(infoHash: string, peer: string, heard: readonly string[]): void {
    const { peers } = this.#model.torrents.get(infoHash) ?? { peers: new Map() } as Pick<NaiveTorrent, "peers">;
    const wrong = heard.find((other) => other === peer || !peers.has(other));
    if (wrong !== undefined) throw new Error(`${infoHash}: ${peer} is told of ${wrong}`);
    if (new Set(heard).size !== heard.length) throw new Error(`${infoHash}: ${peer} is told of a peer twice`);
  }

  async #scrape(): Promise<void> {
    const random = this.#random, line = this.#lines[random.below(this.#lines.length)]!;
    const hashes = Array.from({ length: 1 + random.below(SCRAPED_MAX) }, () => this.#hashes[random.below(TORRENTS)]!);
    const heard = await this.#ask(line, (talk) => talk.scrape(hashes));
    for (const [i, hash] of hashes.entries()) {
      const wanted = this.#model.counts(hash.toHex()), { seeders, leechers, completed } = heard[i]!;
      const isSame = seeders === wanted.seeders && leechers === wanted.leechers && completed === wanted.completed;
      if (!isSame) {
        throw new Error(`${hash.toHex()}: scraped ${JSON.stringify(heard[i])}, not ${JSON.stringify(wanted)}`);
      }
    }
  }

  // The peer that was quiet for too long, or any.
  #nextPeer(): { torrent: number; slot: number; line: Line } {
    const random = this.#random, line = this.#lines[random.below(this.#lines.length)]!;
    const [oldest] = this.#lastMs;
    if (oldest === undefined || performance.now() - oldest[1] < QUIET_MS_MAX) {
      return { torrent: random.below(TORRENTS), slot: random.below(SLOTS), line };
    }
    const [torrent, hostname, port] = oldest[0].split(" ");
    const own = this.#lines.filter((line) => line.hostname === hostname);
    return { torrent: Number(torrent), slot: Number(port) - FIRST_PORT, line: own[random.below(own.length)]! };
  }

  // An answer that does not come is asked for again: a packet may be lost, and announcing twice changes nothing.
  async #ask<Answer>(line: Line, question: (talk: Talk) => Promise<Answer>): Promise<Answer> {
    if (line.isShort || ++line.steps % STEPS_OF_TALK === 0) this.#hangUp(line);
    line.talk ??= await line.open();
    try {
      return await question(line.talk);
    } catch (error) {
      if (!(error instanceof Error) || !/^no reply to a UDP/.test(error.message)) throw error;
      this.repeated++;
      line.talk = await line.open();
      return await question(line.talk);
    } finally {
      if (line.isShort) this.#hangUp(line);
    }
  }

  #hangUp(line: Line): void {
    try {
      line.talk?.[Symbol.dispose]();
    } catch (error) {
      // A UDP socket that was given up is closed already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    line.talk = undefined;
  }
}

function line(hostname: string, open: () => Promise<Talk>, isShort: boolean): Line {
  return { hostname, open, isShort, talk: undefined, steps: 0 };
}

// What a peer does next: newcomers start, leechers finish or leave, seeders leave, and most go on.
function chooseStep(known: { readonly seeder: boolean } | undefined, random: Random): Pick<Client, "left" | "event"> {
  if (known === undefined) return { left: random.oneIn(4) ? 0 : 1000, event: "started" };
  const left = known.seeder ? 0 : 1000;
  if (random.oneIn(3)) return { left, event: "stopped" };
  if (!known.seeder && random.oneIn(3)) return { left: 0, event: "completed" };
  // Of those who finished, some say so again.
  return known.seeder && random.oneIn(10) ? { left: 0, event: "completed" } : { left };
}
