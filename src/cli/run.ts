/** From the arguments to an exit code: finds the command, lets commander parse for it, runs it. */
import { Command, CommanderError } from "commander";
import { type CommandEntry, COMMANDS, DEFAULT_COMMAND, PROGRAM_NAME } from "./commands.ts";

/** Exit code of a command line that is not understood. */
const EXIT_USAGE = 1;

/** Runs the program with `args`, the words after its name. Returns the exit code. Throws only on a fault of ours. */
export async function run(
  args: readonly string[],
  commands: Readonly<Record<string, CommandEntry>> = COMMANDS,
): Promise<number> {
  const [first = ""] = args;
  const named = Object.hasOwn(commands, first);
  if (!named && /^[^-]/.test(first)) return refuseUnknown(first, Object.keys(commands));

  const name = named ? first : DEFAULT_COMMAND;
  const { register } = await commands[name].load();
  const command = new Command(name === DEFAULT_COMMAND ? PROGRAM_NAME : `${PROGRAM_NAME} ${name}`);
  command.exitOverride();
  let exitCode = 0;
  register(command, (code) => exitCode = code);
  try {
    await command.parseAsync(args.slice(named ? 1 : 0), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version leave by this way too, with 0.
    return error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
  return exitCode;
}

function refuseUnknown(word: string, names: readonly string[]): number {
  const wish = `an option or a command (${names.join(", ")})`;
  console.error(`Cannot start: the first word must be ${wish}, and is ${JSON.stringify(word)}`);
  return EXIT_USAGE;
}
