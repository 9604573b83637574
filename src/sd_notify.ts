/**
 * Tells systemd how the tracker is, where its unit asks for that (Type=notify): one datagram a change, to the socket that
 * NOTIFY_SOCKET names. It is connected at the start and so outlives a change of root directory. Where nobody asks, nothing
 * is sent. Native calls, because Deno asks for more rights for such a socket than the tracker has. Source: sd_notify(3).
 *
 *   struct sockaddr_un  0 family (2)   2 path with a NUL at its end, or a NUL and an abstract name (up to 108)
 */
import { ERROR_SYMBOLS, LIBC, SOCK_CLOEXEC, SOCK_DGRAM, SOL_SOCKET, systemError } from "./front/linux/libc.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ...ERROR_SYMBOLS,
} as const;

const AF_UNIX = 1, SO_SNDTIMEO = 21, MSG_NOSIGNAL = 0x4000, CLOCK_MONOTONIC = 1;
/** Room for a path or a name in a struct sockaddr_un. */
const PATH_BYTES_MAX = 108;
/** Longest wait for a system that does not take what it is told. */
const SEND_SECONDS_MAX = 1;

/** Where systemd says what it wants to be told. */
type Environment = Pick<Deno.Env, "get" | "delete">;

/** The line to systemd. */
export class SdNotify {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #descriptor: number;
  readonly #heartbeatMs: number | null;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #isSilent = false;
  #status = "";

  private constructor(address: Uint8Array<ArrayBuffer>, heartbeatMs: number | null) {
    this.#heartbeatMs = heartbeatMs;
    this.#library = Deno.dlopen(LIBC, SYMBOLS);
    this.#address = address;
    const { socket, setsockopt, connect } = this.#library.symbols;
    this.#descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const patience = new Uint8Array(BigInt64Array.of(BigInt(SEND_SECONDS_MAX), 0n).buffer);
    setsockopt(this.#descriptor, SOL_SOCKET, SO_SNDTIMEO, patience, patience.length);
    connect(this.#descriptor, address, address.length);
  }

  /** Connects to the socket that the environment names. Undefined: there is none, and nobody wants to know. */
  static open(env: Environment = Deno.env): SdNotify | undefined {
    const name = Deno.build.os === "linux" ? env.get("NOTIFY_SOCKET") : undefined;
    if (name === undefined || name === "") return undefined;
    const address = encodeAddress(name);
    if (address !== null) return new SdNotify(address, heartbeatMs(env));
    console.error(
      `systemd: NOTIFY_SOCKET must be a path or @ and a name, and is ${JSON.stringify(name)}: it is not told`,
    );
    return undefined;
  }

  /**
   * The tracker serves. `status`: what it says of itself, here and after each reload. `isAlive`: asked before each sign of
   * life; while it says no, none is given.
   */
  ready(status: string, isAlive: () => boolean): void {
    this.#status = status;
    this.#send("READY=1", `STATUS=${status}`);
    if (this.#heartbeatMs === null) return;
    this.#send("WATCHDOG=1");
    this.#heartbeat = setInterval(() => isAlive() && this.#send("WATCHDOG=1"), this.#heartbeatMs);
  }

  /** Says that lists and plugins are loaded anew until `reloaded` resolves. */
  async reloading(reloaded: Promise<void>): Promise<void> {
    const now = new BigInt64Array(2);
    this.#library.symbols.clock_gettime(CLOCK_MONOTONIC, new Uint8Array(now.buffer));
    const microseconds = now[0]! * 1_000_000n + now[1]! / 1000n;
    this.#send("RELOADING=1", `MONOTONIC_USEC=${microseconds}`, "STATUS=loading lists and plugins");
    await reloaded;
    this.#send("READY=1", `STATUS=${this.#status}`);
  }

  /** Process `pid` serves in the place of this one, which has no more to say. */
  handedOver(pid: number): void {
    this.#send(`MAINPID=${pid}`, `STATUS=${this.#status}`);
    this.#isSilent = true;
  }

  /** The tracker stops. */
  stopping(): void {
    this.#send("STOPPING=1", "STATUS=stopping");
  }

  /** Ends it. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#library.symbols.close(this.#descriptor);
    this.#library.close();
  }

  #send(...lines: string[]): void {
    if (this.#isSilent) return;
    const { send, connect } = this.#library.symbols, words = new TextEncoder().encode(lines.join("\n"));
    const isSent = () => Number(send(this.#descriptor, words, BigInt(words.length), MSG_NOSIGNAL)) === words.length;
    if (isSent()) return;
    // systemd was started anew: its socket is another one, which cannot be seen from inside another root directory.
    if (connect(this.#descriptor, this.#address, this.#address.length) === 0 && isSent()) return;
    console.error(`systemd: cannot be told how the tracker is: ${systemError(this.#library.symbols)}`);
    this.#isSilent = true;
  }
}

/** The address for a NOTIFY_SOCKET, or null when it is of no kind that is known. */
export function encodeAddress(name: string): Uint8Array<ArrayBuffer> | null {
  const isPath = name.startsWith("/");
  if (!isPath && !name.startsWith("@")) return null;
  const path = new TextEncoder().encode(isPath ? `${name}\0` : name);
  if (path.length > PATH_BYTES_MAX) return null;
  if (!isPath) path[0] = 0;
  return Uint8Array.of(AF_UNIX, 0, ...path);
}

// Half of the time after which systemd takes the tracker for dead; null where it does not watch, or watches another.
function heartbeatMs(env: Environment): number | null {
  const microseconds = Number(env.get("WATCHDOG_USEC")), pid = env.get("WATCHDOG_PID");
  // A successor has our environment, and is meant when it serves.
  env.delete("WATCHDOG_PID");
  if (!(microseconds > 0) || (pid !== undefined && pid !== String(Deno.pid))) return null;
  return microseconds / 2000;
}
