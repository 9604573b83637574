/**
 * The swarm store alone, in this process: no packets, no system calls. Run by itself it prints its tables:
 * `deno run --no-prompt -A bench/store_bench.ts [--quick]`. bench.ts runs it as its section "store".
 */
import { createArena } from "../src/swarm/arena.ts";
import { formatRate, markdownTable, median } from "./figures.ts";
import type { StoreAnswer, StoreOrder } from "./store_bench_thread.ts";
import { StoreLoad, type StoreRun, type StoreScene } from "./store_load.ts";

/** How long and how often each case is measured. */
export interface StoreBenchLength {
  readonly seconds: number;
  readonly repeats: number;
}

interface Case {
  readonly title: string;
  readonly scene: StoreScene;
}

const ARENA_MIB = 1024;
const WARM_UP_SECONDS = 0.5;
const FEW_PEERS = 10_000;

const CASES: readonly Case[] = [
  { title: "100,000 torrents of 2.5 peers", scene: { torrents: 100_000, peers: 250_000, stoppedPercent: 0 } },
  { title: "the same, 10 % leave or return", scene: { torrents: 100_000, peers: 250_000, stoppedPercent: 10 } },
  { title: "1,000 torrents of 1,000 peers", scene: { torrents: 1000, peers: 1_000_000, stoppedPercent: 0 } },
  { title: "one torrent of 10 peers", scene: { torrents: 1, peers: 10, stoppedPercent: 0 } },
  { title: "one torrent of 100,000 peers", scene: { torrents: 1, peers: 100_000, stoppedPercent: 0 } },
  { title: "one torrent of 1,000,000 peers", scene: { torrents: 1, peers: 1_000_000, stoppedPercent: 0 } },
  { title: "the same, 10 % leave or return", scene: { torrents: 1, peers: 1_000_000, stoppedPercent: 10 } },
];

const THREADS = [1, 2, 4];

/** Measures the store. Returns its tables in markdown; `tell` is called with each case's title as it starts. */
export async function benchStore(length: StoreBenchLength, tell: (title: string) => void): Promise<string> {
  const rows = measureCases(length, tell);
  const threadRows = await measureThreads(length, tell);
  return [
    "Numwant 50, one peer in four a seeder. Each announce comes from a random peer that is in its swarm already, except",
    "where some leave: those return with their next announce.",
    "",
    markdownTable(
      ["store alone, one thread", "announces/CPU s", "µs each", "peers a reply", "arena bytes a peer"],
      rows,
    ),
    "",
    markdownTable(["100,000 torrents of 2.5 peers", "announces/s", "of one thread", "waits for a shard"], threadRows),
  ].join("\n");
}

/** The cases in turns, again and again: what else the machine does then falls on all of them alike. */
function measureCases(length: StoreBenchLength, tell: (title: string) => void): string[][] {
  const loads = CASES.map(({ title, scene }) => {
    tell(title);
    const load = new StoreLoad(newArena(), 1, scene);
    const emptyBytes = load.store.totals().bytesUsed;
    load.fill();
    const bytesPerPeer = (load.store.totals().bytesUsed - emptyBytes) / scene.peers;
    load.run(WARM_UP_SECONDS);
    // A few peers take a page all the same: that says nothing about a peer.
    const bytes = scene.peers < FEW_PEERS ? "–" : bytesPerPeer.toFixed(1);
    return { title, load, bytes, runs: [] as StoreRun[] };
  });
  for (let i = 0; i < length.repeats; i++) {
    for (const { load, runs } of loads) runs.push(load.run(length.seconds));
  }
  return loads.map(({ title, runs, bytes }) => {
    const rate = median(runs.map(({ announces, cpuSeconds }) => announces / cpuSeconds));
    const peersPerReply = median(runs.map((run) => run.peersPerReply));
    return [title, formatRate(rate), (1e6 / rate).toFixed(2), peersPerReply.toFixed(1), bytes];
  });
}

async function measureThreads(length: StoreBenchLength, tell: (title: string) => void): Promise<string[][]> {
  const teams: Team[] = [];
  try {
    for (const threads of THREADS) {
      tell(countThreads(threads));
      teams.push(await Team.start(threads, CASES[0].scene));
    }
    for (let i = 0; i < length.repeats; i++) for (const team of teams) await team.run(length.seconds);
    return teams.map((team) => [
      countThreads(team.threads),
      formatRate(team.rate),
      `${(team.rate / teams[0].rate).toFixed(2)}×`,
      `${team.stallsPerMillion.toFixed(0)} a million`,
    ]);
  } finally {
    for (const team of teams) team.stop();
  }
}

/** Threads that announce to one store at the same time. */
class Team {
  readonly threads: number;
  readonly #filler: StoreLoad;
  readonly #workers: readonly Worker[];
  readonly #rates: number[] = [];
  #announces = 0;
  #stallsBefore = 0;

  private constructor(filler: StoreLoad, workers: readonly Worker[]) {
    this.threads = workers.length;
    this.#filler = filler;
    this.#workers = workers;
  }

  /** Fills a store and starts threads, each warmed up. */
  static async start(threads: number, scene: StoreScene): Promise<Team> {
    const arena = newArena(), filler = new StoreLoad(arena, threads + 1, scene);
    filler.fill();
    const url = new URL("./store_bench_thread.ts", import.meta.url);
    const workers = Array.from({ length: threads }, () => new Worker(url, { type: "module" }));
    const team = new Team(filler, workers);
    await Promise.all(
      workers.map((worker, i) =>
        ask(worker, { kind: "prepare", arena, owner: i + 1, scene, warmUpSeconds: WARM_UP_SECONDS })
      ),
    );
    team.#stallsBefore = filler.store.totals().stalls;
    return team;
  }

  async run(seconds: number): Promise<void> {
    const answers = await Promise.all(this.#workers.map((worker) => ask(worker, { kind: "run", seconds })));
    const runs = answers.flatMap((answer) => answer.kind === "ran" ? [answer.run] : []);
    this.#rates.push(runs.reduce((sum, { announces, seconds }) => sum + announces / seconds, 0));
    this.#announces += runs.reduce((sum, { announces }) => sum + announces, 0);
  }

  /** Announces a second of wall time, all threads together. */
  get rate(): number {
    return median(this.#rates);
  }

  get stallsPerMillion(): number {
    return (this.#filler.store.totals().stalls - this.#stallsBefore) / this.#announces * 1e6;
  }

  stop(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

function ask(worker: Worker, order: StoreOrder): Promise<StoreAnswer> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<StoreAnswer>) => resolve(data);
    worker.onerror = (event) => reject(new Error(`A thread of the store benchmark failed: ${event.message}`));
    worker.postMessage(order);
  });
}

function countThreads(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

function newArena(): SharedArrayBuffer {
  return createArena(ARENA_MIB, crypto.getRandomValues(new Int32Array(4)));
}

if (import.meta.main) {
  const quick = Deno.args.includes("--quick");
  const length = quick ? { seconds: 0.2, repeats: 3 } : { seconds: 0.4, repeats: 7 };
  console.log(await benchStore(length, (title) => console.error(`store: ${title}`)));
}
