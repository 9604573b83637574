/** `tracker reload-binary`: tells the tracker that runs to start its program anew and hand over to it, without a gap. */
import { signalRestart } from "../front/linux/successor.ts";
import { StateFault } from "../persist/state_fault.ts";
import { StateLock } from "../persist/state_lock.ts";
import type { Register } from "./commands.ts";

/** What `reload-binary` needs of the world; tests hand in another. */
export interface ReloadRim {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Tells a process to restart. False: it cannot be told. */
  readonly signal: (pid: number) => boolean;
}

const EXIT_NOT_DONE = 1;

/** Registers `reload-binary` for a given world. */
export function registerReload(rim: ReloadRim): Register {
  return (command, exitWith) => {
    command.description(
      "Starts the program anew beside the tracker that keeps its state in FILE, on the same sockets; the old one hands " +
        "over, answers its last connections and leaves. Its log says how it goes. The same as SIGUSR2; Linux only.",
    );
    command.argument("<file>", "the tracker.state of the tracker that runs");
    command.action((path: string) => exitWith(reload(rim, path)));
  };
}

/** Registers `reload-binary` as the program runs it. */
export const register: Register = registerReload({
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  signal: signalRestart,
});

function reload(rim: ReloadRim, path: string): number {
  try {
    const pid = StateLock.keeperOf(path);
    if (pid === null) {
      rim.printError(`No tracker keeps its state in ${JSON.stringify(path)}; name the file that tracker.state names`);
      return EXIT_NOT_DONE;
    }
    if (rim.signal(pid)) {
      rim.print(`process ${pid} was told to restart`);
      return 0;
    }
    rim.printError(`Process ${pid} cannot be signalled; run this as the tracker's user`);
    return EXIT_NOT_DONE;
  } catch (error) {
    if (!(error instanceof StateFault)) throw error;
    rim.printError(error.message);
    return EXIT_NOT_DONE;
  }
}
