/**
 * Tells when the threads of a part have come to their end, by a Web Lock that they share: it is nobody's only when the
 * last of them runs no more line of code. `terminate()` returns before that.
 */

/** Deno's own types do not know of locks, and runtimes before 2.9 have none. */
interface Locks {
  request(name: string, options: LockOptions, hold: () => Promise<void> | void): Promise<void>;
}
interface LockOptions {
  readonly mode?: "shared";
  readonly signal?: AbortSignal;
}
const { locks } = navigator as unknown as { locks?: Locks };

/** Lets this thread be one of those of `name`, until its end. */
export function joinThreads(name: string): void {
  void locks?.request(name, { mode: "shared" }, () => new Promise(() => {}));
}

/** Resolves when no thread of `name` runs any more; at the latest after `msMax`, and without locks then. */
export async function untilThreadsEnded(name: string, msMax: number): Promise<void> {
  const late = new AbortController(), { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    late.abort();
    resolve();
  }, msMax);
  // Rejects when it was late.
  await Promise.race([promise, locks?.request(name, { signal: late.signal }, () => {}).catch(() => {}) ?? promise]);
  clearTimeout(timer);
}
