/**
 * What the shield, denied networks and shedding cost a tracker that nobody abuses: announces from a great many addresses,
 * none of them over its limit, for each CPU second of trackers that run side by side. `deno run --no-prompt -A
 * bench/shield.ts [--quick]`, as root or where everyone may make network namespaces: it runs itself in one in which
 * 10.0.0.0/8 is local. Some fifteen minutes, longer beside other work; Linux only, with cc, taskset and iproute2.
 */
import { formatRate, markdownTable, median } from "./figures.ts";
import { compileGenerators, runLoad, runSources } from "./generator.ts";
import { describeMachine, OtherWork } from "./machine.ts";
import { runToEnd } from "./run_to_end.ts";
import { makeScratchFolder } from "./scratch.ts";
import { GENERATOR_CORE, TRACKER_CORE } from "./throughput.ts";
import { type RunningTracker, startTracker, waggle } from "./trackers.ts";

const isQuick = Deno.args.includes("--quick");
const ROUNDS = isQuick ? 3 : 30, SECONDS = isQuick ? 1 : 2;
const TORRENTS = 100_000, DENIED = 100_000;
/** Addresses of the clients: UDP's are at random, HTTP's each have a connection. */
const ADDRESSES = 200_000, ADDRESSES_HTTP = 250;

const OFF = "tracker.shield off\ntracker.shedding off\n";
/** With so few addresses over HTTP, each asks more often than a client does. */
const ON = "tracker.shield_rate 10000\ntracker.shield_burst 1000000\n";

/** What is compared, the first with the others. */
const VARIANTS: readonly { name: string; settings: (deniedPath: string) => string }[] = [
  { name: "all off", settings: () => OFF },
  { name: "shield and shedding on (default)", settings: () => ON },
  { name: "and 100,000 denied networks", settings: (path) => `${ON}access.deny_networks ${path}\n` },
];

type Measure = (tracker: RunningTracker) => Promise<number>;

/** Replies for each CPU second of the tracker. */
const MEASURES: readonly { name: string; measure: Measure }[] = [
  { name: "UDP announces", measure: measureUdp },
  { name: "HTTP announces, keep-alive", measure: (tracker) => measureHttp(tracker, false) },
  { name: "HTTP announces, one connection each", measure: (tracker) => measureHttp(tracker, true) },
];

async function measureUdp({ port, program }: RunningTracker): Promise<number> {
  let before = 0;
  const load = { port, seconds: SECONDS, addresses: ADDRESSES, torrents: TORRENTS };
  const { replies, errors } = await runSources(load, GENERATOR_CORE, () => before = program.cpuSeconds());
  if (errors > 0) throw new Error(`${errors} replies were not announces`);
  return replies / (program.cpuSeconds() - before);
}

async function measureHttp({ port, program }: RunningTracker, close: boolean): Promise<number> {
  const before = program.cpuSeconds(), scene = { torrents: TORRENTS, peers: TORRENTS * ADDRESSES_HTTP };
  const sources = { firstSource: "10.0.0.1", sources: ADDRESSES_HTTP, sockets: ADDRESSES_HTTP };
  const { replies } = await runLoad("http", { port, seconds: SECONDS, close, ...scene, ...sources }, GENERATOR_CORE);
  return replies / (program.cpuSeconds() - before);
}

async function main(): Promise<number> {
  await compileGenerators();
  const folder = await makeScratchFolder(), path = `${folder}/denied.txt`;
  // Networks that no client of ours is in.
  const lines = Array.from({ length: DENIED }, (_, i) => `${20 + (i >> 15)}.${i >> 7 & 255}.${(i & 127) * 2}.0/24\n`);
  await Deno.writeTextFile(path, lines.join(""));
  const trackers: RunningTracker[] = [];
  for (const { settings } of VARIANTS) {
    trackers.push(
      await startTracker(waggle(), { torrents: TORRENTS, fronts: 1, cores: TRACKER_CORE, settings: settings(path) }),
    );
  }
  const rates = MEASURES.map(() => VARIANTS.map((): number[] => []));
  const others = new OtherWork();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [m, { measure }] of MEASURES.entries()) {
      for (let i = 0; i < trackers.length; i++) {
        // Each round begins with another, so that none always follows the same.
        const v = (i + round) % trackers.length, rate = await measure(trackers[v]);
        // The first round is V8's.
        if (round > 0) rates[m][v].push(rate);
      }
    }
    const last = rates.map((own) => own.map((row) => Math.round(row.at(-1) ?? 0)).join(" ")).join(", ");
    console.error(`round ${round} of ${ROUNDS}: ${last}`);
  }
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, others: ${others.coresBusy().toFixed(1)} cores.`,
  );
  console.log(markdownTable(["replies for each CPU second", ...VARIANTS.map(({ name }) => name)], describe(rates)));
  return 0;
}

// The median of each, and what each is to the first in the same round: the median, and the standard error of the mean,
// which says how much of the difference may be chance.
function describe(rates: readonly (readonly (readonly number[])[])[]): string[][] {
  return MEASURES.map(({ name }, m) => [
    name,
    ...rates[m].map((own, v) => {
      const percents = own.map((rate, round) => (rate / rates[m][0][round] - 1) * 100), middle = median(percents);
      if (v === 0) return formatRate(median(own));
      return `${formatRate(median(own))} (${middle < 0 ? "" : "+"}${middle.toFixed(1)} ± ${
        standardError(percents).toFixed(1)
      } %)`;
    }),
  ]);
}

function standardError(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) / values.length);
}

const INSIDE = "SHIELD_BENCH_INSIDE";

async function runInNamespace(): Promise<number> {
  const options = Deno.uid() === 0 ? ["-n"] : ["-r", "-n"];
  const prepare = 'ip link set lo up && ip route add local 10.0.0.0/8 dev lo && exec "$@"';
  const again = [Deno.execPath(), "run", "--no-prompt", "-A", new URL(import.meta.url).pathname, ...Deno.args];
  const command = new Deno.Command("unshare", {
    args: [...options, "sh", "-c", prepare, "sh", ...again],
    env: { [INSIDE]: "yes" },
    stdin: "null",
  });
  return (await command.spawn().status).code;
}

await runToEnd(Deno.env.get(INSIDE) === undefined ? runInNamespace : main);
