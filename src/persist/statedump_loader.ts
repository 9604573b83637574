/**
 * Loads a state dump, opentracker's or ours, into the store: what `-l` names. Each line is checked on its own; one that
 * is not whole is counted and left out. Nothing doubles: of two counts the higher stays.
 */
import { LOADER_OWNER } from "../swarm/owners.ts";
import { TorrentLoader } from "../swarm/torrent_loader.ts";
import { parseDumpLine } from "./statedump.ts";

/** Bytes read at a time. */
const CHUNK_BYTES = 1 << 20;
/** Longest line that is looked at: it is ten times what one needs. */
const LINE_CHARS_MAX = 640;
/** A torrent without peers that nobody has announced for this long is forgotten (swarm/layout.ts): not worth loading. */
const AGE_MINUTES_MAX = 1440;

/** What became of a file's lines. */
export interface StateDumpCounts {
  /** Torrents in the store. */
  loaded: number;
  /** Older than a day: the store would drop them at once. */
  old: number;
  /** Without completed downloads, and so without anything to remember. */
  empty: number;
  bad: number;
  /** Number of the first bad line; 0 = there is none. */
  firstBadLine: number;
}

/**
 * Loads the file into the store of `arena` before anyone answers. Resolves to what to tell the operator. Between two reads
 * the thread answers others: a pipe may keep it waiting.
 */
export async function restoreStateDump(path: string, arena: SharedArrayBuffer, unixMinute: number): Promise<string> {
  // No peer is loaded, so that their lifetime does not matter.
  const loader = new TorrentLoader(arena, LOADER_OWNER, 1);
  let counts: StateDumpCounts;
  try {
    counts = await loadStateDump(path, loader, unixMinute);
  } catch (error) {
    if (!(error instanceof Error) || !Object.hasOwn(Deno.errors, error.name)) throw error;
    return `state dump ${path} cannot be read, starting without it: ${error.message}`;
  }
  const { loaded, old, empty, bad, firstBadLine } = counts, { refused } = loader.counts;
  const parts = [`${loaded - refused} torrents loaded`];
  if (old > 0) parts.push(`${old} older than a day`);
  if (empty > 0) parts.push(`${empty} without completed downloads`);
  if (refused > 0) parts.push(`${refused} without room`);
  if (bad > 0) parts.push(`${bad} bad lines, the first is line ${firstBadLine}`);
  return `state dump ${path}: ${parts.join(", ")}`;
}

async function loadStateDump(path: string, loader: TorrentLoader, unixMinute: number): Promise<StateDumpCounts> {
  using file = await Deno.open(path);
  const reader = new StateDumpReader(loader, unixMinute), chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = await file.read(chunk);
    if (length === null) return reader.end();
    reader.add(chunk.subarray(0, length));
  }
}

/** Reads a dump as it comes, in pieces of any length. */
export class StateDumpReader {
  readonly counts: StateDumpCounts = { loaded: 0, old: 0, empty: 0, bad: 0, firstBadLine: 0 };
  readonly #loader: TorrentLoader;
  readonly #unixMinute: number;
  readonly #decoder = new TextDecoder("latin1");
  readonly #infoHash = new Int32Array(5);
  readonly #infoHashBytes = new Uint8Array(this.#infoHash.buffer);
  #rest = "";
  #lines = 0;

  /** `unixMinute`: minutes since 1970 now. */
  constructor(loader: TorrentLoader, unixMinute: number) {
    this.#loader = loader;
    this.#unixMinute = unixMinute;
  }

  /** Takes the next bytes. */
  add(bytes: Uint8Array): void {
    const lines = this.#decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop()!.slice(0, LINE_CHARS_MAX);
    for (const line of lines) this.#take(line);
  }

  /** No more follows: the last line needs no line feed. */
  end(): StateDumpCounts {
    if (this.#rest !== "") this.#take(this.#rest);
    return this.counts;
  }

  #take(line: string): void {
    const { counts } = this;
    this.#lines++;
    if (line === "" || line === "\r") return;
    const torrent = parseDumpLine(line);
    if (torrent === null) {
      if (counts.bad++ === 0) counts.firstBadLine = this.#lines;
      return;
    }
    const ageMinutes = Math.max(0, this.#unixMinute - torrent.touched);
    if (torrent.completed === 0) counts.empty++;
    else if (ageMinutes >= AGE_MINUTES_MAX) counts.old++;
    else {
      this.#infoHashBytes.set(torrent.infoHash);
      this.#loader.load({ infoHash: this.#infoHash, completed: torrent.completed, ageMinutes, ...NO_PEERS }, true);
      counts.loaded++;
    }
  }
}

const NO_PEERS = { peers4: new Int32Array(0), seeders4: 0, peers6: new Int32Array(0), seeders6: 0 };
