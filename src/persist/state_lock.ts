/**
 * The lock beside a state file, `FILE.lock`: SQLite lets any number of programs in, but only one tracker may keep its
 * state there. It holds the number of that tracker's process, and comes free with the process, however it ends.
 */
import { fileInUse, toStateFault } from "./state_fault.ts";

/** Nobody else needs to read it. */
const MODE = 0o600;

/** The lock of one state file. */
export class StateLock {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Takes the lock of the file at `path`. `isShared`: opens it, for `tryHold`. Throws a StateFault or the system's error. */
  static open(path: string, isShared: boolean): StateLock {
    const file = Deno.openSync(lockPath(path), { write: true, create: true, mode: MODE });
    if (isShared || file.tryLockSync(true)) return new StateLock(file);
    file.close();
    throw fileInUse(path);
  }

  /** The process that keeps the file at `path`, or null when none does. Throws a StateFault. */
  static keeperOf(path: string): number | null {
    try {
      const file = Deno.openSync(lockPath(path), { read: true }), isFree = file.tryLockSync(false);
      file.close();
      const pid = Number(Deno.readTextFileSync(lockPath(path)));
      return isFree || !(pid > 0) ? null : pid;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw toStateFault(path, error);
    }
  }

  /** Takes the lock if nobody has it. True when it is ours. */
  tryHold(): boolean {
    return this.#file.tryLockSync(true);
  }

  /** Notes that process `pid` has it. */
  sign(pid: number): void {
    this.#file.truncateSync(0);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(new TextEncoder().encode(String(pid)));
  }

  /** Gives it up. */
  close(): void {
    this.#file.close();
  }
}

function lockPath(path: string): string {
  return `${path}.lock`;
}
