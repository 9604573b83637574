/** `tracker doctor`: looks at the machine with the eyes of a tracker that would serve a config, and says what to mend. */
import type { Command } from "commander";
import type { Config } from "../config/config.ts";
import { readConfigFile } from "../config/read.ts";
import { runChecks } from "../doctor/checks.ts";
import { examine } from "../doctor/examined.ts";
import { formatReport, jsonOfReport } from "../doctor/report.ts";
import { enterDirectory } from "../privileges/enter_directory.ts";
import { SystemFiles } from "../system_files.ts";
import type { Register } from "./commands.ts";
import { addServeOptions, SERVE_OPTIONS } from "./serve_options.ts";
import { type ReadFile, readSteps, type Step } from "./serve_steps.ts";

/** What `doctor` needs of the world; tests hand in another. */
export interface DoctorRim {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  readonly readFile: ReadFile;
  /** Opens the system's files; another root may stand for them. */
  readonly openFiles: () => SystemFiles;
}

/** Exit code when there is a problem. */
const EXIT_PROBLEM = 1;
/** Exit code when there is nothing to go by: a config that the tracker would not start with either. */
const EXIT_CANNOT_LOOK = 111;
/** Options of `serve` that only a start can have. */
const START_OPTIONS: readonly string[] = ["h", "v", "state-repair"];

/** Registers `doctor` for a given world. */
export function registerDoctor(rim: DoctorRim): Register {
  return (command, exitWith) => {
    const steps: Step[] = [];
    describeCommand(command);
    addServeOptions(command, SERVE_OPTIONS.filter(({ letter }) => !START_OPTIONS.includes(letter)), steps);
    command.option("--json", "print one JSON object");
    command.action(async ({ json }: { json?: true }) => exitWith(await examineAll(rim, steps, json === true)));
  };
}

/** Registers `doctor` as the program runs it. */
export const register: Register = registerDoctor({
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  readFile: readConfigFile,
  openFiles: () => new SystemFiles(),
});

function describeCommand(command: Command): void {
  command
    .summary("look for what would keep the tracker from serving well")
    .description(
      "Looks at the machine, at the config and at the tracker that runs, if any, and says what to type where something " +
        "is wrong. Changes nothing. Give it the options the tracker is started with, and run it as the tracker's user " +
        "or as root. Exit code 0: no problem; 1: at least one; 111: the config cannot be read.",
    );
}

async function examineAll(rim: DoctorRim, steps: readonly Step[], isJson: boolean): Promise<number> {
  const config = readConfig(rim, steps);
  if (typeof config === "string") {
    rim.printError(config);
    return EXIT_CANNOT_LOOK;
  }
  const found = enterDirectory(config);
  if ("sentence" in found) {
    rim.printError(found.sentence.replace(/^Cannot start/, "Cannot look"));
    return EXIT_CANNOT_LOOK;
  }
  using files = rim.openFiles();
  const findings = await runChecks(examine(found, files));
  if (isJson) rim.print(JSON.stringify(jsonOfReport(findings)));
  else for (const line of formatReport(findings)) rim.print(line);
  return findings.some(({ state }) => state === "problem") ? EXIT_PROBLEM : 0;
}

// The config, or the sentence that says why there is none. A file that is not there only warns at a start; here it ends it.
function readConfig(rim: DoctorRim, steps: readonly Step[]): Config | string {
  const missing: string[] = [];
  const { outcome } = readSteps(steps, (path) => {
    const file = rim.readFile(path);
    if (file.kind === "unreadable") missing.push(path);
    return file;
  });
  if (missing.length > 0) return `Cannot look: the config file ${JSON.stringify(missing[0])} cannot be read`;
  if (outcome.kind === "serve") return outcome.config;
  return "sentence" in outcome ? outcome.sentence : outcome.kind;
}
