/**
 * Ordinary announces beside abuse: 10,000 connections held open on which nothing, or half a request, is said, and 1,000
 * datagrams a second that are no requests. `deno run --no-prompt -A bench/abuse.ts [--quick]`. Some five minutes; Linux
 * only, with cc and taskset, and a limit of 15,000 open files (`ulimit -n`).
 */
import { formatCount, formatMegabytes, formatMilliseconds, formatRate, markdownTable, median } from "./figures.ts";
import {
  type Abuse,
  compileGenerators,
  type LoadOptions,
  type LoadResult,
  type Protocol,
  runLoad,
  startAbuse,
} from "./generator.ts";
import { describeMachine, OtherWork } from "./machine.ts";
import { runToEnd } from "./run_to_end.ts";
import { fill, GENERATOR_CORE, TRACKER_CORE } from "./throughput.ts";
import { type RunningTracker, startTracker, waggle } from "./trackers.ts";

const isQuick = Deno.args.includes("--quick");

const SCENE = { torrents: 100_000, peers: 250_000 } as const;
/** Together longer than a connection may be silent (http.request_seconds): all are closed and come back meanwhile. */
const SECONDS = isQuick ? 1 : 5, RUNS = isQuick ? 2 : 5;
const ABUSE_SECONDS_MAX = 600;
const CONNECTIONS = 10_000, DATAGRAMS_PER_SECOND = 1000;

/** Ordinary loads, well below what one front can answer. */
const LOADS: readonly { title: string; protocol: Protocol; options: Partial<LoadOptions> }[] = [
  { title: "UDP announces", protocol: "udp", options: { rate: 20_000, sockets: 16 } },
  { title: "HTTP announces, keep-alive", protocol: "http", options: { rate: 5000, sockets: 256 } },
  {
    title: "HTTP announces, one connection each",
    protocol: "http",
    options: { rate: 2000, sockets: 256, close: true },
  },
];

const ABUSES: readonly { title: string; abuse: Abuse | null }[] = [
  { title: "nothing else", abuse: null },
  {
    title: "10,000 silent connections, 1,000 bad datagrams/s",
    abuse: { connections: CONNECTIONS, says: "empty", datagramsPerSecond: DATAGRAMS_PER_SECOND },
  },
  {
    title: "10,000 half requests, 1,000 bad datagrams/s",
    abuse: { connections: CONNECTIONS, says: "half", datagramsPerSecond: DATAGRAMS_PER_SECOND },
  },
];

async function main(): Promise<number> {
  await compileGenerators();
  const running = await startTracker(waggle(), { torrents: SCENE.torrents, fronts: 1, cores: TRACKER_CORE });
  const rows: string[][] = [], notes: string[] = [], otherWork = new OtherWork();
  try {
    await fill(running, SCENE);
    for (const { title, abuse } of ABUSES) {
      tell(title);
      rows.push(...await measure(running, title, abuse, notes));
    }
  } finally {
    await running.program.stop();
  }
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Other programs kept ${
      otherWork.coresBusy().toFixed(2)
    } cores busy meanwhile.\n`,
  );
  const head = ["beside", "load", "requests/s", "not answered", "refused", "p50", "p99", "p99.9", "longest"];
  console.log([markdownTable([...head, "CPU of the tracker"], rows, 2), "", ...notes].join("\n"));
  return 0;
}

async function measure(
  { port, program }: RunningTracker,
  title: string,
  abuse: Abuse | null,
  notes: string[],
): Promise<string[][]> {
  const abuser = abuse === null ? null : await startAbuse(abuse, port, ABUSE_SECONDS_MAX, GENERATOR_CORE);
  const rows: string[][] = [];
  const loads = LOADS.map((load) => ({ ...load, results: [] as LoadResult[], cpuShares: [] as number[] }));
  // In turns: what else the machine does then falls on all of them alike.
  for (let seed = 1; seed <= RUNS; seed++) {
    for (const { protocol, options, results, cpuShares } of loads) {
      const before = program.cpuSeconds();
      const result = await runLoad(protocol, { ...SCENE, ...options, port, seconds: SECONDS, seed }, GENERATOR_CORE);
      results.push(result);
      cpuShares.push((program.cpuSeconds() - before) / result.seconds);
      abuser?.checkRunning();
    }
  }
  for (const { title: load, results, cpuShares } of loads) {
    const of = (read: (result: LoadResult) => number) => results.map(read),
      sum = (all: number[]) => all.reduce((a, b) => a + b);
    rows.push([
      title,
      load,
      formatRate(median(of(({ sent, seconds }) => sent / seconds))),
      formatCount(sum(of(({ lost }) => lost))),
      formatCount(sum(of(({ errors }) => errors))),
      ...[of((r) => r.p50Us), of((r) => r.p99Us), of((r) => r.p999Us)].map((all) => formatMilliseconds(median(all))),
      formatMilliseconds(median(of((r) => r.maxUs))),
      `${(median(cpuShares) * 100).toFixed(0)} %`,
    ]);
  }
  const { http, udp } = await (await fetch(`http://127.0.0.1:${port}/stats?mode=json`)).json();
  notes.push(
    `After “${title}”: ${formatMegabytes(program.residentBytes())} resident; ${
      formatCount(http.timeouts)
    } connections ` +
      `ended by their time, ${formatCount(http.evictions)} to make room; ${formatCount(udp.notAnswered)} datagrams ` +
      `not answered, ${formatCount(udp.badConnectionIds)} with a bad connection id.`,
  );
  await abuser?.stop();
  return rows;
}

function tell(text: string): void {
  console.error(`abuse: ${text}`);
}

await runToEnd(main);
