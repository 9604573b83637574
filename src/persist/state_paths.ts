/** What lies beside a state file, by name. */

/** Damaged files that are kept; then the operator is asked to move some away. */
const DAMAGED_MAX = 9;
/** What SQLite puts beside a database. */
const SIDES = ["", "-wal", "-shm", "-journal"];

/** The write-ahead log of the database at `path`. */
export function logPath(path: string): string {
  return `${path}-wal`;
}

/** What is locked as long as a program keeps the file. */
export function lockedPath(path: string): string {
  return `${path}.lock.sqlite`;
}

/** Where that program's process is named. */
export function lockPath(path: string): string {
  return `${path}.lock`;
}

/** Where the file is made before it is there: what lies under this name is never whole, and may be removed. */
export function makingPath(path: string): string {
  return `${path}.new`;
}

/** Where a repair has its result, whole, until the damaged file has made room. */
export function repairedPath(path: string): string {
  return `${path}.repaired`;
}

/** Where damaged files are set aside, the first first. */
export function damagedPaths(path: string): string[] {
  return Array.from({ length: DAMAGED_MAX }, (_, i) => `${path}.damaged${i === 0 ? "" : `.${i + 1}`}`);
}

/** The database at `path` with all SQLite may put beside it. */
export function databasePaths(path: string): string[] {
  return SIDES.map((side) => path + side);
}

/** Every file that whoever keeps the state at `path` may make, change or remove. */
export function keptPaths(path: string): string[] {
  const databases = [path, makingPath(path), repairedPath(path), ...damagedPaths(path)];
  return [...databases.flatMap(databasePaths), lockPath(path), lockedPath(path)];
}
