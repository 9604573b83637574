/**
 * Replies a second, replies per second of the tracker's CPU time, and latency at half of that load. Every tracker gets
 * the same load in the same minute: they take turns, several times, and the medians count. The tracker has core 0 and
 * the generator core 1.
 */
import { formatCount, formatMilliseconds, formatRate, markdownTable, median } from "./figures.ts";
import { type LoadOptions, type LoadResult, type Protocol, runLoad, type Scene } from "./generator.ts";
import { type RunningTracker, startTracker, type Tracker } from "./trackers.ts";

/** Core of the tracker. */
export const TRACKER_CORE = "0";
/** Core of the generator. */
export const GENERATOR_CORE = "1";

const FILL_SECONDS_MAX = 300;
const FILL_PAUSE_MS = 1000;

/** How long and how often each load runs. */
export interface Length {
  readonly seconds: number;
  readonly repeats: number;
  readonly warmUpSeconds: number;
}

/** One kind of load. */
export interface Load {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly scene: Scene;
  /** What the load has beyond its scene, in both loops. */
  readonly options: Partial<LoadOptions>;
  /** Sockets or connections, when as much as possible is asked. */
  readonly closedSockets: number;
  /** The same, when requests are sent on time: enough that none waits for a connection. */
  readonly openSockets: number;
  readonly needsKeepAlive: boolean;
}

/** What a load made of a tracker. */
interface Outcome {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Share of its core that the tracker used. */
  readonly cpuShare: number;
  readonly peersPerReply: number;
  readonly lostShare: number;
  /** Latency at half load. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

/** 128 requests in flight: few enough that a receive buffer of the system's default size holds them all. */
const UDP = { protocol: "udp", closedSockets: 8, openSockets: 16, needsKeepAlive: false } as const;
const HTTP = { protocol: "http", closedSockets: 64, openSockets: 256 } as const;

const SMALL_SWARMS = { torrents: 100_000, peers: 250_000 };

/** Every load, those of one scene together: they run on the same filled trackers. */
export const LOADS: readonly Load[] = [
  {
    ...UDP,
    name: "udp-1000",
    title: "UDP announce, 1,000 torrents of 100 peers",
    scene: { torrents: 1000, peers: 100_000 },
    options: {},
  },
  {
    ...UDP,
    name: "udp-20000",
    title: "UDP announce, 20,000 torrents of 10 peers",
    scene: { torrents: 20_000, peers: 200_000 },
    options: {},
  },
  {
    ...UDP,
    name: "udp-100000",
    title: "UDP announce, 100,000 torrents of 2.5 peers",
    scene: SMALL_SWARMS,
    options: {},
  },
  {
    ...UDP,
    name: "udp-mix",
    title: "UDP connect, announce, scrape 50:50:1, 100,000 torrents",
    scene: SMALL_SWARMS,
    options: { mix: "50:50:1" },
  },
  {
    ...HTTP,
    name: "http-keepalive",
    title: "HTTP announce, keep-alive, 100,000 torrents",
    scene: SMALL_SWARMS,
    options: {},
    needsKeepAlive: true,
  },
  {
    ...HTTP,
    name: "http-close",
    title: "HTTP announce, one connection each, 100,000 torrents",
    scene: SMALL_SWARMS,
    options: { close: true },
    needsKeepAlive: false,
  },
];

const HEAD = [
  "load",
  "tracker",
  "replies/s",
  "per CPU second",
  "of opentracker",
  "CPU",
  "peers a reply",
  "p50",
  "p99",
  "p99.9",
];

/** Runs `loads` on every tracker. Returns the table in markdown. */
export async function benchThroughput(
  loads: readonly Load[],
  trackers: readonly Tracker[],
  length: Length,
  tell: (text: string) => void,
): Promise<string> {
  const rows: string[][] = [], notes: string[] = [];
  for (const scene of new Set(loads.map(({ scene }) => scene))) {
    const running: RunningTracker[] = [];
    try {
      for (const tracker of trackers) running.push(await startFilled(tracker, scene, tell));
      for (const load of loads.filter((load) => load.scene === scene)) {
        tell(load.name);
        rows.push(...await measureLoad(load, running, length, notes));
      }
    } finally {
      for (const each of running) await each.program.stop();
    }
  }
  return [markdownTable(HEAD, rows, 2), ...notes.map((note) => `\n${note}`)].join("\n");
}

async function startFilled(tracker: Tracker, scene: Scene, tell: (text: string) => void): Promise<RunningTracker> {
  tell(`${tracker.name}: filling ${formatCount(scene.torrents)} torrents with ${formatCount(scene.peers)} peers`);
  const running = await startTracker(tracker, { torrents: scene.torrents, fronts: 1, cores: TRACKER_CORE });
  try {
    await fill(running, scene);
    return running;
  } catch (error) {
    await running.program.stop();
    throw error;
  }
}

/**
 * Announces every peer of `scene` once. A second time if a reply was bad: opentracker answers before its list is sorted,
 * and until then refuses some. To announce a peer again changes nothing.
 */
export async function fill({ port, program }: RunningTracker, scene: Scene): Promise<void> {
  const options = { ...scene, port, fill: true, seconds: FILL_SECONDS_MAX };
  try {
    await runLoad("udp", options);
  } catch {
    program.checkRunning();
    await new Promise((resolve) => setTimeout(resolve, FILL_PAUSE_MS));
    await runLoad("udp", options);
  }
}

async function measureLoad(
  load: Load,
  running: readonly RunningTracker[],
  length: Length,
  notes: string[],
): Promise<string[][]> {
  const able = running.filter(({ keepsAlive }) => keepsAlive || !load.needsKeepAlive);
  const outcomes = await takeTurns(load, able, length);
  const opentracker = outcomes.get("opentracker")?.perCpuSecond;
  return running.map(({ tracker }) => {
    const outcome = outcomes.get(tracker.name);
    if (outcome === undefined) return [load.title, tracker.name, "no keep-alive", ...Array(7).fill("–")];
    if (outcome.lostShare > 0.001) {
      notes.push(`${load.name}, ${tracker.name}: ${(outcome.lostShare * 100).toFixed(1)} % of the requests were lost.`);
    }
    return [load.title, tracker.name, ...formatOutcome(outcome, opentracker)];
  });
}

/** A run, and the tracker's CPU time in it. */
interface Run extends LoadResult {
  readonly cpuSeconds: number;
}

/** Warm-up; then runs of as much as each tracker can take, in turns; then, in turns, runs of half of that. */
async function takeTurns(
  load: Load,
  running: readonly RunningTracker[],
  length: Length,
): Promise<Map<string, Outcome>> {
  const turns = running.map((running) => ({ running, full: [] as Run[], half: [] as Run[] }));
  for (const { running } of turns) await measureRun(load, running, { seconds: length.warmUpSeconds, seed: 0 });
  for (let seed = 1; seed <= length.repeats; seed++) {
    for (const { running, full } of turns) {
      full.push(await measureRun(load, running, { seconds: length.seconds, seed }));
    }
  }
  for (let seed = 1; seed <= length.repeats; seed++) {
    for (const { running, full, half } of turns) {
      const rate = medianOf(full, ({ repliesPerSecond }) => repliesPerSecond) / 2;
      half.push(await measureRun(load, running, { seconds: length.seconds, seed, rate }));
    }
  }
  return new Map(turns.map(({ running, full, half }) => [running.tracker.name, toOutcome(full, half)]));
}

function toOutcome(full: readonly Run[], half: readonly Run[]): Outcome {
  const all = [...full, ...half];
  return {
    perSecond: medianOf(full, (run) => run.repliesPerSecond),
    perCpuSecond: medianOf(full, (run) => run.replies / run.cpuSeconds),
    cpuShare: medianOf(full, (run) => run.cpuSeconds / run.seconds),
    peersPerReply: medianOf(full, (run) => run.peersPerReply),
    p50Us: medianOf(half, (run) => run.p50Us),
    p99Us: medianOf(half, (run) => run.p99Us),
    p999Us: medianOf(half, (run) => run.p999Us),
    lostShare: sum(all.map(({ lost }) => lost)) / sum(all.map(({ sent }) => sent)),
  };
}

async function measureRun(
  load: Load,
  { port, program }: RunningTracker,
  options: { readonly seconds: number; readonly seed: number; readonly rate?: number },
): Promise<Run> {
  const sockets = options.rate === undefined ? load.closedSockets : load.openSockets;
  const before = program.cpuSeconds();
  const result = await runLoad(
    load.protocol,
    { ...load.scene, ...load.options, ...options, sockets, port },
    GENERATOR_CORE,
  );
  return { ...result, cpuSeconds: program.cpuSeconds() - before };
}

function formatOutcome(outcome: Outcome, opentracker: number | undefined): string[] {
  const { perSecond, perCpuSecond, cpuShare, peersPerReply, p50Us, p99Us, p999Us } = outcome;
  return [
    formatRate(perSecond),
    formatRate(perCpuSecond),
    opentracker === undefined ? "–" : `${(perCpuSecond / opentracker).toFixed(2)}×`,
    `${(cpuShare * 100).toFixed(0)} %`,
    peersPerReply.toFixed(1),
    ...[p50Us, p99Us, p999Us].map(formatMilliseconds),
  ];
}

function medianOf(runs: readonly Run[], read: (run: Run) => number): number {
  return median(runs.map(read));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
