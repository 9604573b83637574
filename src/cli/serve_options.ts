/** The options of `serve`, which are opentracker's, and the texts that describe them: usage line and help. */
import type { Command } from "commander";
import { formatOption } from "../config/describe.ts";
import type { Step } from "./serve_steps.ts";

/** One option. Its letter is case-sensitive. */
export interface ServeOption {
  /** One without a letter has its spelled-out form here as well. */
  readonly letter: string;
  /** A spelled-out form, where there is one. */
  readonly long?: string;
  /** What its argument is. Absent: it takes none. */
  readonly argument?: string;
  readonly description: string;
}

/** Every option, in the order of the help. What each does is in serve.ts, or the row of the settings that names it. */
export const SERVE_OPTIONS: readonly ServeOption[] = [
  { letter: "f", argument: "config", description: "run the config file at this point" },
  { letter: "i", argument: "ip", description: "address for the -p, -P and -s that follow (default: any)" },
  {
    letter: "p",
    argument: "port",
    description: "answer on this TCP port; repeatable, 0: any free one (default: 6969)",
  },
  {
    letter: "P",
    argument: "port",
    description: "answer on this UDP port; repeatable, 0: any free one (default: 6969)",
  },
  { letter: "r", argument: "redirect", description: "URL where / is redirected to (default: none)" },
  { letter: "d", argument: "dir", description: 'directory to run in, and as root to be confined to (default: ".")' },
  { letter: "u", argument: "user", description: 'user to become when started as root (default: "nobody")' },
  { letter: "A", argument: "ip[/bits]", description: "address or network that may see the statistics; repeatable" },
  { letter: "b", argument: "blacklistfile", description: "info hashes to refuse, one a line" },
  { letter: "w", argument: "whitelistfile", description: "info hashes to serve, and no others" },
  { letter: "l", argument: "statefile", description: "state dump to load at the start" },
  {
    letter: "state-repair",
    long: "state-repair",
    description: "salvage a damaged tracker.state, for one start",
  },
  { letter: "s", argument: "livesyncport", description: "port of live sync on the -i before it (not yet supported)" },
  { letter: "h", long: "help", description: "print this and exit" },
  { letter: "v", long: "version", description: "print the version and exit" },
];

/** Order of the options in opentracker's usage line. */
const USAGE_LETTERS = "ipPrduAfsbwl";

const EXAMPLE = "-i 127.0.0.1 -p 6969 -P 6969 -f ./tracker.conf -i 10.1.1.23 -p 2710 -p 80";

/** Width of the option column: the longest of them fits. */
const LABEL_CHARS = 16;

/**
 * Adds `options` to `command`, which notes each in `steps` in the order they stand: commander's own result keeps no order
 * among them.
 */
export function addServeOptions(command: Command, options: readonly ServeOption[], steps: Step[]): void {
  for (const { letter, long, argument, description } of options) {
    const flags = long === undefined || long === letter ? formatOption(letter) : `-${letter}, --${long}`;
    command.option(argument === undefined ? flags : `${flags} <${argument}>`, description);
    command.on(`option:${long ?? letter}`, (text: string | undefined) => steps.push({ letter, text: text ?? "" }));
  }
}

/** The line that answers a command line that is not understood. */
export function usageLine(program: string): string {
  const parts = [...USAGE_LETTERS].map((letter) => {
    const option = SERVE_OPTIONS.find((option) => option.letter === letter);
    return `[-${letter} ${option?.argument}]`;
  });
  return `Usage: ${program} ${parts.join(" ")}`;
}

/** Usage line, a line for each option, an example, and a line for each command in `commands`. */
export function helpText(program: string, commands: Readonly<Record<string, { readonly summary: string }>>): string {
  const options = SERVE_OPTIONS.map(({ letter, argument, description }) =>
    formatRow(argument === undefined ? formatOption(letter) : `-${letter} ${argument}`, description)
  );
  return [
    usageLine(program),
    ...options,
    "",
    `Example:   ${program} ${EXAMPLE}`,
    "",
    `Commands:  ${program} command -h tells more`,
    ...Object.entries(commands).map(([name, { summary }]) => formatRow(name, summary)),
  ].join("\n");
}

function formatRow(label: string, description: string): string {
  return `\t${label.padEnd(LABEL_CHARS)} ${description}`;
}
