/** `tracker serve`, the default command: opentracker's options make a `Config`, and the app runs it. */
import type { Config } from "../config/config.ts";
import { readConfigFile } from "../config/read.ts";
import { VERSION_LINE } from "../version.ts";
import { COMMANDS, PROGRAM_NAME, type Register } from "./commands.ts";
import { addServeOptions, helpText, SERVE_OPTIONS, usageLine } from "./serve_options.ts";
import { type ReadFile, readSteps, type Step } from "./serve_steps.ts";

/** What `serve` needs of the world; tests hand in another. */
export interface ServeRim {
  readonly readFile: ReadFile;
  /** Prints a line, or several, on stderr. */
  readonly printError: (text: string) => void;
  /** Runs the tracker until it is stopped. Returns the exit code: 0 after a clean stop, 111 when it cannot run. */
  readonly start: (config: Config) => Promise<number>;
}

/** Exit code for an operator's mistake. */
const EXIT_MISTAKE = 1;

/** Registers `serve` for a given world. */
export function registerServe(rim: ServeRim): Register {
  return (command, exitWith) => {
    const steps: Step[] = [];
    command.helpOption(false);
    addServeOptions(command, SERVE_OPTIONS, steps);
    command.configureOutput({ writeErr: (text) => rim.printError(text.trimEnd()) });
    command.showHelpAfterError(usageLine(PROGRAM_NAME));
    command.action(async () => exitWith(await serveSteps(steps, rim)));
  };
}

/** Registers `serve` as the program runs it. */
export const register: Register = registerServe({
  readFile: readConfigFile,
  printError: (text) => console.error(text),
  start: async (config) => {
    const { serve } = await import("../app.ts"), { guardOutput } = await import("../lines/output.ts");
    const flush = guardOutput();
    try {
      return await serve(config);
    } finally {
      await flush();
    }
  },
});

async function serveSteps(steps: readonly Step[], rim: ServeRim): Promise<number> {
  const { outcome, warnings } = readSteps(steps, rim.readFile);
  for (const warning of warnings) rim.printError(warning);
  switch (outcome.kind) {
    case "serve":
      return await rim.start(outcome.config);
    case "help":
      rim.printError(helpText(PROGRAM_NAME, COMMANDS));
      return 0;
    case "version":
      rim.printError(VERSION_LINE);
      return 0;
    case "usage":
      rim.printError(outcome.sentence);
      rim.printError(usageLine(PROGRAM_NAME));
      return EXIT_MISTAKE;
    case "refused":
      rim.printError(outcome.sentence);
      return EXIT_MISTAKE;
  }
}
