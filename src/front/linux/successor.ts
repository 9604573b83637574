/**
 * Starts the program anew beside this one, with the listening sockets handed down: a restart without a gap. Both have
 * the same sockets, so that what waits in them is answered by whoever asks first, and nothing is lost when one leaves.
 * Native, because Deno neither hands descriptors down nor starts programs without the right to start any program.
 */
import type { FrontSocket } from "../front_start.ts";
import { LIBC } from "./libc.ts";

const SYMBOLS = {
  posix_spawn: { parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const;

const SIGKILL = 9, SIGUSR2 = 12, F_SETFD = 2, FD_CLOEXEC = 1, WNOHANG = 1;
/** Longest command line: Linux's own limit for one word. */
const COMMAND_LINE_BYTES_MAX = 131_072;
/** Environment variable in which the successor finds its sockets. */
const SOCKETS_VARIABLE = "TRACKER_INHERITED_SOCKETS";

/** The directory at the start: this file is loaded before the tracker goes to another. */
const STARTED_IN = Deno.cwd();
/**
 * The program's file by its name at the start. Asked for later, the system names the file that this process has open,
 * which another has taken the place of by then.
 */
const PROGRAM = Deno.execPath();

/** The process that shall take over. */
export class Successor {
  readonly pid: number;
  readonly #library = Deno.dlopen(LIBC, SYMBOLS);
  #hasEnded = false;

  /** Starts the program with this one's arguments and `sockets`. Throws an Error with the system's words. */
  constructor(sockets: readonly FrontSocket[]) {
    const { symbols } = this.#library;
    const words = commandLine(symbols);
    const environment = { ...Deno.env.toObject(), [SOCKETS_VARIABLE]: JSON.stringify(sockets) };
    const pid = new Int32Array(1), program = text(PROGRAM);
    const argv = new Texts(words),
      envp = new Texts(Object.entries(environment).map(([name, value]) => `${name}=${value}`));
    // What is relative on its command line is relative to where this one was started, not to where it went.
    const directory = Deno.cwd();
    Deno.chdir(STARTED_IN);
    for (const { descriptor } of sockets) symbols.fcntl(descriptor, F_SETFD, 0);
    const error = symbols.posix_spawn(new Uint8Array(pid.buffer), program, null, null, argv.pointers, envp.pointers);
    for (const { descriptor } of sockets) symbols.fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    Deno.chdir(directory);
    if (error !== 0) throw new Error(new Deno.UnsafePointerView(symbols.strerror(error)!).getCString());
    this.pid = pid[0]!;
  }

  /** True when it has ended. */
  get hasEnded(): boolean {
    this.#hasEnded ||= this.#library.symbols.waitpid(this.pid, new Uint8Array(4), WNOHANG) !== 0;
    return this.#hasEnded;
  }

  /** Ends it, whatever it is at; `hasEnded` says when it has. */
  end(): void {
    // Its number is its own until we have seen its end.
    if (!this.hasEnded) this.#library.symbols.kill(this.pid, SIGKILL);
  }
}

/** Tells process `pid` to restart itself without a gap. False: there is none, or it is not ours to tell. */
export function signalRestart(pid: number): boolean {
  const library = Deno.dlopen(LIBC, { kill: SYMBOLS.kill });
  try {
    return library.symbols.kill(pid, SIGUSR2) === 0;
  } finally {
    library.close();
  }
}

/** The sockets an earlier tracker handed down to this one; none when it was started in the ordinary way. */
export function takeInheritedSockets(): readonly FrontSocket[] {
  const inherited = Deno.build.os === "linux" ? Deno.env.get(SOCKETS_VARIABLE) : undefined;
  if (inherited === undefined) return [];
  Deno.env.delete(SOCKETS_VARIABLE);
  const library = Deno.dlopen(LIBC, SYMBOLS), sockets = JSON.parse(inherited) as FrontSocket[];
  for (const { descriptor } of sockets) library.symbols.fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  library.close();
  return sockets;
}

// The words this process was started with, the runtime's own among them. Deno itself lets nobody read this file.
function commandLine(calls: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]): string[] {
  const descriptor = calls.open(text("/proc/self/cmdline"), 0), bytes = new Uint8Array(COMMAND_LINE_BYTES_MAX);
  const length = Number(calls.read(descriptor, bytes, BigInt(bytes.length)));
  calls.close(descriptor);
  if (length <= 0 || length === bytes.length) throw new Error("its command line cannot be read");
  return new TextDecoder().decode(bytes.subarray(0, length)).split("\0").slice(0, -1);
}

function text(words: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${words}\0`);
}

/** A NULL-terminated array of C strings. Holds them while the call runs. */
class Texts {
  readonly pointers: Uint8Array<ArrayBuffer>;
  readonly #texts: readonly Uint8Array<ArrayBuffer>[];

  constructor(words: readonly string[]) {
    this.#texts = words.map(text);
    const addresses = this.#texts.map((bytes) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))));
    this.pointers = new Uint8Array(BigUint64Array.from([...addresses, 0n]).buffer);
  }
}
