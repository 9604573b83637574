/**
 * What a flood does to the tracker: its memory stays inside `tracker.memory`, swarms that were there stay whole, and
 * what is refused is counted. `deno run --no-prompt -A bench/flood.ts [--quick] [--store | --wire]`: the store alone,
 * then a running tracker over UDP; both if neither is named. Some six minutes; --quick takes a twentieth of the flood.
 * Linux only, with cc and taskset.
 */
import { formatCount, formatMegabytes, formatRate, markdownTable } from "./figures.ts";
import { compileGenerators } from "./generator.ts";
import { describeMachine, OtherWork } from "./machine.ts";
import { runProgram } from "./program.ts";
import { runToEnd } from "./run_to_end.ts";
import type { FloodFigures, FloodScene } from "./store_flood.ts";
import { floodTracker } from "./wire_flood.ts";

const HASHES = 50_000_000, PEERS = 10_000_000, WIRE_TORRENTS = 8_000_000, WIRE_PEERS = 8_000_000;
const MEBIBYTES = 256, MEBIBYTES_SMALL = 64, QUICK = 20;

const isQuick = Deno.args.includes("--quick");
const share = isQuick ? 1 / QUICK : 1;

function scenes(): FloodScene[] {
  const hashes = HASHES * share, peers = PEERS * share, mebibytes = isQuick ? 32 : MEBIBYTES;
  return [
    { name: `${formatCount(hashes)} random hashes`, mebibytes, hashes, peers: 0 },
    { name: `${formatCount(peers)} peers of one torrent`, mebibytes, hashes: 0, peers },
    { name: "both at once", mebibytes, hashes, peers },
    { name: "the one torrent", mebibytes: isQuick ? 16 : MEBIBYTES_SMALL, hashes: 0, peers },
  ];
}

async function main(): Promise<number> {
  const both = Deno.args.includes("--store") === Deno.args.includes("--wire"), otherWork = new OtherWork();
  if (both || Deno.args.includes("--store")) console.log(`${await floodStores()}\n`);
  if (both || Deno.args.includes("--wire")) console.log(`${await floodWire()}\n`);
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Other programs kept ${
      otherWork.coresBusy().toFixed(2)
    } cores busy meanwhile.`,
  );
  return 0;
}

async function floodWire(): Promise<string> {
  await compileGenerators();
  const size = { mebibytes: isQuick ? 16 : MEBIBYTES, torrents: WIRE_TORRENTS * share, peers: WIRE_PEERS * share };
  return await floodTracker(size, tell);
}

async function floodStores(): Promise<string> {
  const columns: string[][] = [];
  const script = new URL("./store_flood.ts", import.meta.url).pathname;
  for (const scene of scenes()) {
    tell(`store: ${scene.name} in ${scene.mebibytes} MiB`);
    const output = await runProgram(Deno.execPath(), ["run", "--no-prompt", "-A", script, JSON.stringify(scene)]);
    columns.push([`${scene.name}, ${scene.mebibytes} MiB`, ...describe(JSON.parse(output))]);
  }
  const [head, ...rows] = ["store alone", ...ROWS].map((name, i) => [name, ...columns.map((column) => column[i])]);
  return markdownTable(head, rows);
}

const ROWS = [
  "memory of the swarms, most",
  "the process: before, with the flood",
  "announces not stored",
  "known swarms looked at, and not as they were",
  "torrents at the end, and 48 minutes later",
  "known announces a CPU second: before",
  "… at the end of the flood",
  "… 48 minutes later",
  "the flood's own: at its beginning",
  "… at its end",
];

function describe(figures: FloodFigures): string[] {
  const { full, after } = figures;
  if (figures.refused !== figures.notStored) throw new Error("the counter of announces not stored is wrong");
  return [
    `${(full.bytesUsed / full.bytesMax * 100).toFixed(1)} %`,
    `${formatMegabytes(figures.residentBefore)}, ${formatMegabytes(figures.residentFull)}`,
    formatCount(figures.notStored),
    `${formatCount(figures.looks)}, ${figures.wrong}`,
    `${formatCount(full.torrents)}, ${formatCount(after.torrents)}`,
    ...[figures.knownBefore, figures.knownFull, figures.knownAfter, figures.floodBegin, figures.floodEnd].map(
      formatRate,
    ),
  ];
}

function tell(text: string): void {
  console.error(`flood: ${text}`);
}

await runToEnd(main);
