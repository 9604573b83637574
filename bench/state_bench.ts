/**
 * Measures the keeper: how long it takes to save a whole store, to load it again, and to save what changed; how much
 * each writes to the disk's cache (write-ahead log and file); and what a large swarm costs.
 * `deno run -A bench/state_bench.ts [torrents]`: 2.8 peers a torrent on average, spread as in a public swarm, one in six
 * of them IPv6. The state file is made in the system's temporary folder and removed. Linux only.
 */
import { AnnounceReply, AnnounceRequest, EVENT_NONE } from "../src/bittorrent/announce.ts";
import { Keeper } from "../src/persist/keeper.ts";
import { CONNECTION_ID_WORDS, type KeeperStart } from "../src/persist/keeper_start.ts";
import { createClock } from "../src/stats/clock.ts";
import { createCounters } from "../src/stats/counters.ts";
import { createArena } from "../src/swarm/arena.ts";
import { KEEPER_OWNER } from "../src/swarm/owners.ts";
import { SwarmStore } from "../src/swarm/swarm_store.ts";
import { TorrentReader } from "../src/swarm/torrent_reader.ts";
import type { PassesAnswer, PassesOrder } from "./state_bench_thread.ts";

const TORRENTS = Number(Deno.args[0] ?? 1_000_000);
const CHANGES = TORRENTS / 10;
/** Changes of a tracker that is less busy. */
const CHANGES_FEW = TORRENTS / 100;
/** Peers of a large swarm. */
const LARGE_PEERS = [100_000, 1_000_000];
const LARGE_ROUNDS = 5;
const WARM_UP_SECONDS = 1, BESIDE_SECONDS = 3;
/** Slices shorter than this hold no large swarm. */
const SLICE_WORDS_MIN = 1000;
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
  for (let i = 0; i < CHANGES_FEW; i++) announces.make(store, i);
  time(`save ${CHANGES_FEW} changed`, () => keeper.pass());
  for (let i = 0; i < CHANGES; i++) announces.make(store, i);
  time(`stop with ${CHANGES} changed`, () => keeper.stop());
  console.log(`file: ${(Deno.statSync(path).size / 1024 / 1024).toFixed(0)} MiB`);
  const next = newRun(path);
  time("load", () => Keeper.start(next.start, console.log)).stop();
}

/** One swarm of `peers`, of which some announce between two passes that write it; then announces, and passes beside them. */
async function measureLarge(path: string, peers: number): Promise<void> {
  const announces = new Announces(), { start, store } = newRun(path), keeper = Keeper.start(start, () => {});
  for (let i = 0; i < peers; i++) announces.makeIn(store, 0, i);
  keeper.pass();
  for (let round = 0; round < LARGE_ROUNDS; round++) {
    for (let i = 0; i < 100; i++) announces.makeIn(store, 0, i * 7919 % peers);
    time(`save a swarm of ${peers}`, () => keeper.pass());
  }
  keeper.stop();
  const slices = timeSlices(start.arena), at = (share: number) => slices[Math.floor((slices.length - 1) * share)]!;
  console.log(
    `read in slices under the lock: median ${micros(at(0.5))}, 99 % ${micros(at(0.99))}, longest ${micros(at(1))}`,
  );
  announceFor(store, announces, peers, WARM_UP_SECONDS);
  console.log(`announces to it: ${announceFor(store, announces, peers, BESIDE_SECONDS)}`);
  const thread = new PassesThread({ ...start, load: false });
  await thread.begun;
  console.log(`while another thread makes passes: ${announceFor(store, announces, peers, BESIDE_SECONDS)}`);
  console.log(`${await thread.made} passes`);
}

/** Announces of random peers without pause. Returns how many a second, and how long they took. */
function announceFor(store: SwarmStore, announces: Announces, peers: number, seconds: number): string {
  const times: number[] = [], endMs = performance.now() + seconds * 1000;
  for (let nowMs = performance.now(), i = 0; nowMs < endMs; i++) {
    announces.makeIn(store, 0, (i * 7919 + Math.floor(nowMs)) % peers);
    const doneMs = performance.now();
    times.push(doneMs - nowMs);
    nowMs = doneMs;
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => micros(times[Math.floor((times.length - 1) * share)]!);
  return `${Math.round(times.length / seconds)} a second, 99 % within ${at(0.99)}, 99.99 % ${at(0.9999)}, longest ${
    at(1)
  }`;
}

/** A thread that makes passes. */
class PassesThread {
  readonly begun: Promise<void>;
  readonly made: Promise<number>;

  constructor(start: KeeperStart) {
    const worker = new Worker(new URL("./state_bench_thread.ts", import.meta.url), { type: "module" });
    const begun = Promise.withResolvers<void>(), made = Promise.withResolvers<number>();
    this.begun = begun.promise;
    this.made = made.promise;
    worker.onmessage = ({ data }: MessageEvent<PassesAnswer>) => {
      if (data.kind === "begins") return begun.resolve();
      made.resolve(data.passes);
      worker.terminate();
    };
    worker.postMessage({ start, seconds: BESIDE_SECONDS } satisfies PassesOrder);
  }
}

/** Milliseconds of each slice of a large swarm, lock included, the shortest first. */
function timeSlices(arena: SharedArrayBuffer): number[] {
  const reader = new TorrentReader(arena, KEEPER_OWNER, { peers: true, changesOnly: false });
  const out = new Int32Array(65_536), times: number[] = [];
  for (let round = 0; round < LARGE_ROUNDS; round++) {
    for (let shard = 0; shard < TorrentReader.shards; shard++) {
      for (reader.begin(shard); !reader.isDone;) {
        const startMs = performance.now(), words = reader.read(out), ms = performance.now() - startMs;
        if (words > SLICE_WORDS_MIN) times.push(ms);
      }
    }
  }
  return times.sort((a, b) => a - b);
}

function micros(ms: number): string {
  return `${(ms * 1000).toFixed(0)} µs`;
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
    history: null,
  };
  return { start, store: new SwarmStore(arena, 1, 7, 45) };
}

function time<T>(what: string, work: () => T): T {
  const startMs = performance.now(), startBytes = bytesWritten(), result = work();
  const took = performance.now() - startMs, bytes = bytesWritten() - startBytes;
  console.log(`${what}: ${(took / 1000).toFixed(2)} s, ${(bytes / 1e6).toFixed(1)} MB written`);
  return result;
}

/** Bytes this process has written so far, wherever to. */
function bytesWritten(): number {
  return Number(/^wchar: (\d+)/m.exec(Deno.readTextFileSync("/proc/self/io"))![1]);
}

/** Announces by number: the first TORRENTS are to a torrent each, the rest go to three in ten of them, and to one. */
class Announces {
  readonly #request = new AnnounceRequest();
  readonly #reply = new AnnounceReply(new Uint16Array(8));

  make(store: SwarmStore, i: number): void {
    const isFirst = i < TORRENTS;
    const torrent = isFirst ? i : i % 1000 === 0 ? 0 : Math.imul(i, 0x9e3779b1) % (TORRENTS * MOST / 10);
    this.makeIn(store, torrent, i);
  }

  /** Announces peer `i` in a torrent. */
  makeIn(store: SwarmStore, torrent: number, i: number): void {
    const request = this.#request;
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
  for (const peers of LARGE_PEERS) await measureLarge(`${folder}/large_${peers}.sqlite`, peers);
} finally {
  Deno.removeSync(folder, { recursive: true });
}
