/**
 * The benchmark of the whole tracker, beside opentracker and bittorrent-tracker where this machine has them:
 * `deno task bench --help` says what can be chosen. Everything it starts it stops, on Ctrl-C and on errors too.
 */
import { type BenchOptions, HELP, readBenchOptions, type SectionName } from "./bench_options.ts";
import { benchIdle, benchMemory, benchStart, MEMORY_SCENE, MEMORY_SCENE_SMALL } from "./footprint.ts";
import { compileGenerators } from "./generator.ts";
import { describeMachine, OtherWork } from "./machine.ts";
import { findProgram } from "./program.ts";
import { runToEnd } from "./run_to_end.ts";
import { benchScaling } from "./scaling.ts";
import { benchStore } from "./store_bench.ts";
import { benchThroughput, type Length, LOADS } from "./throughput.ts";
import { Mistake } from "./tool_options.ts";
import { findTrackers, type Tracker } from "./trackers.ts";
import { writePerformancePage } from "./performance_page.ts";

const LENGTH: Length = { seconds: 2, repeats: 5, warmUpSeconds: 1.5 };
const LENGTH_QUICK: Length = { seconds: 0.8, repeats: 1, warmUpSeconds: 0.5 };

/** Cores that other programs may use before the figures are not to be trusted. */
const OTHERS_BUSY_MAX = 0.1;

/** A section measures and returns its table. */
type Section = (trackers: readonly Tracker[], options: BenchOptions, length: Length) => Promise<string>;

const SECTIONS: Readonly<Record<SectionName, Section>> = {
  throughput: (trackers, { only }, length) =>
    benchThroughput(LOADS.filter(({ name }) => isChosen(only, name)), trackers, length, tell),
  memory: (trackers, { quick }) => benchMemory(trackers, quick ? MEMORY_SCENE_SMALL : MEMORY_SCENE, tell),
  idle: (trackers) => benchIdle(trackers, tell),
  start: (trackers, _, { repeats }) => benchStart(trackers, repeats, tell),
  fronts: async (trackers, _, length) => {
    const ours = trackers.find(({ name }) => name === "waggle");
    return ours === undefined ? "" : await benchScaling(ours, length, tell);
  },
  store: (_, { quick }) => benchStore(quick ? { seconds: 0.1, repeats: 3 } : { seconds: 0.4, repeats: 7 }, tell),
};

async function main(): Promise<number> {
  const options = readBenchOptions(Deno.args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const sections = Object.keys(SECTIONS).filter((name) => name !== "throughput");
  const names = [...LOADS.map(({ name }) => name), ...sections];
  const unknown = options.only.find((word) => !names.some((name) => isChosen([word], name)));
  if (unknown !== undefined) throw new Mistake(`--only must be of ${names.join(" ")}, and is "${unknown}"`);
  checkMachine();
  await compileGenerators();
  const trackers = await findTrackers(options.trackers, options.opentracker, (sentence) => console.error(sentence));
  const quickLength = options.quick ? LENGTH_QUICK : LENGTH;
  const length = { ...quickLength, ...options.length };
  const report = await runSections(trackers, options, length);
  console.log(report);
  if (options.write) await writePerformancePage(report);
  return 0;
}

async function runSections(trackers: readonly Tracker[], options: BenchOptions, length: Length): Promise<string> {
  const otherWork = new OtherWork(), tables: string[] = [];
  for (const [name, section] of Object.entries(SECTIONS)) {
    const chosen = name === "throughput"
      ? LOADS.some((load) => isChosen(options.only, load.name))
      : isChosen(options.only, name);
    if (!chosen) continue;
    tell(name);
    tables.push(await section(trackers, options, length));
  }
  const othersBusy = otherWork.coresBusy();
  if (othersBusy > OTHERS_BUSY_MAX) tell("the machine had other work to do: do not trust these figures");
  return [...describeRun(trackers, length, othersBusy), ...tables.filter((text) => text !== "")].join(
    "\n\n",
  );
}

function describeRun(trackers: readonly Tracker[], length: Length, othersBusy: number): string[] {
  const times = length.repeats === 1 ? "once" : `${length.repeats} times in turns, medians`;
  return [
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Other programs kept ${
      othersBusy.toFixed(2)
    } cores` +
    ` busy meanwhile.`,
    trackers.map(({ name, version }) => `${name} ${version}`).join("; ") + ".",
    `Runs of ${length.seconds} s, ${times}; latency at half of each tracker's own replies/s.`,
  ];
}

/** Says what this machine lacks that nothing can be measured without. */
function checkMachine(): void {
  if (Deno.build.os !== "linux") throw new Mistake("The benchmark needs Linux: it reads CPU time from /proc");
  for (const [command, package_] of [["cc", "gcc"], ["taskset", "util-linux"]]) {
    if (findProgram(command) === undefined) {
      throw new Mistake(`The benchmark needs ${command}, and it is not installed (apt install ${package_})`);
    }
  }
  if (navigator.hardwareConcurrency < 2) {
    throw new Mistake("The benchmark needs two cores: one for the tracker, one for the load generator");
  }
}

/** `only` holds whole names, and first words of names that stand for all that begin with them. */
function isChosen(only: readonly string[], name: string): boolean {
  return only.length === 0 || only.some((word) => name === word || name.startsWith(`${word}-`));
}

function tell(text: string): void {
  console.error(`bench: ${text}`);
}

await runToEnd(main);
