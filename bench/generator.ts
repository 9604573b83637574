/** The load generators, which are C: compiled when their source is newer, run on a core of their own. */
import { Program, runProgram } from "./program.ts";

/** Swarms to fill and to announce to. */
export interface Scene {
  readonly torrents: number;
  /** Peers in all torrents together. */
  readonly peers: number;
}

/** A load; what each means is in load.c's help. */
export interface LoadOptions extends Scene {
  readonly port: number;
  readonly seconds: number;
  readonly rate?: number;
  readonly fill?: boolean;
  readonly close?: boolean;
  readonly sockets?: number;
  readonly window?: number;
  readonly mix?: string;
  readonly stopped?: number;
  readonly seed?: number;
}

/** The line a generator prints. */
export interface LoadResult {
  /** Of the run. */
  readonly seconds: number;
  readonly sent: number;
  /** Good replies, those after the end of the run included. */
  readonly replies: number;
  readonly errors: number;
  readonly lost: number;
  readonly repliesPerSecond: number;
  readonly peersPerReply: number;
  readonly bytesPerReply: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Text of the first refusal or bad reply; empty if there was none. */
  readonly firstError: string;
}

/** The generator of each protocol. */
export type Protocol = "udp" | "http";

const HERE = new URL(".", import.meta.url).pathname;
const OUT = `${HERE}out/`;
const SHARED_SOURCES = ["load.c", "load.h"];
const HOST = "127.0.0.1";

/** Compiles what is not there or older than its source. */
export async function compileGenerators(): Promise<void> {
  await Deno.mkdir(OUT, { recursive: true });
  for (const protocol of ["udp", "http"] satisfies Protocol[]) {
    const sources = [`${protocol}_load.c`, ...SHARED_SOURCES], out = pathOf(protocol);
    if (changedAt(out) > Math.max(...sources.map((name) => changedAt(HERE + name)))) continue;
    const compiled = sources.filter((name) => name.endsWith(".c")).map((name) => HERE + name);
    await runProgram("cc", ["-O2", "-Wall", "-o", out, ...compiled]);
  }
}

/** Runs one load, on `cores` if given. Throws if the tracker refused anything or a reply was not good. */
export async function runLoad(protocol: Protocol, options: LoadOptions, cores?: string): Promise<LoadResult> {
  const args = Object.entries({ host: HOST, ...options }).flatMap(([name, value]) => toArguments(name, value));
  const name = `the ${protocol} load generator`;
  const program = Program.start(name, pathOf(protocol), args, cores === undefined ? {} : { cores });
  const code = await program.ended();
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}:\n${program.output}`);
  const result: LoadResult = JSON.parse(program.output);
  if (result.errors > 0) throw new Error(`${result.errors} replies were not good, the first: ${result.firstError}`);
  return result;
}

/** Writes the info hashes of the first `torrents` torrents to `path`, one a line in hex. */
export async function writeInfoHashes(torrents: number, path: string): Promise<void> {
  const { success, stdout } = await new Deno.Command(pathOf("udp"), { args: ["--hashes", String(torrents)] }).output();
  if (!success) throw new Error("the udp load generator cannot print info hashes");
  await Deno.writeFile(path, stdout);
}

function toArguments(name: string, value: string | number | boolean | undefined): string[] {
  if (value === undefined || value === false) return [];
  return value === true ? [`--${name}`] : [`--${name}`, String(value)];
}

function pathOf(protocol: Protocol): string {
  return `${OUT}${protocol}_load`;
}

function changedAt(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
