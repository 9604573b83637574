/** The command line of the benchmark. */
import { parseArgs } from "node:util";

/** Sections, in the order of the report. `throughput` is chosen by the names of its loads. */
export type SectionName = "throughput" | "memory" | "idle" | "start" | "fronts" | "store";

/** What was asked for. */
export interface BenchOptions {
  readonly help: boolean;
  readonly quick: boolean;
  readonly write: boolean;
  /** Names of loads and sections, or their first words; empty: all. */
  readonly only: readonly string[];
  readonly trackers: readonly string[];
  /** Path of opentracker, when it is not the one on PATH. */
  readonly opentracker: string | undefined;
  readonly length: { readonly seconds?: number; readonly repeats?: number };
}

/** Something the operator can put right: a sentence without a stack. */
export class BenchMistake extends Error {}

/** What `--help` prints. */
export const HELP = `usage: deno task bench [options]

  --quick            about a minute: one short run each, ours and opentracker only, a tenth of the peers for memory
  --only NAME        only this load or section; repeatable. udp stands for all that begin with udp-, http likewise:
                     udp-1000 udp-20000 udp-100000 udp-mix http-keepalive http-close memory idle start fronts store
  --ours-only        leave out the other trackers
  --trackers LIST    of waggle,opentracker,bittorrent-tracker, separated by commas (default: all that are installed)
  --opentracker PATH another build of opentracker than the one on PATH
  --seconds S        length of each run (default 2)
  --repeats N        runs of each load (default 5)
  --write            put the results into docs/performance.md; only with all sections, and not with --quick
  --help             print this and exit

Needs Linux with two cores, cc and taskset; opentracker if it is to be compared (apt install opentracker). The tracker
runs on core 0 and the load generator on core 1: leave the machine alone meanwhile. All traffic stays on 127.0.0.1.`;

const TRACKERS = ["waggle", "opentracker", "bittorrent-tracker"];

/** Reads the words after the program's name. Throws BenchMistake on what it does not know. */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const values = parse(args);
  const quick = values.quick ?? false, write = values.write ?? false, only = values.only ?? [];
  const oursOnly = values["ours-only"] ?? false;
  const all = quick ? TRACKERS.slice(0, 2) : TRACKERS;
  const trackers = oursOnly ? TRACKERS.slice(0, 1) : values.trackers?.split(",") ?? all;
  const unknown = trackers.find((name) => !TRACKERS.includes(name));
  if (unknown !== undefined) {
    throw new BenchMistake(`--trackers must be of ${TRACKERS.join(",")}, and has "${unknown}"`);
  }
  if (write && (quick || only.length > 0)) {
    throw new BenchMistake("--write replaces all results: it excludes --quick and --only");
  }
  return {
    help: values.help ?? false,
    quick,
    write,
    only,
    trackers,
    opentracker: values.opentracker,
    length: {
      ...positive("seconds", values.seconds, 60),
      ...positive("repeats", values.repeats, 100),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        quick: { type: "boolean" },
        write: { type: "boolean" },
        only: { type: "string", multiple: true },
        "ours-only": { type: "boolean" },
        trackers: { type: "string" },
        opentracker: { type: "string" },
        seconds: { type: "string" },
        repeats: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new BenchMistake(`${error instanceof Error ? error.message : error}; see --help`);
  }
}

function positive(name: "seconds" | "repeats", text: string | undefined, max: number): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  const good = value > 0 && value <= max && (name === "seconds" || Number.isInteger(value));
  if (!good) throw new BenchMistake(`--${name} must be above 0 and at most ${max}, and is "${text}"`);
  return { [name]: value };
}
