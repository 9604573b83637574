/** `tracker state`: looks into state files and carries what they hold elsewhere and back. */
import type { Command } from "commander";
import { formatJsonLine } from "../persist/json_lines.ts";
import type { HistorySummary } from "../persist/history_table.ts";
import { isSystemError, StateFault } from "../persist/state_fault.ts";
import { copyState } from "../persist/state_copy.ts";
import { StateFile, type StateRow } from "../persist/state_file.ts";
import { importLines } from "../persist/state_import.ts";
import { formatDumpLine } from "../persist/statedump.ts";
import type { ExitWith, Register } from "./commands.ts";
import { formatMinute, historyJson, historyTable, readSince } from "./state_history.ts";
import { LINE_CHARS_MAX, textLines } from "./text_lines.ts";
import { Mistake } from "./tool_rim.ts";

/** What `state` needs of the world; tests hand in another. */
export interface StateRim {
  /** Prints text on stdout as it is. */
  readonly write: (text: string) => void;
  readonly printError: (line: string) => void;
  /** The bytes of a file, or of stdin for `-`. Throws what the system throws. */
  readonly read: (path: string) => Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Unix time, milliseconds. */
  readonly now: () => number;
}

interface HistoryFlags {
  readonly since?: string;
  readonly json?: true;
}

const EXIT_NOT_DONE = 1;
/** Characters gathered before they are written. */
const WRITE_CHARS = 65_536;
const MINUTE_MS = 60_000;
/** Last time a Date can be. */
const DATE_MS_MAX = 8.64e15;
/** Longest peer of a JSON line, IPv6 and its comma included, and what stands around them all. */
const PEER_CHARS_MAX = 107, LINE_REST_CHARS = 200;

/** Registers `state` for a given world. */
export function registerState(rim: StateRim): Register {
  return (command, exitWith) => {
    command.description("Looks into state files (tracker.state), and carries what they hold elsewhere and back.");
    const define = (name: string, summary: string) => command.command(name).description(summary);
    define("info", "says what FILE holds; a running tracker may use it")
      .argument("<file>")
      .action((path: string) => run(rim, exitWith, () => info(rim, path)));
    define("history", "prints the minutes that tracker.history wrote into FILE; a running tracker may use it")
      .argument("<file>")
      .option("--since <when>", "from a time on (2026-11-20, 2026-11-20T10:00Z), or a span before now (90m, 24h, 7d)")
      .option("--json", "one JSON object a line, with every figure")
      .action((path: string, flags: HistoryFlags) => run(rim, exitWith, () => history(rim, path, flags)));
    define(
      "export",
      "prints the torrents of FILE as JSON lines, or as opentracker's state dump; a running tracker may use it",
    )
      .argument("<file>")
      .option("--statedump", "as opentracker's state dump: hashes, minutes and counts, no peers")
      .action((path: string, { statedump }: { statedump?: boolean }) =>
        run(rim, exitWith, () => exportLines(rim, path, statedump === true))
      );
    define("import", "reads JSON lines or a state dump into FILE, which no tracker may use; makes FILE if need be")
      .argument("<file>")
      .argument("[source]", "file with the lines; - is stdin", "-")
      .action((path: string, source: string) => run(rim, exitWith, () => importInto(rim, path, source)));
    define("backup", "copies FILE to TARGET, whole and compact, while a tracker may run")
      .argument("<file>")
      .argument("<target>")
      .action((path: string, target: string) => run(rim, exitWith, () => backup(path, target)));
    command.commands.forEach((each: Command) => each.exitOverride());
  };
}

/** Registers `state` as the program runs it. */
export const register: Register = registerState({
  write: (text) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  },
  printError: (line) => console.error(line),
  read: async (path) => path === "-" ? Deno.stdin.readable : (await Deno.open(path)).readable,
  now: Date.now,
});

async function run(rim: StateRim, exitWith: ExitWith, work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // Whoever reads has had enough: `| head`.
    if (error instanceof Deno.errors.BrokenPipe) return;
    rim.printError(sentenceOf(error));
    exitWith(EXIT_NOT_DONE);
  }
}

// What the system refuses of files is a StateFault by now: what is left is the output.
function sentenceOf(error: unknown): string {
  if (error instanceof StateFault || error instanceof Mistake) return error.message;
  if (isSystemError(error)) return `Cannot write the output: ${error.message}`;
  throw error;
}

async function withFile<T>(path: string, readOnly: boolean, work: (file: StateFile) => T | Promise<T>): Promise<T> {
  const file = StateFile.open(path, { readOnly });
  try {
    return await work(file);
  } finally {
    file.close();
  }
}

function info(rim: StateRim, path: string): Promise<void> {
  return withFile(path, true, (file) => {
    const { schema, torrents, swarms, peers4, peers6, completed, touched, bytes } = file.summary();
    const last = touched === 0 ? "never" : new Date(Math.min(touched * MINUTE_MS, DATE_MS_MAX)).toISOString();
    const rows = {
      "schema": schema,
      "torrents": torrents,
      "with peers": swarms,
      "IPv4 peers": peers4,
      "IPv6 peers": peers6,
      "completed": completed,
      "last announce": last,
      "history": formatHistory(file.history.summary()),
      "bytes": bytes,
    };
    rim.write(Object.entries(rows).map(([name, value]) => `${`${name}:`.padEnd(15)}${value}\n`).join(""));
    const problems = file.problems();
    rim.write(
      `integrity:     ${problems.length === 0 ? "ok" : `${problems.length} problems, the first: ${problems[0]}`}\n`,
    );
  });
}

function formatHistory({ minutes, firstMinute }: HistorySummary): string {
  return minutes === 0 ? "none" : `${minutes} minutes since ${formatMinute(firstMinute)}`;
}

function history(rim: StateRim, path: string, { since, json }: HistoryFlags): Promise<void> {
  const first = readSince(since, rim.now());
  return withFile(path, true, (file) => {
    const minutes = file.history.minutes(first);
    writeLines(rim, json ? historyJson(minutes) : historyTable(minutes));
  });
}

function exportLines(rim: StateRim, path: string, isDump: boolean): Promise<void> {
  return withFile(path, true, (file) => writeLines(rim, torrentLines(file, isDump)));
}

function* torrentLines(file: StateFile, isDump: boolean): Generator<string> {
  for (const row of file.rows()) {
    if (!isDump) refuseTooLong(file.path, row);
    yield isDump ? formatDumpLine(row) : formatJsonLine(row);
  }
}

function refuseTooLong(path: string, { infoHash, peers4, peers6 }: StateRow): void {
  const peers = (peers4?.length ?? 0) / 8 + (peers6?.length ?? 0) / 20;
  if (peers * PEER_CHARS_MAX + LINE_REST_CHARS <= LINE_CHARS_MAX) return;
  const what = `holds ${peers} peers of the torrent ${infoHash.toHex()}, which are too many for a line`;
  throw new StateFault(path, what, "copy it with `tracker state backup`");
}

function writeLines(rim: StateRim, lines: Iterable<string>): void {
  let text = "";
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < WRITE_CHARS) continue;
    rim.write(text);
    text = "";
  }
  rim.write(text);
}

// A source that cannot be read is no reason to make a file.
async function importInto(rim: StateRim, path: string, source: string): Promise<void> {
  const rest = sourceLines(rim, source), first = await rest.next();
  try {
    const unixMinute = Math.floor(rim.now() / MINUTE_MS);
    const { torrents, empty, refused } = await withFile(
      path,
      false,
      (file) => importLines(file, joined(first, rest), unixMinute),
    );
    rim.write(`${torrents} torrents imported, ${empty} had nothing to keep, ${refused} lines were none\n`);
  } finally {
    await rest.return(undefined);
  }
}

async function* joined(first: IteratorResult<string>, rest: AsyncIterable<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

async function* sourceLines(rim: StateRim, source: string): AsyncGenerator<string> {
  try {
    yield* textLines(await rim.read(source));
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new Mistake(`The source ${JSON.stringify(source)} cannot be read (${error.message}); name one that can`);
  }
}

function backup(path: string, target: string): Promise<void> {
  return withFile(path, true, (file) => copyState(file, target));
}
