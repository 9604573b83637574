/**
 * How a state file comes to be there, and what is there instead: looked at before anything is touched, since a path may
 * be mistyped, and made under another name, so that a file that is there is whole, however its making ended.
 */
import { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";
import { emptyFile, foreignFile, logWithoutFile, newerFile, notADatabase } from "./state_fault.ts";
import { databasePaths, logPath, makingPath, repairedPath } from "./state_paths.ts";

/** The file holds a secret. */
const MODE = 0o600;
/**
 * Most torrents are some fifty bytes and lie where their hash puts them, so that each one that changed has a whole page
 * written. Half of SQLite's usual length halves that; still shorter ones take much more of the processor's time when
 * nearly all change.
 */
const PAGE_BYTES = 2048;

/** First bytes of a database, and where two of its numbers stand in it, big endian. Source: sqlite.org/fileformat.html. */
const HEADER_BYTES = 100, MAGIC = "SQLite format 3\0", VERSION_AT = 60, APPLICATION_AT = 68;

/**
 * Whether there is a file at `path`. Looks at its first bytes and changes nothing; a StateFault or the system's error
 * when it is none of ours. Not while this process has it open: the system would drop SQLite's locks with ours.
 */
export function isStateFile(path: string): boolean {
  const header = readHeader(path);
  if (header === null) return false;
  if (header.length === 0) throw emptyFile(path);
  const isDatabase = header.length === HEADER_BYTES &&
    new TextDecoder("latin1").decode(header.subarray(0, MAGIC.length)) === MAGIC;
  if (!isDatabase) throw notADatabase(path);
  const view = new DataView(header.buffer);
  if (view.getUint32(APPLICATION_AT) !== APPLICATION_ID) throw foreignFile(path);
  // What the log has of it is seen when the file is opened.
  const version = view.getUint32(VERSION_AT);
  if (version > SCHEMA_VERSION) throw newerFile(path, version, SCHEMA_VERSION);
  return true;
}

function readHeader(path: string): Uint8Array<ArrayBuffer> | null {
  try {
    if (Deno.statSync(path).isDirectory) throw new Deno.errors.IsADirectory();
    const file = Deno.openSync(path), header = new Uint8Array(HEADER_BYTES);
    try {
      return header.subarray(0, file.readSync(header) ?? 0);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Makes a file of no bytes, readable to its owner alone, before SQLite would make it readable to all. */
export function createSecretFile(path: string): void {
  Deno.openSync(path, { write: true, createNew: true, mode: MODE }).close();
}

/** The same where there is none. True when it is new. */
export function tryCreateSecretFile(path: string): boolean {
  try {
    createSecretFile(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

/**
 * What of the database at `path` and of what lies beside it may not be written, or `path` if that cannot be told: SQLite
 * only says that one of them may not. Not while this process has it open.
 */
export function findDenied(path: string): string {
  const [, ...besides] = databasePaths(path);
  return besides.find(isDeniedThere) ?? path;
}

function isDeniedThere(path: string): boolean {
  try {
    Deno.openSync(path, { read: true, write: true }).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.PermissionDenied && isSeen(path);
  }
}

/** Whether there is anything to be seen at `path`: in a folder that may not be entered there is not. */
export function isSeen(path: string): boolean {
  try {
    return isThere(path);
  } catch {
    return false;
  }
}

/** Takes what others may do with the file from them. Before SQLite opens it, whose files beside it get the same mode. */
export function makeSecret(path: string): void {
  if (Deno.build.os === "windows") return;
  if (((Deno.statSync(path).mode ?? 0) & 0o077) !== 0) Deno.chmodSync(path, MODE);
}

/**
 * Puts a file at `path`, where there is none: what a repair had ready when it was interrupted, or else a new one. True
 * when it is new. The caller has the lock. Throws a StateFault or the error.
 */
export function placeStateFile(path: string): boolean {
  if (isThere(repairedPath(path))) {
    placeRepaired(path);
    return false;
  }
  // SQLite would take it for the new one's.
  if (isThere(logPath(path)) && Deno.statSync(logPath(path)).size > 0) throw logWithoutFile(path);
  makeDatabase(makingPath(path));
  Deno.renameSync(makingPath(path), path);
  return true;
}

/** Makes an empty state file at `path`, over whatever lies there. */
export function makeDatabase(path: string): void {
  removeDatabase(path);
  createSecretFile(path);
  const db = new DatabaseSync(path);
  try {
    // Page length and vacuum only take effect before the first table. Without a log, so that it is all in the one file.
    db.exec(
      `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL; BEGIN; ${MIGRATIONS.join("\n")}
       PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
    );
  } finally {
    db.close();
  }
}

/** Puts what a repair has ready in the place of the damaged file, which has been set aside with all its log. */
export function placeRepaired(path: string): void {
  const [, ...besides] = databasePaths(path);
  besides.forEach(removeIfThere);
  Deno.renameSync(repairedPath(path), path);
}

/** Removes a database and what lies beside it. */
export function removeDatabase(path: string): void {
  databasePaths(path).forEach(removeIfThere);
}

/** Whether there is anything at `path`. Throws the system's error when it does not tell. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
