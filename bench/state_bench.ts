/**
 * Measures the keeper: how long it takes to save a whole store, to load it again, and to save what changed.
 * `deno run -A bench/state_bench.ts [torrents]`: 2.8 peers a torrent on average, spread as in a public swarm, one in six
 * of them IPv6. The state file is made in the system's temporary folder and removed.
 */
import { AnnounceReply, AnnounceRequest, EVENT_NONE } from "../src/bittorrent/announce.ts";
import { Keeper } from "../src/persist/keeper.ts";
import { CONNECTION_ID_WORDS, type KeeperStart } from "../src/persist/keeper_start.ts";
import { createClock } from "../src/stats/clock.ts";
import { createCounters } from "../src/stats/counters.ts";
import { createArena } from "../src/swarm/arena.ts";
import { SwarmStore } from "../src/swarm/swarm_store.ts";

const TORRENTS = Number(Deno.args[0] ?? 1_000_000);
const CHANGES = TORRENTS / 10;
const PEERS = TORRENTS * 2.8;
const MEBIBYTES = 1024;
/** The most peers that most torrents have. */
const MOST = 3;

function measure(path: string): void {
  const announces = new Announces(), { start, store } = newRun(path), keeper = Keeper.start(start, () => {});
  for (let i = 0; i < PEERS; i++) announces.make(store, i);
  const { torrents, seeders4, leechers4, seeders6, leechers6 } = store.totals();
  console.log(`${torrents} torrents, ${seeders4 + leechers4 + seeders6 + leechers6} peers`);
  time("save everything", () => keeper.pass());
  for (let i = 0; i < CHANGES; i++) announces.make(store, i);
  time(`save ${CHANGES} changed`, () => keeper.pass());
  for (let i = 0; i < CHANGES; i++) announces.make(store, i);
  time(`stop with ${CHANGES} changed`, () => keeper.stop());
  console.log(`file: ${(Deno.statSync(path).size / 1024 / 1024).toFixed(0)} MiB`);
  const next = newRun(path);
  time("load", () => Keeper.start(next.start, console.log)).stop();
}

function newRun(path: string): { start: KeeperStart; store: SwarmStore } {
  const arena = createArena(MEBIBYTES, crypto.getRandomValues(new Int32Array(4)));
  const start: KeeperStart = {
    path,
    arena,
    clock: createClock(),
    counters: createCounters(1),
    counterRow: 0,
    peerAgeMinutesMax: 45,
    keepDays: 90,
    passSeconds: 3600,
    repair: false,
    takesOver: false,
    load: true,
    connectionId: new SharedArrayBuffer(CONNECTION_ID_WORDS * 4),
  };
  return { start, store: new SwarmStore(arena, 1, 7, 45) };
}

function time<T>(what: string, work: () => T): T {
  const startMs = performance.now(), result = work();
  console.log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(2)} s`);
  return result;
}

/** Announces by number: the first TORRENTS are to a torrent each, the rest go to three in ten of them, and to one. */
class Announces {
  readonly #request = new AnnounceRequest();
  readonly #reply = new AnnounceReply(new Uint16Array(8));

  make(store: SwarmStore, i: number): void {
    const request = this.#request, isFirst = i < TORRENTS;
    const torrent = isFirst ? i : i % 1000 === 0 ? 0 : Math.imul(i, 0x9e3779b1) % (TORRENTS * MOST / 10);
    for (let word = 0; word < 5; word++) {
      request.infoHash[word] = Math.imul(Math.abs(torrent) + 1, 0x85ebca6b + word * 2);
    }
    request.family = i % 6 === 0 ? 6 : 4;
    request.address.fill(0);
    request.address[0] = Math.imul(i + 1, 0xc2b2ae35);
    request.portWord = 1 + (i & 0x7fff);
    request.seeder = i % 3 === 0;
    request.event = EVENT_NONE;
    store.announce(request, this.#reply);
  }
}

const folder = Deno.makeTempDirSync();
try {
  measure(`${folder}/state.sqlite`);
} finally {
  Deno.removeSync(folder, { recursive: true });
}
