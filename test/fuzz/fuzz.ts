/**
 * `deno task fuzz`: feeds everything that reads foreign bytes with broken input for as long as asked, and says what came
 * of it. A find is written into test/fuzz/corpus, where the ordinary tests try it from then on; it ends with exit code 1.
 */
import { Mistake, parseOptions, readWhole } from "../../bench/tool_options.ts";
import { writeFind } from "../support/corpus.ts";
import type { Find } from "../support/fuzz.ts";
import { fuzz, type FuzzReport, type FuzzResult, type FuzzWish, Hang, type Memory } from "./fuzz_thread.ts";
import { TARGETS } from "./targets.ts";

const TABLE = new URL("./targets.ts", import.meta.url).href;
const SECONDS_DEFAULT = 60;
/** Live memory that a run may add past its first tenth: what targets keep on purpose (inputs to start from, outcomes,
 * a store's peers) is bounded, and most of it there by then. */
const HEAP_GROWTH_BYTES_MAX = 32 << 20;
/** Memory of the process that a run may add: the heap's share, and what the allocator and the JIT keep. */
const RESIDENT_GROWTH_BYTES_MAX = 96 << 20;

const HELP = `usage: deno task fuzz [options]

  --seconds S    time for all targets together (default ${SECONDS_DEFAULT}, or without end when --inputs is given)
  --inputs N     inputs of all targets together
  --target NAME  only this one; repeatable
  --seed N       repeats a run (default: from the clock); needs the same --inputs to repeat it to the end
  --help         print this and exit

Finds are written to test/fuzz/corpus/TARGET and are tried by the tests from then on. Targets:

${TARGETS.map(({ name, summary }) => `  ${name.padEnd(16)} ${summary}`).join("\n")}`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  seconds: { type: "string" },
  inputs: { type: "string" },
  target: { type: "string", multiple: true },
  seed: { type: "string" },
} as const;

async function main(): Promise<number> {
  const wish = readWish(Deno.args);
  if (wish === null) {
    console.log(HELP);
    return 0;
  }
  const given = wish.targets.map((name) => `--target ${name} `).join("");
  const inputs = Number.isFinite(wish.inputs) ? `--inputs ${wish.inputs} ` : "";
  console.log(`seed ${wish.seed}; to repeat: deno task fuzz ${given}${inputs}--seed ${wish.seed}\n`);
  console.log(
    `${"target".padEnd(16)}     inputs  seconds   each/s  ways  slowest  heap before   after  resident before   after`,
  );
  try {
    const report = await fuzz(wish, (result) => console.log(formatResult(result)));
    return conclude(report);
  } catch (error) {
    if (!(error instanceof Hang)) throw error;
    const { name } = TARGETS[error.target]!;
    tellFind({ target: name, input: error.input, reason: error.message, number: 0, isAlone: true });
    // Its thread cannot be stopped.
    return 1;
  }
}

function readWish(args: readonly string[]): FuzzWish | null {
  const values = parseOptions(args, OPTIONS), targets = values.target ?? [];
  if (values.help) return null;
  const unknown = targets.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) throw new Mistake(`--target must be one of those in --help, and is "${unknown}"`);
  const inputs = readWhole("inputs", values.inputs) ?? Infinity;
  return {
    table: TABLE,
    targets,
    seed: readWhole("seed", values.seed, 0) ?? Date.now() % 1_000_000_000,
    inputs,
    seconds: readWhole("seconds", values.seconds) ?? (Number.isFinite(inputs) ? Infinity : SECONDS_DEFAULT),
  };
}

function conclude({ results, memory }: FuzzReport): number {
  const inputs = results.reduce((sum, result) => sum + result.inputs, 0);
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  console.log(`\n${inputs} inputs in ${seconds.toFixed(0)} s`);
  const finds = results.flatMap(({ find }) => find === null ? [] : [find]);
  for (const find of finds) tellFind(find);
  let isGrown = false;
  if (memory !== null) {
    const [before, after] = memory, heap = after.heap - before.heap, resident = after.resident - before.resident;
    isGrown = heap > HEAP_GROWTH_BYTES_MAX || resident > RESIDENT_GROWTH_BYTES_MAX;
    console.log(
      `memory after the first tenth and at the end: heap ${mebibytes(before.heap)} and ${mebibytes(after.heap)} MiB, ` +
        `resident ${mebibytes(before.resident)} and ${mebibytes(after.resident)} MiB${isGrown ? ": IT GROWS" : ""}`,
    );
  }
  console.log(finds.length === 0 ? "no find" : `${finds.length} finds`);
  return finds.length === 0 && !isGrown ? 0 : 1;
}

function tellFind({ target, input, reason, number, isAlone }: Find): void {
  const path = writeFind(target, input);
  console.log(`\nFIND in ${target}: ${reason}`);
  console.log(`  written to ${path.slice(path.indexOf("test/"))} (${input.length} bytes)`);
  if (!isAlone) {
    console.log(`  It fails only after the inputs before it: repeat the run, it is input ${number} of its target.`);
  }
}

function formatResult({ target, inputs, seconds, outcomes, slowestMs, memory, find }: FuzzResult): string {
  const columns: [string | number, number][] = [
    [inputs, 11],
    [seconds.toFixed(1), 9],
    [Math.round(inputs / seconds), 9],
    [outcomes, 6],
    [slowestMs < 0.1 ? "<0.1 ms" : `${slowestMs.toFixed(1)} ms`, 9],
  ];
  const amounts = (of: keyof Memory) => memory?.map((one) => `${mebibytes(one[of])}`) ?? ["", ""];
  const [heapBefore, heapAfter] = amounts("heap"), [residentBefore, residentAfter] = amounts("resident");
  columns.push([heapBefore!, 13], [heapAfter!, 8], [residentBefore!, 17], [residentAfter!, 8]);
  const text = columns.map(([value, width]) => String(value).padStart(width)).join("");
  return `${target.padEnd(16)}${text}${find === null ? "" : "  FIND"}`;
}

function mebibytes(bytes: number): string {
  return (bytes / (1 << 20)).toFixed(1);
}

try {
  Deno.exit(await main());
} catch (error) {
  console.error(error instanceof Mistake ? error.message : error);
  Deno.exit(error instanceof Mistake ? 2 : 1);
}
