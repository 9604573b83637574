/**
 * The lock beside a state file: SQLite lets any number of programs in, but only one tracker may keep its state there. It
 * is SQLite's own, on an empty database `FILE.lock.sqlite`, since not every runtime can try another kind, and different
 * kinds would not exclude each other; it comes free with the process, however it ends. `FILE.lock` has the number of that
 * process, or nothing while a tool has the file: in the database nobody else could read it, and whoever opened and closed
 * that file past SQLite would drop the lock of its own process (fcntl(2)).
 */
import { DatabaseSync } from "node:sqlite";
import { fileInUse, isBusy, toStateFault } from "./state_fault.ts";
import { isSeen, isThere, makeSecret, tryCreateSecretFile } from "./state_making.ts";
import { lockedPath, lockPath } from "./state_paths.ts";

/** Nobody else needs to read it. */
const MODE = 0o600;
/** Who only looks, or has just ended, has the lock for a moment: a start waits so long. */
const WAIT_MS = 500;

/** The lock of one state file. */
export class StateLock {
  readonly #path: string;
  readonly #database: DatabaseSync;
  #isHeld = false;

  private constructor(path: string) {
    const locked = lockedPath(path);
    this.#path = path;
    if (!tryCreateSecretFile(locked)) makeSecret(locked);
    this.#database = new DatabaseSync(locked);
  }

  /** Takes the lock of the file at `path`. `isShared`: opens it, for `tryHold`. Throws a StateFault. */
  static open(path: string, isShared: boolean): StateLock {
    const lock = attempt(path, lockedPath(path), () => new StateLock(path));
    try {
      if (isShared || lock.#take(WAIT_MS)) return lock;
      throw fileInUse(path);
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** The process that keeps the file at `path`, or null when none does. Takes nothing. Throws a StateFault. */
  static keeperOf(path: string): number | null {
    const locked = lockedPath(path);
    if (attempt(path, locked, () => !isThere(locked) || isFree(locked), true)) return null;
    const pid = attempt(path, lockPath(path), () => Number(Deno.readTextFileSync(lockPath(path))), true);
    return pid > 0 ? pid : null;
  }

  /** Takes the lock if nobody has it. True when it is ours. It names nobody until it is signed. Throws a StateFault. */
  tryHold(): boolean {
    return this.#isHeld || this.#take(0);
  }

  /** Notes that process `pid` has it. Throws a StateFault. */
  sign(pid: number): void {
    this.#write(String(pid));
  }

  /** Gives it up. */
  close(): void {
    this.#database.close();
  }

  #take(waitMs: number): boolean {
    // With a journal in memory nothing is written: a full disk is no obstacle, and a killed process leaves nothing.
    const begin = `PRAGMA busy_timeout = ${waitMs}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`;
    this.#isHeld = attempt(this.#path, lockedPath(this.#path), () => unlessBusy(() => this.#database.exec(begin)));
    // Whoever had it before is not to be told anything any more: the number may be another program's by now.
    if (this.#isHeld) this.#write("");
    return this.#isHeld;
  }

  #write(text: string): void {
    const path = lockPath(this.#path);
    attempt(this.#path, path, () => Deno.writeTextFileSync(path, text, { mode: MODE }));
  }
}

function isFree(locked: string): boolean {
  const database = new DatabaseSync(locked, { readOnly: true });
  try {
    // The runtime waits for some seconds unless it is told.
    database.exec("PRAGMA busy_timeout = 0");
    return unlessBusy(() => database.prepare("SELECT count(*) FROM sqlite_schema").get());
  } finally {
    database.close();
  }
}

// False when another has it.
function unlessBusy(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

// What is wrong is said of `beside` if there is such a file, and of the state file if its folder is at fault.
function attempt<T>(path: string, beside: string, work: () => T, isLook = false): T {
  try {
    return work();
  } catch (error) {
    throw toStateFault(isSeen(beside) ? beside : path, error, isLook);
  }
}
