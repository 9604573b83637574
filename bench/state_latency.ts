/**
 * What keeping state costs those who announce: latency over UDP at half load of a tracker without `tracker.state` and of
 * one that writes every so many seconds, in turns, at the same rate, and the ratio of their 99th percentiles.
 *
 *   deno run -A bench/state_latency.ts [--scene small|large|one] [--pass-seconds 5] [--seconds 15] [--repeats 5]
 *     [--tracker-cores 0] [--generator-cores 1]
 *
 * small: 100,000 torrents of 2.5 peers, nearly all of which change in each pass. large: 250 torrents of 5,000 peers.
 * one: a torrent of 1,000,000 peers. A tracker needs a core for its front and, to be measured fairly, one for its
 * keeper: with four cores, `--tracker-cores 0,2`. Linux only.
 */
import { parseArgs } from "node:util";
import { formatCount, formatMilliseconds, markdownTable, median } from "./figures.ts";
import { compileGenerators, type LoadResult, runLoad, type Scene } from "./generator.ts";
import { describeMachine, OtherWork } from "./machine.ts";
import { stopPrograms } from "./program.ts";
import { makeScratchFolder, removeScratchFolders } from "./scratch.ts";
import { fill } from "./throughput.ts";
import { type RunningTracker, startTracker, waggle } from "./trackers.ts";

const SCENES: Readonly<Record<string, Scene>> = {
  small: { torrents: 100_000, peers: 250_000 },
  large: { torrents: 250, peers: 1_250_000 },
  one: { torrents: 1, peers: 1_000_000, sources: 16 },
};

const { values: options } = parseArgs({
  options: {
    scene: { type: "string", default: "small" },
    "pass-seconds": { type: "string", default: "5" },
    seconds: { type: "string", default: "15" },
    repeats: { type: "string", default: "5" },
    "tracker-cores": { type: "string", default: "0" },
    "generator-cores": { type: "string", default: "1" },
  },
});
const PASS_SECONDS = Number(options["pass-seconds"]), SECONDS = Number(options.seconds);
/** Length of the runs that find out what full load is. */
const FULL_SECONDS = 3;
/** What both trackers are given of the full load of the slower. */
const HALF = 0.5;

/** A run at half load. */
interface Run extends LoadResult {
  /** Of files, a second. */
  readonly writtenPerSecond: number;
  /** Cores the tracker kept busy. */
  readonly cores: number;
}

/** The two trackers and what was measured of each. */
interface Side {
  readonly name: string;
  readonly running: RunningTracker;
  readonly runs: Run[];
}

async function measure(scene: Scene): Promise<string> {
  const path = `${await makeScratchFolder()}/state.sqlite`;
  const off = await startSide("off", "", scene);
  const on = await startSide("on", `tracker.state ${path}\ntracker.state_seconds ${PASS_SECONDS}\n`, scene);
  const sides = [off, on], full: number[] = [];
  for (const side of sides) full.push(await fullLoad(side, scene));
  const rate = HALF * Math.min(...full);
  // The first run after the filling is slow, whichever of them is asked: the machine has not settled.
  await runHalf(off, scene, rate, 0);
  for (let seed = 1; seed <= Number(options.repeats); seed++) {
    // Each goes first as often as the other.
    for (const side of seed % 2 === 0 ? sides : sides.toReversed()) {
      side.runs.push(await runHalf(side, scene, rate, seed));
    }
    const [without, having] = sides.map(({ runs }) => formatMilliseconds(runs.at(-1)!.p99Us));
    tell(`p99 ${without} without state, ${having} with it`);
  }
  const rows = sides.map(({ name, runs }) => row(name, runs));
  const ratio = p99(on.runs) / p99(off.runs);
  const head = ["tracker.state", "p50", "p99", "p99.9", "written a second", "cores"];
  return `${
    formatCount(rate)
  } announces a second, a pass every ${PASS_SECONDS} s, ${options.repeats} runs of ${SECONDS} s\n\n` +
    `${markdownTable(head, rows)}\n\np99 with state is ${ratio.toFixed(2)} times that without.`;
}

async function startSide(name: string, settings: string, scene: Scene): Promise<Side> {
  tell(`state ${name}: filling`);
  const start = { torrents: scene.torrents, fronts: 1, cores: options["tracker-cores"], settings };
  const running = await startTracker(waggle(), start);
  await fill(running, scene);
  return { name, running, runs: [] };
}

/** Replies a second when as much as possible is asked. */
async function fullLoad({ running }: Side, scene: Scene): Promise<number> {
  const { repliesPerSecond } = await runLoad(
    "udp",
    { ...scene, port: running.port, seconds: FULL_SECONDS, sockets: 16 },
    options["generator-cores"],
  );
  return repliesPerSecond;
}

async function runHalf({ running: { port, program } }: Side, scene: Scene, rate: number, seed: number): Promise<Run> {
  // What the other one still has to write is not to be in the way of this one.
  await new Promise((resolve) => setTimeout(resolve, (PASS_SECONDS + 1) * 1000));
  const written = program.writtenBytes(), cpuSeconds = program.cpuSeconds();
  const load = { ...scene, port, seconds: SECONDS, rate, seed, sockets: 16 };
  const result = await runLoad("udp", load, options["generator-cores"]);
  return {
    ...result,
    writtenPerSecond: (program.writtenBytes() - written) / result.seconds,
    cores: (program.cpuSeconds() - cpuSeconds) / result.seconds,
  };
}

function row(name: string, runs: readonly Run[]): string[] {
  const latencies = [runs.map(({ p50Us }) => p50Us), runs.map(({ p99Us }) => p99Us), runs.map(({ p999Us }) => p999Us)];
  const written = median(runs.map(({ writtenPerSecond }) => writtenPerSecond));
  const cores = median(runs.map(({ cores }) => cores));
  return [
    name,
    ...latencies.map((values) => formatMilliseconds(median(values))),
    `${(written / 1e6).toFixed(1)} MB`,
    cores.toFixed(2),
  ];
}

function p99(runs: readonly Run[]): number {
  return median(runs.map(({ p99Us }) => p99Us));
}

function tell(text: string): void {
  console.error(`state_latency: ${text}`);
}

const scene = SCENES[options.scene];
if (scene === undefined) {
  throw new Error(`--scene must be ${Object.keys(SCENES).join(", ")}, and is "${options.scene}"`);
}
const otherWork = new OtherWork();
try {
  await compileGenerators();
  console.log(await measure(scene));
} finally {
  await stopPrograms();
  removeScratchFolders();
}
console.log(`\n${describeMachine()}. Other programs kept ${otherWork.coresBusy().toFixed(2)} cores busy meanwhile.`);
