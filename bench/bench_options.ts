/** The command line of the benchmark. */
import { Mistake, parseOptions } from "./tool_options.ts";

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

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  quick: { type: "boolean" },
  write: { type: "boolean" },
  only: { type: "string", multiple: true },
  "ours-only": { type: "boolean" },
  trackers: { type: "string" },
  opentracker: { type: "string" },
  seconds: { type: "string" },
  repeats: { type: "string" },
} as const;

/** Reads the words after the program's name. Throws Mistake on what it does not know. */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const values = parseOptions(args, OPTIONS);
  const quick = values.quick ?? false, write = values.write ?? false, only = values.only ?? [];
  const oursOnly = values["ours-only"] ?? false;
  const all = quick ? TRACKERS.slice(0, 2) : TRACKERS;
  const trackers = oursOnly ? TRACKERS.slice(0, 1) : values.trackers?.split(",") ?? all;
  const unknown = trackers.find((name) => !TRACKERS.includes(name));
  if (unknown !== undefined) {
    throw new Mistake(`--trackers must be of ${TRACKERS.join(",")}, and has "${unknown}"`);
  }
  if (write && (quick || only.length > 0)) {
    throw new Mistake("--write replaces all results: it excludes --quick and --only");
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

function positive(name: "seconds" | "repeats", text: string | undefined, max: number): Record<string, number> {
  if (text === undefined) return {};
  const value = Number(text);
  const good = value > 0 && value <= max && (name === "seconds" || Number.isInteger(value));
  if (!good) throw new Mistake(`--${name} must be above 0 and at most ${max}, and is "${text}"`);
  return { [name]: value };
}
