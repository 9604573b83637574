/** What the kernel says of its clock: `adjtimex`, which changes nothing when asked for nothing. */

const LIBC = "libc.so.6";
const SYMBOLS = { adjtimex: { parameters: ["buffer"], result: "i32" } } as const;

/** struct timex on 64 bits: its length, where its largest error (µs) stands, and the answer of an unkept clock. */
const TIMEX_BYTES = 208, MAX_ERROR_AT = 24, TIME_ERROR = 5;

/** Whether a program keeps the clock, and the error it says is possible; null: the system does not say. */
export type ClockReading = { readonly isKept: boolean; readonly errorMs: number } | null;

/** Asks the kernel. */
export function readKernelClock(): ClockReading {
  if (Deno.build.os !== "linux") return null;
  try {
    const library = Deno.dlopen(LIBC, SYMBOLS), timex = new Uint8Array(TIMEX_BYTES);
    const state = library.symbols.adjtimex(timex);
    library.close();
    if (state < 0) return null;
    const errorMs = Number(new DataView(timex.buffer).getBigInt64(MAX_ERROR_AT, true)) / 1000;
    return { isKept: state !== TIME_ERROR, errorMs };
  } catch {
    // No glibc, or no right to native calls.
    return null;
  }
}
