/** How a benchmark program ends: with everything stopped that it started, on Ctrl-C and on errors too. */
import { stopPrograms } from "./program.ts";
import { removeScratchFolders } from "./scratch.ts";
import { Mistake } from "./tool_options.ts";

/** Runs `main`, which returns the exit code, and ends the program. */
export async function runToEnd(main: () => Promise<number>): Promise<never> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopAndExit(130));
  try {
    return await stopAndExit(await main());
  } catch (error) {
    console.error(error instanceof Mistake ? error.message : error);
    return await stopAndExit(1);
  }
}

async function stopAndExit(code: number): Promise<never> {
  await stopPrograms();
  removeScratchFolders();
  Deno.exit(code);
}
