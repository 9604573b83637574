/** FIFOs for plugins' hosts: makes them, which Deno cannot (a call to libc, on Linux), and keeps what comes into them. */

const MODE = 0o755;
/** errno when there is something at the path already. */
const SYMBOLS = { mkfifo: { parameters: ["buffer", "u32"], result: "i32" } } as const;

/** Makes a FIFO at `path` if there is nothing. Returns why there is none after that, or null. */
export function makeFifo(path: string): string | null {
  if (Deno.build.os === "linux" && !exists(path)) {
    const libc = Deno.dlopen("libc.so.6", SYMBOLS);
    libc.symbols.mkfifo(new TextEncoder().encode(`${path}\0`), MODE);
    libc.close();
  }
  try {
    return Deno.statSync(path).isFifo ? null : `${path} is not a FIFO`;
  } catch (error) {
    return `${path} cannot be made: ${error instanceof Error ? error.message : error}`;
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
