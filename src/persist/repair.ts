/**
 * Salvages a damaged state file: the file is set aside beside itself, and what can be read of it goes into a new one.
 * A file that is sound, of another program, of a newer version or in use is left as it is.
 */
import { DatabaseSync } from "node:sqlite";
import { StateFault, toStateFault } from "./state_fault.ts";
import { StateFile, type StateRow } from "./state_file.ts";

/** Where a damaged file is set aside. */
export function damagedPath(path: string): string {
  return `${path}.damaged`;
}

/** Steps of a search through info hashes: their first two bytes. One that cannot be read loses its own torrents only. */
const STEPS = 65_536;

/** Mends the file at `path` if it needs it. `say` takes a line about what was done. Throws a StateFault. */
export function repairState(path: string, say: (line: string) => void): void {
  if (isSound(path)) return say(`state: ${path} is sound, there is nothing to repair`);
  const aside = damagedPath(path);
  setAside(path, aside);
  const file = StateFile.open(path);
  try {
    const salvaged = salvage(aside, file);
    say(`state: ${salvaged} torrents were salvaged from ${path}, which is kept as ${aside}`);
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

/** Copies every torrent of the file at `from` that can be read to `to`. Returns how many. */
function salvage(from: string, to: StateFile): number {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(from);
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch {
    // Not even the first page: there is nothing to read.
    return 0;
  }
  try {
    return to.transaction(() => salvageRows(db, to));
  } finally {
    db.close();
  }
}

function salvageRows(db: DatabaseSync, to: StateFile): number {
  let salvaged = 0;
  const bounds = (step: number) =>
    step === STEPS ? new Uint8Array(21).fill(255) : Uint8Array.of(step >> 8, step & 0xff);
  const sql = "SELECT * FROM torrents WHERE info_hash >= ? AND info_hash < ?";
  // The whole of a range at once, then its halves: sound ranges cost one query, bad pages are closed in on.
  const waiting: [number, number][] = [[0, STEPS]];
  for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
    const [start, end] = range;
    try {
      for (const row of db.prepare(sql).all(bounds(start), bounds(end))) if (take(row, to)) salvaged++;
    } catch (error) {
      if (error instanceof StateFault) throw error;
      const middle = (start + end) >> 1;
      if (middle > start) waiting.push([start, middle], [middle, end]);
    }
  }
  salvageKey(db, to);
  return salvaged;
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
