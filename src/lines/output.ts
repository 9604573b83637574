/**
 * The tracker's standard output and error: lines that are never waited for. A pipe that nobody reads, a full disk, a
 * journal that has gone take lines from the operator, not the tracker's time. On Linux each stream is asked whether it
 * takes something before it gets it; what it does not take waits, within a limit, and what is lost is counted and said
 * when it takes something again. Elsewhere, and without native calls, a stream that fails is passed over.
 */
import { takeConsole } from "./console_lines.ts";

const SYMBOLS = {
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
} as const;

/** What waits for a stream at most. */
export const WAITING_BYTES_MAX = 1 << 20;
/** Bytes given at once: what a pipe that takes anything takes whole (PIPE_BUF). */
export const WRITE_BYTES_MAX = 4096;
/** How often a stream that takes nothing is asked again. */
const RETRY_MS = 100;
/** Time the last lines have at the end. */
const FLUSH_MS_MAX = 500;
/** poll: something can be written; the stream is broken (POLLERR, POLLHUP, POLLNVAL). */
const POLLOUT = 4, POLL_BROKEN = 8 | 16 | 32;

/** A stream of bytes that is never waited for. */
export interface LineSink {
  /** Gives it some of `bytes`. Returns how many it took; 0 = none now; -1 = it fails. */
  write(bytes: Uint8Array<ArrayBuffer>): number;
}

/** One stream: what waits for it, and what was lost. */
export class LineStream {
  readonly #sink: LineSink;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Prints a line, or has it wait, or loses it. */
  print(line: string): void {
    const bytes = this.#encoder.encode(`${line}\n`);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      this.#lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#drain();
  }

  /** Gives what waits a little time. Resolves when all is printed, or the time is over. */
  async flush(): Promise<void> {
    const endMs = performance.now() + FLUSH_MS_MAX;
    while (this.#waiting.length > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS / 10));
      this.#drain();
    }
    clearTimeout(this.#timer);
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting[0]!, taken = this.#sink.write(bytes.subarray(0, WRITE_BYTES_MAX));
      if (taken === 0) break;
      if (taken > 0) this.#waitingBytes -= taken;
      if (taken > 0 && taken < bytes.length) {
        this.#waiting[0] = bytes.subarray(taken);
        continue;
      }
      this.#waiting.shift();
      if (taken < 0) {
        this.#waitingBytes -= bytes.length;
        this.#lost++;
      } else this.#sayLost();
    }
    if (this.#waiting.length === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drain();
    }, RETRY_MS);
  }

  // It takes something again: the operator is to know that something is missing.
  #sayLost(): void {
    if (this.#lost === 0) return;
    const bytes = this.#encoder.encode(`${this.#lost} lines were lost here: nothing took them\n`);
    this.#lost = 0;
    this.#waiting.unshift(bytes);
    this.#waitingBytes += bytes.length;
  }
}

/** What this thread prints from now on is never waited for. Returns what to call before the program ends. */
export function guardOutput(): () => Promise<void> {
  const calls = openCalls(),
    open = (stream: Stream, descriptor: number) =>
      calls === null ? openPortable(stream) : openDescriptor(calls, descriptor);
  const output = new LineStream(open(Deno.stdout, 1)), errors = new LineStream(open(Deno.stderr, 2));
  takeConsole((line, isError) => (isError ? errors : output).print(line));
  return async () => {
    await Promise.all([output.flush(), errors.flush()]);
  };
}

type Stream = typeof Deno.stdout | typeof Deno.stderr;
type Calls = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

// Null outside Linux, and without glibc or the right to native calls: then there are portable fronts too.
function openCalls(): Calls | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return null;
  }
}

function openDescriptor(calls: Calls, descriptor: number): LineSink {
  // struct pollfd: 0 descriptor (4)   4 events (2)   6 events that are (2)
  const asked = new Uint8Array(8), view = new DataView(asked.buffer);
  view.setInt32(0, descriptor, true);
  view.setInt16(4, POLLOUT, true);
  return {
    write(bytes) {
      view.setInt16(6, 0, true);
      if (calls.poll(asked, 1n, 0) <= 0) return 0;
      if ((view.getInt16(6, true) & POLL_BROKEN) !== 0) return -1;
      return Number(calls.write(descriptor, bytes, BigInt(bytes.length)));
    },
  };
}

function openPortable(stream: Stream): LineSink {
  return {
    write(bytes) {
      try {
        return stream.writeSync(bytes);
      } catch {
        return -1;
      }
    },
  };
}
