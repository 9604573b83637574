/**
 * `deno task soak`: a real tracker under a mixed load for as long as asked, its counts held against a model after every
 * round and its memory watched. The exit code tells: 0 when all was as it should be.
 */
import { describeMachine } from "./machine.ts";
import { findProgram, isFile, stopPrograms } from "./program.ts";
import { removeScratchFolders } from "./scratch.ts";
import { GROWTH_BYTES_MAX, JUDGED_SECONDS_MIN } from "./soak/memory.ts";
import { soak, type SoakReport, type SoakSize } from "./soak/run.ts";
import { Mistake, parseOptions, readWhole } from "./tool_options.ts";

const SECONDS_DEFAULT = 600;
/** Each of a crowd's peers is heard of in every round, which is shorter than what the tracker forgets peers after. */
const SIZE: SoakSize = {
  crowd: { torrents: 20_000, peers: 100_000 },
  walkers: 6,
  passersBy: 1000,
  burstSeconds: 0.8,
  roundSeconds: 10,
};

const HELP = `usage: deno task soak [options]

  --seconds S        how long (default ${SECONDS_DEFAULT}); memory is judged from ${JUDGED_SECONDS_MIN} s on
  --executable PATH  the tracker to soak (default: from source)
  --seed N           of the random numbers (default: from the clock)
  --help             print this and exit

Needs Linux and cc. All traffic stays on the loopback.`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  seconds: { type: "string" },
  executable: { type: "string" },
  seed: { type: "string" },
} as const;

async function main(signal: AbortSignal): Promise<number> {
  const values = parseOptions(Deno.args, OPTIONS);
  const seconds = readWhole("seconds", values.seconds) ?? SECONDS_DEFAULT;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const seed = readWhole("seed", values.seed) ?? Date.now() % 1_000_000_000;
  checkMachine(values.executable);
  console.log(`soak of ${seconds} s on ${describeMachine()}, seed ${seed}`);
  const executable = values.executable === undefined ? {} : { executable: Deno.realPathSync(values.executable) };
  return conclude(await soak({ seconds, seed, size: SIZE, signal, tell: console.log, ...executable }));
}

function conclude({ seconds, rounds, answers, nuisances, repeated, wrong, memory }: SoakReport): number {
  const { crowd, walkers, passersBy, pages } = answers, all = crowd + walkers + passersBy + pages;
  const { middleBytes, lastBytes, growthBytes, isFlat } = memory;
  console.log(
    `\n${all} answers in ${seconds.toFixed(0)} s and ${rounds} rounds: crowd ${crowd}, walkers ${walkers},` +
      ` passers-by ${passersBy}, pages ${pages}; ${nuisances} nuisances; ${repeated} UDP requests repeated`,
  );
  console.log(
    `resident memory, medians: middle third ${mebibytes(middleBytes)}, last third ${mebibytes(lastBytes)}, ` +
      `growth ${mebibytes(growthBytes)}, at most ${mebibytes(GROWTH_BYTES_MAX)}` +
      `${isFlat === null ? " (too short a run to judge)" : ""}`,
  );
  for (const sentence of wrong) console.log(`WRONG: ${sentence}`);
  console.log(wrong.length === 0 ? "all counts were as the model's" : "failed");
  return wrong.length === 0 ? 0 : 1;
}

/** Says what is missing that nothing can be soaked without. */
function checkMachine(executable: string | undefined): void {
  if (Deno.build.os !== "linux") throw new Mistake("The soak needs Linux: it reads memory from /proc");
  if (findProgram("cc") === undefined) {
    throw new Mistake("The soak needs cc, and it is not installed (apt install gcc)");
  }
  if (executable !== undefined && !isFile(executable)) {
    throw new Mistake(`--executable: there is no file ${executable}`);
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

const interrupted = new AbortController();
// A second one ends it at once, and the tracker with it if it comes from the terminal.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => interrupted.signal.aborted ? Deno.exit(130) : interrupted.abort());
}
let code: number;
try {
  code = await main(interrupted.signal);
} catch (error) {
  console.error(error instanceof Mistake ? error.message : error);
  code = error instanceof Mistake ? 2 : 1;
}
await stopPrograms();
removeScratchFolders();
Deno.exit(code);
