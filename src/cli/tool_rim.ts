/**
 * What the tools of the command line need of the world, and what they share: lines out, mistakes, options in both
 * spellings. Tests hand in another world.
 */
import { type Command, Option } from "commander";
import { askAnnounce, askScrape } from "../client/ask_tracker.ts";

/** The world of a tool. */
export interface ToolRim {
  /** Prints a line on stdout. */
  readonly print: (line: string) => void;
  /** Prints a line on stderr. */
  readonly printError: (line: string) => void;
  /** Draws over the last line of stderr; null when stderr is no terminal. */
  readonly redraw: ((text: string) => void) | null;
  /** A clock that never goes back, milliseconds. */
  readonly now: () => number;
  /** Unix time, seconds. */
  readonly unixSeconds: () => number;
  /** Threads for work that fills a core. */
  readonly workers: number;
  /** Random bytes. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly askAnnounce: typeof askAnnounce;
  readonly askScrape: typeof askScrape;
  /** Begins to catch the signals that end a program. */
  readonly catchStop: () => StopCatch;
}

/** Signals that end a program, caught. */
export interface StopCatch {
  /** Aborted by the first of them. */
  readonly signal: AbortSignal;
  /** Exit code for that signal: 128 and its number. */
  readonly exitCode: () => number;
  /** Lets signals end the program again. */
  readonly release: () => void;
}

/** Exit code when something was not done: an operator's mistake, or a file or tracker at fault. */
export const EXIT_NOT_DONE = 1;

/** An operator's mistake that ends a command: the message is the sentence to print. */
export class Mistake extends Error {}

/** Runs `work`. Returns its exit code, or 1 when it ends with a `Mistake`, which is printed. */
export async function exitCodeOf(rim: ToolRim, work: () => number | Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    rim.printError(error.message);
    return EXIT_NOT_DONE;
  }
}

/**
 * Adds an option that BitTornado spells with underscores and others with dashes: `flags` has the dashes, the other
 * spelling works too and is not shown. `repeats`: it may stand several times, and its value is the list of all.
 */
export function addOption(command: Command, flags: string, description: string, repeats = false): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  const option = new Option(flags, description);
  if (repeats) option.argParser(collect);
  command.addOption(option);
  const alias = option.long?.replaceAll(/(?<=\w)-/g, "_");
  if (alias === undefined || alias === option.long) return;
  const [, argument = ""] = / (.*)$/.exec(flags) ?? [];
  command.addOption(new Option(`${alias} ${argument}`).hideHelp());
  const name = option.attributeName();
  command.on(`option:${alias.slice(2)}`, (value: string | null) => {
    const text = value ?? true;
    command.setOptionValue(name, repeats ? collect(`${text}`, command.getOptionValue(name)) : text);
  });
}

/** Sets how a command, and those below it, report what commander finds. */
export function sayThrough(rim: ToolRim, command: Command): void {
  command.configureOutput({
    writeOut: (text) => rim.print(text.trimEnd()),
    writeErr: (text) => rim.printError(text.trimEnd()),
    outputError: (text, write) => write(text.replace(/^error: /, "Cannot start: ")),
  });
}

const SIGNALS: readonly (readonly [Deno.Signal, number])[] = Deno.build.os === "windows"
  ? [["SIGINT", 2], ["SIGBREAK", 21]]
  : [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]];

const UTF8 = new TextEncoder();

/** The world as the program meets it. */
export const REAL_RIM: ToolRim = {
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  redraw: Deno.stderr.isTerminal() ? (text) => void Deno.stderr.writeSync(UTF8.encode(`\r${text}\x1b[K`)) : null,
  now: () => performance.now(),
  unixSeconds: () => Math.floor(Date.now() / 1000),
  workers: navigator.hardwareConcurrency,
  randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  askAnnounce,
  askScrape,
  catchStop,
};

function catchStop(): StopCatch {
  const stop = new AbortController();
  let exitCode = 0;
  const listeners = SIGNALS.map(([signal, number]) => {
    const listener = () => {
      exitCode = 128 + number;
      stop.abort();
    };
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return {
    signal: stop.signal,
    exitCode: () => exitCode,
    release: () => listeners.forEach(({ signal, listener }) => Deno.removeSignalListener(signal, listener)),
  };
}
