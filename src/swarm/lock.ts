/**
 * A lock word in shared memory. Held for microseconds, never across a call that can throw, wait or allocate.
 * 0 = free, otherwise the owner's number. Plain reads and writes of what it guards are ordered by the Atomics here.
 */

/** Tries before a waiter sleeps: about two microseconds, longer than an ordinary visit. */
const SPINS_MAX = 200;
/** A waiter's sleep. The holder does not notify: that would cost every visit a call for a rare case. */
const SLEEP_MS = 0.05;

/** Takes the lock at word `at` for `owner` (1 or more). Returns true if it had to wait. About 10 ns when free. */
export function lock(words: Int32Array, at: number, owner: number): boolean {
  if (Atomics.compareExchange(words, at, 0, owner) === 0) return false;
  lockContended(words, at, owner);
  return true;
}

function lockContended(words: Int32Array, at: number, owner: number): void {
  for (let spins = 0;; spins++) {
    const holder = Atomics.load(words, at);
    if (holder === 0 && Atomics.compareExchange(words, at, 0, owner) === 0) return;
    // The holder may have lost its core: sleeping gives it back.
    if (spins >= SPINS_MAX) Atomics.wait(words, at, holder, SLEEP_MS);
  }
}

/** Releases the lock at word `at`. */
export function unlock(words: Int32Array, at: number): void {
  Atomics.store(words, at, 0);
}
