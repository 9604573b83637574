/** Makes a Node-style thread one that Deno can end while it loops: it does so only with threads that hold a Web Lock. */

/** Deno's own types do not know of locks, and runtimes before 2.9 have none: they end such threads without. */
const { locks } = navigator as unknown as { locks?: { request(name: string, hold: () => Promise<never>): void } };

/** Lets this thread hold a lock until it ends. */
export function makeEndable(): void {
  locks?.request(`thread ${crypto.randomUUID()}`, () => new Promise(() => {}));
}
