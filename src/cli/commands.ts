/**
 * The commands of the program: `tracker NAME ...` runs the module that stands beside NAME here, `tracker` alone, or
 * with an option first, runs `serve`. Only the module that is asked for is loaded.
 *
 * To add a command, write `src/cli/NAME.ts` and add its line to `COMMANDS`. The module exports
 *
 *   export function register(command: Command, exitWith: ExitWith): void {
 *     command.argument("<file>").option("-q, --quiet");
 *     command.action(async (file, { quiet }) => exitWith(await show(file, quiet)));
 *   }
 *
 * `command` is a fresh commander command called `tracker NAME`: give it arguments, options, an action, or commands of
 * its own. The action ends by handing the exit code to `exitWith`; without that it is 0. Bad options and missing
 * arguments are reported by commander and end with 1.
 */
import type { Command } from "commander";

/** Takes the exit code of a command. */
export type ExitWith = (exitCode: number) => void;

/** Describes a command to commander. */
export type Register = (command: Command, exitWith: ExitWith) => void;

/** One line of the table. */
export interface CommandEntry {
  /** Half a line for `tracker -h`. */
  readonly summary: string;
  /** Loads the module. The import is a literal, so that `deno compile` embeds it. */
  readonly load: () => Promise<{ readonly register: Register }>;
}

/** Name of the program, as it is typed. */
export const PROGRAM_NAME = "tracker";

/** What runs when no command is named. */
export const DEFAULT_COMMAND = "serve";

/** Every command by its name. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: { summary: "run the tracker; what happens without a command", load: () => import("./serve.ts") },
  torrent: { summary: "make, show and edit .torrent files and their tiers", load: () => import("./torrent.ts") },
  state: { summary: "look into state files, export, import, back up", load: () => import("./state.ts") },
  "reload-binary": { summary: "restart a tracker without a gap", load: () => import("./reload_binary.ts") },
  announce: { summary: "announce to any tracker and print its answer", load: () => import("./announce.ts") },
  scrape: { summary: "scrape any tracker and print its counts", load: () => import("./scrape.ts") },
  check: { summary: "check any tracker by newTrackon's rules", load: () => import("./check.ts") },
  doctor: { summary: "look for what would keep the tracker from serving well", load: () => import("./doctor.ts") },
  plugins: { summary: "list the plugins that would load, and check them", load: () => import("./plugins.ts") },
};
