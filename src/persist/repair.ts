/**
 * Salvages a damaged state file: the file is set aside beside itself, and what can be read of it goes into a new one.
 * A file that is sound, of another program, of a newer version or in use is left as it is.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { BLOCK_MINUTES, blockOf, decodeBlock } from "./history_minutes.ts";
import { HISTORY_DAYS } from "./history_table.ts";
import { StateFault, toStateFault } from "./state_fault.ts";
import { StateFile, type StateRow } from "./state_file.ts";

/** Where a damaged file is set aside. */
export function damagedPath(path: string): string {
  return `${path}.damaged`;
}

/** Steps of a search through info hashes: their first two bytes. One that cannot be read loses its own torrents only. */
const STEPS = 65_536;
const MINUTE_MS = 60_000;

/** Mends the file at `path` if it needs it. `say` takes a line about what was done. Throws a StateFault. */
export function repairState(path: string, say: (line: string) => void): void {
  if (isSound(path)) return say(`state: ${path} is sound, there is nothing to repair`);
  const aside = damagedPath(path);
  setAside(path, aside);
  const file = StateFile.open(path);
  try {
    const { torrents, minutes } = salvage(aside, file);
    const history = minutes === 0 ? "" : ` and ${minutes} minutes of history`;
    say(`state: ${torrents} torrents${history} were salvaged from ${path}, which is kept as ${aside}`);
  } finally {
    file.close();
  }
}

function isSound(path: string): boolean {
  let file: StateFile;
  try {
    file = StateFile.open(path);
  } catch (error) {
    if (error instanceof StateFault && error.isDamage) return false;
    throw error;
  }
  try {
    if (file.problems().length > 0) return false;
    for (const _ of file.rows());
    for (const _ of file.history.minutes());
    return true;
  } catch (error) {
    if (error instanceof StateFault && error.isDamage) return false;
    throw error;
  } finally {
    file.close();
  }
}

// The log goes along: what is in it may be the better half.
function setAside(path: string, aside: string): void {
  try {
    for (const end of ["", "-wal"]) {
      try {
        Deno.renameSync(path + end, aside + end);
      } catch (error) {
        if (end === "" || !(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    Deno.removeSync(`${path}-shm`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw toStateFault(path, error);
  }
}

/** What could be read. */
interface Salvaged {
  readonly torrents: number;
  readonly minutes: number;
}

/** Copies everything of the file at `from` that can be read to `to`. */
function salvage(from: string, to: StateFile): Salvaged {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(from);
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch {
    // Not even the first page: there is nothing to read.
    return { torrents: 0, minutes: 0 };
  }
  try {
    return to.transaction(() => {
      const torrents = salvageTorrents(db, to), minutes = salvageHistory(db, to);
      salvageKey(db, to);
      return { torrents, minutes };
    });
  } finally {
    db.close();
  }
}

function salvageTorrents(db: DatabaseSync, to: StateFile): number {
  let salvaged = 0;
  const bounds = (step: number) =>
    step === STEPS ? new Uint8Array(21).fill(255) : Uint8Array.of(step >> 8, step & 0xff);
  const query = new Query(db, "SELECT * FROM torrents WHERE info_hash >= ? AND info_hash < ?");
  closeIn(0, STEPS, (start, end) => {
    for (const row of query.all(bounds(start), bounds(end))) if (take(row, to)) salvaged++;
  });
  return salvaged;
}

// What is too old to be kept is not looked for, and nothing is of the future.
function salvageHistory(db: DatabaseSync, to: StateFile): number {
  const thisBlock = blockOf(Math.floor(Date.now() / MINUTE_MS)) / BLOCK_MINUTES;
  let salvaged = 0;
  const query = new Query(db, "SELECT minute, figures FROM stats_minute WHERE minute >= ? AND minute < ?");
  closeIn(thisBlock - HISTORY_DAYS * 1440 / BLOCK_MINUTES, thisBlock + 1, (start, end) => {
    for (const { minute, figures } of query.all(start * BLOCK_MINUTES, end * BLOCK_MINUTES)) {
      const minutes = figures instanceof Uint8Array ? decodeBlock(Number(minute), figures) : null;
      if (minutes === null) continue;
      to.history.saveBlock(Number(minute), minutes);
      salvaged += minutes.length;
    }
  });
  return salvaged;
}

/** A query that is prepared when it is first asked, which may fail too, and then once for all ranges. */
class Query {
  readonly #db: DatabaseSync;
  readonly #sql: string;
  #statement: StatementSync | undefined;

  constructor(db: DatabaseSync, sql: string) {
    this.#db = db;
    this.#sql = sql;
  }

  all(from: Uint8Array | number, to: Uint8Array | number): Record<string, unknown>[] {
    this.#statement ??= this.#db.prepare(this.#sql);
    return this.#statement.all(from, to);
  }
}

/**
 * Reads the whole of a range at once, and where that fails its halves: sound ranges cost one query, bad pages are
 * closed in on.
 */
function closeIn(from: number, to: number, read: (start: number, end: number) => void): void {
  const waiting: [number, number][] = [[from, to]];
  for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
    const [start, end] = range;
    try {
      read(start, end);
    } catch (error) {
      if (error instanceof StateFault) throw error;
      const middle = (start + end) >> 1;
      if (middle > start) waiting.push([start, middle], [middle, end]);
    }
  }
}

function take(row: Record<string, unknown>, to: StateFile): boolean {
  const { info_hash, completed, touched, seeders4, peers4, seeders6, peers6 } = row;
  const isCount = (value: unknown) => Number.isSafeInteger(value) && value as number >= 0;
  const isPeers = (value: unknown, bytes: number, seeders: unknown) =>
    value === null ? seeders === 0 : value instanceof Uint8Array && value.length % bytes === 0 &&
      seeders as number * bytes <= value.length;
  if (!(info_hash instanceof Uint8Array) || info_hash.length !== 20) return false;
  if (![completed, touched, seeders4, seeders6].every(isCount)) return false;
  if (!isPeers(peers4, 8, seeders4) || !isPeers(peers6, 20, seeders6)) return false;
  to.save({ infoHash: info_hash, completed, touched, seeders4, peers4, seeders6, peers6 } as StateRow);
  return true;
}

function salvageKey(db: DatabaseSync, to: StateFile): void {
  try {
    for (const { key, value } of db.prepare("SELECT key, value FROM meta").all()) {
      if (typeof key === "string" && (value instanceof Uint8Array || typeof value === "string")) to.setMeta(key, value);
    }
  } catch (error) {
    // Without the key, clients with an old connection id ask for another: that is all.
    if (error instanceof StateFault) throw error;
  }
}
