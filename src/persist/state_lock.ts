/**
 * The lock beside a state file, `FILE.lock`: SQLite lets any number of programs in, but only one tracker may keep its
 * state there. It holds the number of that tracker's process, or nothing while a tool has the file, and comes free with the
 * process, however it ends.
 */
import { DatabaseSync } from "node:sqlite";
import { fileInUse, toStateFault } from "./state_fault.ts";

/** Nobody else needs to read it. */
const MODE = 0o600;

/**
 * Runtimes before 2.7 can only wait for a lock, not try it; executables are still built with such a one where no newer
 * is to be had. There SQLite tries it, on an empty database of its own.
 */
const CAN_TRY = (Deno.FsFile.prototype as { tryLockSync?: unknown }).tryLockSync !== undefined;

/** The lock of one state file. */
export class StateLock {
  readonly #file: Deno.FsFile;
  readonly #stand: DatabaseSync | null;
  #isHeld = false;

  private constructor(path: string, file: Deno.FsFile) {
    this.#file = file;
    this.#stand = CAN_TRY ? null : new DatabaseSync(`${lockPath(path)}.sqlite`);
  }

  /** Takes the lock of the file at `path`. `isShared`: opens it, for `tryHold`. Throws a StateFault or the system's error. */
  static open(path: string, isShared: boolean): StateLock {
    const file = Deno.openSync(lockPath(path), { write: true, create: true, mode: MODE });
    const lock = new StateLock(path, file);
    if (isShared || lock.tryHold()) return lock;
    lock.close();
    throw fileInUse(path);
  }

  /** The process that keeps the file at `path`, or null when none does. Throws a StateFault. */
  static keeperOf(path: string): number | null {
    try {
      const lock = new StateLock(path, Deno.openSync(lockPath(path), { read: true })), isFree = lock.#try(false);
      lock.close();
      const pid = Number(Deno.readTextFileSync(lockPath(path)));
      return isFree || !(pid > 0) ? null : pid;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw toStateFault(path, error);
    }
  }

  /** Takes the lock if nobody has it. True when it is ours. It names nobody until it is signed. */
  tryHold(): boolean {
    if (this.#isHeld) return true;
    if (!this.#try(true)) return false;
    // Whoever had it before is not to be told anything any more: the number may be another program's by now.
    this.#file.truncateSync(0);
    return true;
  }

  #try(isExclusive: boolean): boolean {
    this.#isHeld = this.#stand === null ? this.#file.tryLockSync(isExclusive) : tryExclusive(this.#stand);
    return this.#isHeld;
  }

  /** Notes that process `pid` has it. */
  sign(pid: number): void {
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(new TextEncoder().encode(String(pid)));
  }

  /**
   * Gives it up. Closing the file would not do: a process that another thread is starting right now still has a copy of
   * the descriptor, and with it the lock, until its program runs (flock(2)).
   */
  close(): void {
    if (this.#isHeld && this.#stand === null) this.#file.unlockSync();
    this.#stand?.close();
    this.#file.close();
  }
}

function lockPath(path: string): string {
  return `${path}.lock`;
}

function tryExclusive(stand: DatabaseSync): boolean {
  try {
    stand.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
    return true;
  } catch {
    return false;
  }
}
