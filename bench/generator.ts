/** The load generators, which are C: compiled when their source is newer, run on a core of their own. */
import { Program, runProgram } from "./program.ts";

/** Swarms to fill and to announce to. */
export interface Scene {
  readonly torrents: number;
  /** Peers in all torrents together. */
  readonly peers: number;
  /** Addresses the peers are spread over, for more than 64,512 a torrent. */
  readonly sources?: number;
}

/** A load; what each means is in load.c's help. */
export interface LoadOptions extends Scene {
  readonly port: number;
  readonly firstTorrent?: number;
  readonly sources?: number;
  readonly firstSource?: string;
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

/** Those, the one for what is no load but abuse, and the one with a great many addresses. */
const GENERATORS = ["udp", "http", "abuse", "sources"] as const;

const HERE = new URL(".", import.meta.url).pathname;
const OUT = `${HERE}out/`;
const SHARED_SOURCES = ["load.c", "load.h"];
const HOST = "127.0.0.1";

/** Compiles what is not there or older than its source. */
export async function compileGenerators(): Promise<void> {
  await Deno.mkdir(OUT, { recursive: true });
  for (const name of GENERATORS) {
    const sources = [`${name}_load.c`, ...SHARED_SOURCES], out = pathOf(name);
    if (changedAt(out) > Math.max(...sources.map((source) => changedAt(HERE + source)))) continue;
    const compiled = sources.filter((source) => source.endsWith(".c")).map((source) => HERE + source);
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

/** What strangers do meanwhile. */
export interface Abuse {
  /** Connections held open, on each of which nothing or half a request is said. */
  readonly connections: number;
  readonly says: "empty" | "half";
  readonly datagramsPerSecond: number;
}

/** Starts `abuse` of the tracker on `port` for `seconds`, on `cores`; resolves when all connections are open. */
export async function startAbuse(abuse: Abuse, port: number, seconds: number, cores: string): Promise<Program> {
  const { connections, says, datagramsPerSecond } = abuse;
  const args = [port, seconds, connections, says, datagramsPerSecond].map(String);
  const program = Program.start("the abuse generator", pathOf("abuse"), args, { cores });
  while (!program.output.includes("ready")) {
    program.checkRunning();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return program;
}

/** What announces from a great many addresses came to. */
export interface SourcesResult {
  readonly seconds: number;
  readonly replies: number;
  readonly errors: number;
  readonly lost: number;
}

/** Runs announces over UDP from `addresses` addresses of 10.0.0.0/8. `onReady`: called when the announces begin. */
export async function runSources(
  load: { readonly port: number; readonly seconds: number; readonly addresses: number; readonly torrents: number },
  cores: string,
  onReady: () => void,
): Promise<SourcesResult> {
  const { port, seconds, addresses, torrents } = load, args = [port, seconds, addresses, torrents].map(String);
  const program = Program.start("the generator of many sources", pathOf("sources"), args, { cores });
  while (!program.output.includes("ready")) {
    program.checkRunning();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  onReady();
  const code = await program.ended();
  if (code !== 0) throw new Error(`the generator of many sources ended with exit code ${code}:\n${program.output}`);
  return JSON.parse(program.output.slice(program.output.indexOf("{")));
}

/** Writes the info hashes of the first `torrents` torrents to `path`, one a line in hex. */
export async function writeInfoHashes(torrents: number, path: string): Promise<void> {
  await Deno.writeTextFile(path, await printInfoHashes(torrents));
}

/** The info hashes of the first `torrents` torrents, one a line in hex. */
export async function printInfoHashes(torrents: number): Promise<string> {
  const { success, stdout } = await new Deno.Command(pathOf("udp"), { args: ["--hashes", String(torrents)] }).output();
  if (!success) throw new Error("the udp load generator cannot print info hashes");
  return new TextDecoder().decode(stdout);
}

function toArguments(name: string, value: string | number | boolean | undefined): string[] {
  if (value === undefined || value === false) return [];
  const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return value === true ? [option] : [option, String(value)];
}

function pathOf(generator: typeof GENERATORS[number]): string {
  return `${OUT}${generator}_load`;
}

function changedAt(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
