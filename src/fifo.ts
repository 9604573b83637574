/** FIFOs for plugins' hosts: makes them, which Deno cannot (a call to libc, on Linux), and keeps what comes into them. */

import { ERROR_SYMBOLS, systemError } from "./front/linux/libc.ts";

const MODE = 0o755;
const SYMBOLS = { ...ERROR_SYMBOLS, mkfifo: { parameters: ["buffer", "u32"], result: "i32" } } as const;

/** A FIFO that a setting names. */
export interface Fifo {
  readonly path: string;
  /** As the operator writes it. */
  readonly setting: string;
}

/** Makes a FIFO if there is nothing at its path. Returns why there is none after that and the way out, or null. */
export function makeFifo({ path, setting }: Fifo): string | null {
  const say = (what: string, wayOut: string) =>
    `${setting}: ${JSON.stringify(path)} ${what}; ${wayOut}, or name another path in ${setting}`;
  const fault = exists(path) ? null : callMkfifo(path);
  if (fault !== null) {
    return say(
      `cannot be made (${fault})`,
      "make it with mkfifo, or give the tracker the right to write to its folder",
    );
  }
  try {
    return Deno.statSync(path).isFifo ? null : say("is not a FIFO", "move it away");
  } catch (error) {
    return say(`cannot be looked at (${error instanceof Error ? error.message : error})`, "move it away");
  }
}

// Returns the system's words for why there is none, or null.
function callMkfifo(path: string): string | null {
  if (Deno.build.os !== "linux") return "only on Linux";
  const libc = Deno.dlopen("libc.so.6", SYMBOLS), { symbols } = libc;
  try {
    return symbols.mkfifo(new TextEncoder().encode(`${path}\0`), MODE) === 0 ? null : systemError(symbols);
  } finally {
    libc.close();
  }
}

/** Keeps what comes into the FIFOs at `paths` from being lost while nobody reads them. Ends with the returned function. */
export function keepFifos(paths: readonly string[]): () => void {
  const files = paths.flatMap((path) => {
    try {
      // Opened for writing too, it does not wait for a writer; a FIFO forgets what it holds when nobody has it open.
      return [Deno.openSync(path, { read: true, write: true })];
    } catch {
      // It is none, or cannot be opened, and so nobody reads it.
      return [];
    }
  });
  return () => files.forEach((file) => file.close());
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
