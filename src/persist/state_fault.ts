/** What can be wrong with a state file, as sentences for the operator: each names the file and the way out. */

/** The state file cannot be used: the operator's to mend. The message is the whole sentence. */
export class StateFault extends Error {
  /** True when the file's content is at fault, so that a repair may help. */
  readonly isDamage: boolean;

  /** `what`: follows the file's name. `wayOut`: what to do, follows "; ". */
  constructor(path: string, what: string, wayOut: string, isDamage = false) {
    super(`The state file ${JSON.stringify(path)} ${what}; ${wayOut}`);
    this.isDamage = isDamage;
  }
}

/** Primary result codes of SQLite that are told apart. Source: sqlite3.h. */
const SQLITE = {
  ERROR: 1,
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

/** Kinds of I/O errors that are told apart: the last is how a full disk shows when the memory of a log cannot grow. */
const IOERR_READ = SQLITE.IOERR | 1 << 8,
  IOERR_SHORT_READ = SQLITE.IOERR | 2 << 8,
  IOERR_SHMSIZE = SQLITE.IOERR | 19 << 8;
/** How the system says that a disk is full, or a user's share of it. */
const FULL_CODES: readonly unknown[] = ["ENOSPC", "EDQUOT"];

/** Texts of errors that come without their code. Source: sqlite3_errstr. */
const MESSAGES: readonly (readonly [string, number])[] = [
  ["locked", SQLITE.BUSY],
  ["readonly database", SQLITE.READONLY],
  ["disk I/O error", SQLITE.IOERR],
  ["malformed", SQLITE.CORRUPT],
  ["disk is full", SQLITE.FULL],
  ["unable to open database file", SQLITE.CANTOPEN],
  ["not a database", SQLITE.NOTADB],
];

const ELSEWHERE = "name another file in tracker.state";
const REPAIR = "start once with --state-repair to salvage what is readable, or move the file away";

/**
 * Turns whatever was thrown at the work on `path` into a StateFault; what is none (a fault of ours) is thrown on.
 * `isLook`: of a tool that only reads.
 */
export function toStateFault(path: string, error: unknown, isLook = false): StateFault {
  if (error instanceof StateFault) return error;
  if (!(error instanceof Error)) throw error;
  if (isDenied(error)) return isLook ? unreadable(path) : unwritable(path);
  if (error instanceof Deno.errors.NotFound) {
    return new StateFault(path, "cannot be made: its folder does not exist", "make the folder");
  }
  if (error instanceof Deno.errors.IsADirectory) return new StateFault(path, "is a folder", ELSEWHERE);
  if (isTooLong(error)) return damagedRow(path, "a number in it is too long");
  if (isFullDisk(error)) return sqliteFault(path, SQLITE.FULL, error.message);
  const code = sqliteCode(error);
  if (code === null && isSystemError(error)) {
    return new StateFault(path, `cannot be read or written (${error.message})`, "see to the disk");
  }
  if (code === null) throw error;
  return sqliteFault(path, code, error.message);
}

function sqliteFault(path: string, code: number, message: string): StateFault {
  switch (code) {
    case SQLITE.BUSY:
    case SQLITE.LOCKED:
      return new StateFault(path, "is in use by another program", `close that program, or ${ELSEWHERE}`);
    case SQLITE.FULL:
      return new StateFault(path, "cannot be written: the disk is full", "make room on the disk");
    case SQLITE.NOTADB:
      return notADatabase(path);
    case SQLITE.CORRUPT:
      return new StateFault(path, "is damaged", REPAIR, true);
    case SQLITE.IOERR:
      return new StateFault(path, `cannot be read or written (${message})`, "see to the disk");
    default:
      return new StateFault(path, `is not what it should be (${message})`, REPAIR, true);
  }
}

/** What SQLite says when a part of a database cannot be read, so that another part may be. */
const UNREADABLE: readonly number[] = [SQLITE.ERROR, SQLITE.IOERR, SQLITE.CORRUPT, SQLITE.NOTADB];

/** Whether what was thrown at the reading of a database is of the part that was read. */
export function isUnreadable(error: unknown): boolean {
  return isTooLong(error) || error instanceof Error && UNREADABLE.includes(sqliteCode(error) ?? -1);
}

/** Whether the rights to a file, or to its folder, are missing. */
export function isDenied(error: unknown): boolean {
  if (error instanceof Deno.errors.PermissionDenied || (error as { code?: unknown }).code === "EROFS") return true;
  const code = error instanceof Error ? sqliteCode(error) : null;
  return [SQLITE.PERM, SQLITE.READONLY, SQLITE.CANTOPEN].some((one) => one === code);
}

function unwritable(path: string): StateFault {
  const wayOut = `give the tracker the right to write to it and its folder, or ${ELSEWHERE}`;
  return new StateFault(path, "cannot be written", wayOut);
}

function unreadable(path: string): StateFault {
  return new StateFault(path, "cannot be read", "run this as the tracker's user");
}

/** Whether another has locked what was asked for. */
export function isBusy(error: unknown): boolean {
  const code = error instanceof Error ? sqliteCode(error) : null;
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** Whether a copying failed at what is copied; if not, it is where the copy goes. */
export function isOfSource(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  if (errcode === IOERR_READ || errcode === IOERR_SHORT_READ || isTooLong(error)) return true;
  const code = error instanceof Error ? sqliteCode(error) ?? -1 : -1;
  return [SQLITE.ERROR, SQLITE.BUSY, SQLITE.LOCKED, SQLITE.CORRUPT, SQLITE.NOTADB].some((one) => one === code);
}

function isFullDisk(error: Error): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return FULL_CODES.includes(code) || errcode === IOERR_SHMSIZE;
}

// node:sqlite refuses numbers that a double does not hold: no tracker writes any.
function isTooLong(error: unknown): boolean {
  return error instanceof RangeError && /too large|out of range/i.test(error.message);
}

/** Whether the system refused something: that is the operator's to see to. */
export function isSystemError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return Object.hasOwn(Deno.errors, error.name) || /^E[A-Z0-9]+$/.test(String((error as { code?: unknown }).code));
}

/** SQLite's primary result code of an error, or null when it is not SQLite's. */
function sqliteCode(error: Error): number | null {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  if (code !== "ERR_SQLITE_ERROR") return null;
  // `exec` and failures to open come without a number, with SQLite's own text for it.
  return MESSAGES.find(([text]) => error.message.includes(text))?.[1] ?? SQLITE.ERROR;
}

/** A row that is not as this program writes it. */
export function damagedRow(path: string, what: string): StateFault {
  return new StateFault(path, `is damaged (${what})`, REPAIR, true);
}

/** Not a database at all. */
export function notADatabase(path: string): StateFault {
  return new StateFault(path, "is not a database", REPAIR, true);
}

/** No file of ours is ever empty, once it has its name. */
export function emptyFile(path: string): StateFault {
  const wayOut = "put a copy made by `tracker state backup` in its place, or remove it to begin anew";
  return new StateFault(path, "is empty: it was cut off, or is a copy of the file without its log", wayOut);
}

/** The file was moved or removed, and its log was not. */
export function logWithoutFile(path: string): StateFault {
  const wayOut = "put the file back beside its log, or move the log away to begin anew";
  return new StateFault(path, "is not there, but its log is (-wal)", wayOut);
}

/** The file was made by another program. */
export function foreignFile(path: string): StateFault {
  return new StateFault(path, "is the database of another program", ELSEWHERE);
}

/** The file was written by a later version. */
export function newerFile(path: string, version: number, known: number): StateFault {
  const what = `was written by a newer version (schema ${version}, this one knows ${known})`;
  return new StateFault(path, what, `run that version, or ${ELSEWHERE}`);
}

/** The file is of an earlier version, and not to be brought up to date while another tracker has it. */
export function olderFile(path: string, version: number, known: number): StateFault {
  const what = `is of an older version (schema ${version}, this one has ${known}) and kept by a tracker that runs`;
  return new StateFault(path, what, "stop that tracker and start this one");
}

/** Another tracker keeps its state there now. */
export function fileInUse(path: string): StateFault {
  return new StateFault(path, "is kept by another tracker that runs", `stop it, or ${ELSEWHERE}`);
}
