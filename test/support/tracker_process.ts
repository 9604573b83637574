/** Starts trackers as programs of their own, ours and opentracker, each on free ports of the loopback. */
import assert from "node:assert/strict";

/** One socket a tracker says it listens on. */
export interface ListeningSocket {
  readonly protocol: "tcp" | "udp";
  readonly hostname: string;
  readonly port: number;
}

/** A tracker that runs. */
export interface RunningTracker extends AsyncDisposable {
  readonly pid: number;
  /** Ports of the first listeners, which are on 127.0.0.1. */
  readonly httpPort: number;
  readonly udpPort: number;
  /** All of them, in the order they were asked for. */
  readonly sockets: readonly ListeningSocket[];
  /** What it has printed so far, both streams. */
  readonly printed: () => string;
  /** Resolves to the first group of `pattern` when it has been printed; ends the tracker when that takes too long. */
  readonly waitFor: (pattern: RegExp) => Promise<string>;
  /** What of that was errors. */
  readonly errors: () => string;
  /** Ends it; kills it if that takes longer than `msMax`. Resolves to its exit code. */
  readonly stop: (signal?: Deno.Signal, msMax?: number) => Promise<number>;
}

const ROOT = new URL("../../", import.meta.url);
const HOST = "127.0.0.1";

/** Time a program has to get ready, and to end, on a machine that others keep busy. */
const READY_MS_MAX = 60_000;

/** Ports below those that systems give to connections and to who asks for any: nobody takes one before it is used. */
const FREE_PORT_MIN = 20_000, FREE_PORT_END = 32_768;
const FREE_PORT_TRIES_MAX = 100;

/**
 * Starts our tracker: from source as `deno task start` does, or `command`. Its ports are the kernel's choice. `args`
 * follow the listeners on 127.0.0.1; more listeners may be among them. `env`: what it finds in its environment beside
 * the test's own.
 */
export async function startTracker(
  args: readonly string[] = [],
  cwd?: string,
  command: readonly string[] = commandFromSource(),
  env: Readonly<Record<string, string>> = {},
): Promise<RunningTracker> {
  const [program = "", ...first] = command;
  const tracker = new Program(program, [...first, "-i", HOST, "-p", "0", "-P", "0", ...args], cwd, env);
  // The line that is printed last.
  await tracker.waitFor(/^stats at /m);
  const sockets = [...tracker.printed().matchAll(/^listening on (tcp|udp) \[?([^\]\s]+)\]?:(\d+)$/gm)].map((
    [, protocol, hostname, port],
  ) => ({ protocol: protocol as "tcp" | "udp", hostname: hostname!, port: Number(port) }));
  const portOf = (wanted: string) => sockets.find(({ protocol }) => protocol === wanted)!.port;
  return { ...tracker.face(), httpPort: portOf("tcp"), udpPort: portOf("udp"), sockets };
}

/** The start task of deno.json as a command, so that the process is the tracker itself and not a shell above it. */
export function commandFromSource(): readonly string[] {
  const config = new URL("deno.json", ROOT), { tasks } = JSON.parse(Deno.readTextFileSync(config));
  const [, run, ...rest] = (tasks.start as string).split(" "), main = rest.pop()!;
  return [Deno.execPath(), run!, "--config", config.pathname, ...rest, new URL(main, ROOT).pathname];
}

/** Writes settings as a config file into `folder`. Returns its path, for `-f`. */
export function writeConfig(folder: string, settings: Readonly<Record<string, string | number>>): string {
  const path = `${folder}/tracker.conf`;
  Deno.writeTextFileSync(path, Object.entries(settings).map(([key, value]) => `${key} ${value}\n`).join(""));
  return path;
}

/**
 * Starts opentracker with `folder` as its root. `isReady`: asks a tracker that listens whether it serves already (it
 * reads its list in a thread of its own).
 */
export async function startOpentracker(
  args: readonly string[],
  folder: string,
  isReady: (httpPort: number) => Promise<boolean>,
): Promise<RunningTracker> {
  const httpPort = freePort(), udpPort = freePort();
  const ports = ["-p", String(httpPort), "-P", String(udpPort)];
  const program = new Program("opentracker", ["-i", HOST, ...ports, "-d", folder, ...args]);
  const endMs = performance.now() + READY_MS_MAX;
  while (!await answers(httpPort, isReady)) {
    assert.ok(performance.now() < endMs, `opentracker does not get ready: ${program.printed()}`);
  }
  return { ...program.face(), httpPort, udpPort, sockets: [] };
}

async function answers(port: number, isReady: (httpPort: number) => Promise<boolean>): Promise<boolean> {
  try {
    return await isReady(port);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}

/**
 * A port of the loopback, from `min` to below `end`, that nobody has just now, over TCP or UDP; another one each time, as
 * tests run beside each other. For programs that cannot be told to take any.
 */
export function freePort(min = FREE_PORT_MIN, end = FREE_PORT_END): number {
  for (let tries = 0; tries < FREE_PORT_TRIES_MAX; tries++) {
    const port = min + Math.floor(Math.random() * (end - min));
    try {
      Deno.listen({ hostname: HOST, port }).close();
      Deno.listenDatagram({ transport: "udp", hostname: HOST, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no port from ${min} to ${end - 1} is free`);
}

/** A program that runs beside the test, and what it prints. */
export class Program {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void[]>;
  #printed = "";
  #errors = "";
  #hasEnded = false;
  #news: () => void = () => {};

  constructor(name: string, args: readonly string[], cwd?: string, env: Readonly<Record<string, string>> = {}) {
    const pipes = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
    this.#name = name;
    this.#child = new Deno.Command(name, { ...pipes, args: [...args], env, ...(cwd === undefined ? {} : { cwd }) })
      .spawn();
    this.#reading = Promise.all([
      this.#read(this.#child.stdout, () => {}),
      this.#read(this.#child.stderr, (text) => this.#errors += text),
    ]);
    void this.#reading.then(() => {
      this.#hasEnded = true;
      this.#news();
    });
  }

  /** What it has printed so far, both streams. */
  printed(): string {
    return this.#printed;
  }

  /** Resolves to the first group of `pattern` when it has been printed. Ends the program when that takes too long. */
  async waitFor(pattern: RegExp, msMax = READY_MS_MAX): Promise<string> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#child.kill("SIGKILL");
    }, msMax);
    try {
      for (;;) {
        const match = pattern.exec(this.#printed);
        if (match !== null) return match[1] ?? "";
        assert.ok(!isLate, `${this.#name} did not print ${pattern} within ${msMax} ms:\n${this.#printed}`);
        assert.ok(!this.#hasEnded, `${this.#name} ended before it printed ${pattern}:\n${this.#printed}`);
        await new Promise<void>((resolve) => this.#news = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends `signal` unless it has ended; kills it if it does not end. Resolves to its exit code. */
  async stop(signal: Deno.Signal = "SIGINT", msMax = READY_MS_MAX): Promise<number> {
    try {
      if (!this.#hasEnded) this.#child.kill(signal);
    } catch (error) {
      // It has ended, and a process that took over from it has its streams.
      if (!(error instanceof TypeError)) throw error;
    }
    return await this.ended(msMax);
  }

  /** Resolves to its exit code when it has ended; kills it if that takes too long. */
  async ended(msMax = READY_MS_MAX): Promise<number> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), msMax);
    await this.#reading;
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return code;
  }

  /** What a running tracker is made of. */
  face(): Omit<RunningTracker, "httpPort" | "udpPort" | "sockets"> {
    return {
      pid: this.#child.pid,
      printed: () => this.#printed,
      waitFor: (pattern) => this.waitFor(pattern),
      errors: () => this.#errors,
      stop: (signal, msMax) => this.stop(signal, msMax),
      [Symbol.asyncDispose]: async () => {
        await this.stop();
      },
    };
  }

  async #read(stream: ReadableStream<Uint8Array>, hear: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as unknown as BytesToText)) {
      this.#printed += text;
      hear(text);
      this.#news();
    }
  }
}

type BytesToText = ReadableWritablePair<string, Uint8Array>;
