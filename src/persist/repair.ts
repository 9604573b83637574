/**
 * Salvages a damaged state file: what can be read of it goes into a new one beside it, and only when that is whole do
 * they change places. A file that is sound, of another program, of a newer version or in use is left as it is.
 */
import { DatabaseSync, type DatabaseSyncOptions } from "node:sqlite";
import { BLOCK_MINUTES, blockOf, decodeBlock } from "./history_minutes.ts";
import { HISTORY_DAYS } from "./history_table.ts";
import { isUnreadable, StateFault, toStateFault } from "./state_fault.ts";
import { type OpenWish, StateFile, type StateRow } from "./state_file.ts";
import { StateLock } from "./state_lock.ts";
import { isThere, makeDatabase, placeRepaired, removeDatabase } from "./state_making.ts";
import { damagedPaths, databasePaths, logPath, makingPath, repairedPath } from "./state_paths.ts";

/** Ranges that info hashes are read in: their first two bytes. One that cannot be read loses its own torrents only. */
const RANGES = 65_536;
/** Rows read at once. */
const ROWS_AT_ONCE = 256;
const MINUTE_MS = 60_000;
/** How a database is opened whose schema may be written. Deno's own declarations lack this. */
const UNDEFENDED: DatabaseSyncOptions = { defensive: false } as object;

/**
 * Mends the file at `path` if it needs it. `say` takes a line about what was done; `limits` are of the new file. Throws a
 * StateFault; the damaged file is then as it was.
 */
export function repairState(path: string, say: (line: string) => void, limits: Pick<OpenWish, "pagesMax"> = {}): void {
  if (isSound(path)) return say(`state: ${path} is sound, there is nothing to repair`);
  let lock: StateLock | null = null;
  try {
    lock = StateLock.open(path, false);
    const aside = freeName(path), { torrents, minutes } = salvage(path, makingPath(path), limits);
    exchange(path, aside);
    const history = minutes === 0 ? "" : ` and ${minutes} minutes of history`;
    say(`state: ${torrents} torrents${history} were salvaged from ${path}, which is kept as ${aside}`);
  } catch (error) {
    if (lock !== null) removeDatabase(makingPath(path));
    throw toStateFault(path, error);
  } finally {
    lock?.close();
  }
}

// Where nothing lies yet: what an earlier repair set aside may be the better half.
function freeName(path: string): string {
  const free = damagedPaths(path).find((aside) => !databasePaths(aside).some(isThere));
  if (free !== undefined) return free;
  throw new StateFault(path, "has been repaired so often that there is no name left for it", "move the .damaged away");
}

/**
 * Puts what was salvaged in the place of the damaged file, and that one aside with its log. Whenever this ends, the
 * damaged file is whole under one of its names, and at `path` is it, or nothing, which the next start fills with what
 * was salvaged.
 */
function exchange(path: string, aside: string): void {
  try {
    if (isThere(logPath(path))) Deno.copyFileSync(logPath(path), logPath(aside));
  } catch (error) {
    removeDatabase(aside);
    throw error;
  }
  Deno.renameSync(makingPath(path), repairedPath(path));
  Deno.renameSync(path, aside);
  placeRepaired(path);
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

/** What could be read. */
interface Salvaged {
  readonly torrents: number;
  readonly minutes: number;
}

/** Copies everything of the file at `path` that can be read to a new one at `to`. */
function salvage(path: string, to: string, limits: Pick<OpenWish, "pagesMax">): Salvaged {
  makeDatabase(to);
  const target = StateFile.open(to, { isLocked: true, ...limits });
  let source: DatabaseSync | null = null;
  try {
    const db = source = openReadable(path);
    // Not even the first page: there is nothing to read.
    if (db === null) return { torrents: 0, minutes: 0 };
    return target.transaction(() => {
      const torrents = salvageTorrents(db, target), minutes = salvageHistory(db, target);
      salvageMeta(db, target);
      return { torrents, minutes };
    });
  } finally {
    source?.close();
    target.close();
  }
}

function openReadable(path: string): DatabaseSync | null {
  // Its log stays a log; where there is none, a mere reader would leave an empty one.
  const db = new DatabaseSync(path, { readOnly: isThere(logPath(path)), ...UNDEFENDED });
  // SQLite refuses a file that is shorter than it says, unless the schema may be written: then nothing but what is missing.
  db.exec("PRAGMA writable_schema = ON");
  if (unlessUnreadable(() => db.prepare("SELECT count(*) FROM sqlite_schema").get()) !== null) return db;
  db.close();
  return null;
}

function salvageTorrents(db: DatabaseSync, to: StateFile): number {
  let salvaged = 0;
  const start = (range: number) => Uint8Array.of(range >> 8, range & 0xff);
  const ranges = Array.from({ length: RANGES }, (_, range): Range => [
    start(range),
    range === RANGES - 1 ? new Uint8Array(21).fill(255) : start(range + 1),
  ]);
  for (const row of readable(db, "torrents", "info_hash", ranges)) if (take(row, to)) salvaged++;
  return salvaged;
}

// What is too old to be kept is not looked for, and nothing is of the future.
function salvageHistory(db: DatabaseSync, to: StateFile): number {
  const last = blockOf(Math.floor(Date.now() / MINUTE_MS)), blocks = HISTORY_DAYS * 1440 / BLOCK_MINUTES;
  const firsts = Array.from({ length: blocks + 1 }, (_, i) => last - (blocks - i) * BLOCK_MINUTES);
  let salvaged = 0;
  for (const row of readable(db, "stats_minute", "minute", firsts.map((first): Range => [first - 1, first + 1]))) {
    const first = Number(row["minute"]), bytes = row["figures"];
    const minutes = bytes instanceof Uint8Array ? decodeBlock(first, bytes) : null;
    if (minutes === null) continue;
    to.history.saveBlock(first, minutes);
    salvaged += minutes.length;
  }
  return salvaged;
}

// Without the key, clients with an old connection id ask for another: that is all.
function salvageMeta(db: DatabaseSync, to: StateFile): void {
  for (const { key, value } of readable(db, "meta", "key", [["", "\uffff"]])) {
    if (typeof key === "string" && (value instanceof Uint8Array || typeof value === "string")) to.setMeta(key, value);
  }
}

type Key = Uint8Array | number | string;
/** Keys between two, neither of which is meant. */
type Range = readonly [after: Key, end: Key];

/**
 * The rows of a table in ranges of its key: of each range those before the first that cannot be read. A few at once,
 * since a damaged table may seem to be of any length; and not by an iteration, which would end at errors without a word.
 */
function* readable(
  db: DatabaseSync,
  table: string,
  key: string,
  ranges: readonly Range[],
): Generator<Record<string, unknown>> {
  const sql = `SELECT * FROM ${table} WHERE ${key} > ? AND ${key} < ? ORDER BY ${key} LIMIT ${ROWS_AT_ONCE}`;
  const statement = unlessUnreadable(() => db.prepare(sql));
  if (statement === null) return;
  for (const [start, end] of ranges) {
    for (let after: Key | null = start; after !== null;) {
      const from: Key = after;
      const rows: Record<string, unknown>[] = unlessUnreadable(() => statement.all(from, end)) ?? [];
      yield* rows;
      const last = rows.at(-1)?.[key] as Key | undefined;
      // In order, or a damaged table could be read for ever.
      after = rows.length === ROWS_AT_ONCE && last !== undefined && isLess(from, last) ? last : null;
    }
  }
}

function isLess(one: Key, other: Key): boolean {
  const [a, b] = [one, other].map((key) => key instanceof Uint8Array ? key.toHex() : key);
  return a! < b!;
}

// Only what is read may fail so: a full disk is no reason to leave anything out.
function unlessUnreadable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
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
