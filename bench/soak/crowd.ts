/**
 * The many: peers of the C generators, which announce over and over and never leave. Who is in which torrent and who
 * seeds follows from a peer's number, as in load.c; here it is worked out again.
 */
import { compileGenerators, runLoad, type Scene } from "../generator.ts";
import type { Account, Expectation } from "./model.ts";

/** Percent of the peers that seed; load.c's default. */
const SEEDERS_PERCENT = 25n;
const WORDS_MASK = (1n << 64n) - 1n;
/** Connections at once, and how long a burst may take. */
const HTTP_SOCKETS = 16, FILL_SECONDS_MAX = 60;

/** The crowd of one soak. */
export class Crowd implements Account {
  readonly completed = 0;
  /** Good replies. */
  replies = 0;
  readonly #scene: Scene;
  readonly #ports: { readonly udp: number; readonly http: number };
  readonly #expected: readonly Expectation[];
  #bursts = 0;

  private constructor(scene: Scene, ports: { readonly udp: number; readonly http: number }) {
    this.#scene = scene;
    this.#ports = ports;
    this.#expected = peopleOf(scene);
  }

  /** Compiles the generators and announces every peer once. */
  static async gather(scene: Scene, ports: { readonly udp: number; readonly http: number }): Promise<Crowd> {
    await compileGenerators();
    const crowd = new Crowd(scene, ports);
    await crowd.#fill();
    return crowd;
  }

  expected(): Iterable<Expectation> {
    return this.#expected;
  }

  /**
   * Every peer announces once, then random ones do as fast as the answers come: over UDP with connects and scrapes, over
   * kept HTTP connections and over connections of one request, `seconds` each.
   */
  async burst(seconds: number): Promise<void> {
    const seed = ++this.#bursts,
      http = { ...this.#scene, port: this.#ports.http, seconds, seed, sockets: HTTP_SOCKETS };
    await this.#fill();
    await this.#load("udp", { ...this.#scene, port: this.#ports.udp, seconds, seed, mix: "10:80:10" });
    await this.#load("http", { ...http, mix: "0:90:10" });
    await this.#load("http", { ...http, mix: "0:90:10", close: true });
  }

  async #fill(): Promise<void> {
    await this.#load("udp", { ...this.#scene, port: this.#ports.udp, seconds: FILL_SECONDS_MAX, fill: true });
  }

  async #load(...load: Parameters<typeof runLoad>): Promise<void> {
    this.replies += (await runLoad(...load)).replies;
  }
}

// load.c: peer_at() and info_hash_of().
function peopleOf({ torrents, peers }: Scene): Expectation[] {
  const seeders = new Uint32Array(torrents), leechers = new Uint32Array(torrents);
  for (let index = 0; index < peers; index++) {
    const isSeeder = BigInt.asIntN(32, mix64(BigInt(index) + 1n) % 100n) < SEEDERS_PERCENT;
    (isSeeder ? seeders : leechers)[index % torrents]!++;
  }
  return Array.from({ length: torrents }, (_, torrent) => ({
    infoHash: infoHashOf(torrent),
    seeders: seeders[torrent]!,
    leechers: leechers[torrent]!,
    completed: 0,
    isCertain: true,
  }));
}

function infoHashOf(torrent: number): string {
  const words = new BigUint64Array(3);
  for (let i = 0; i < 3; i++) words[i] = mix64(BigInt(torrent * 3 + i + 1));
  return new Uint8Array(words.buffer).subarray(0, 20).toHex();
}

function mix64(value: bigint): bigint {
  let x = value;
  x ^= x >> 33n;
  x = x * 0xff51afd7ed558ccdn & WORDS_MASK;
  x ^= x >> 33n;
  x = x * 0xc4ceb9fe1a85ec53n & WORDS_MASK;
  return x ^ x >> 33n;
}
