/**
 * Tells when a thread of a part has come to its end: a port that it holds closes when it runs no more line of code.
 * `terminate()` returns before that.
 */
// Loaded for what it does: without it ports do not tell that they are closed.
import "node:worker_threads";

/** The end of one thread. */
export class ThreadEnd {
  /** To be given to the thread. */
  readonly port: MessagePort;
  readonly #own: MessagePort;
  readonly #ended: Promise<void>;

  constructor() {
    const { port1, port2 } = new MessageChannel(), { promise, resolve } = Promise.withResolvers<void>();
    port1.addEventListener("close", () => resolve(), { once: true });
    // Without a handler it is not noticed.
    port1.onmessage = () => {};
    this.port = port2;
    this.#own = port1;
    this.#ended = promise;
  }

  /** Resolves to true when the thread runs no more, or to false after `msMax`. Nobody can wait for it again. */
  async until(msMax: number): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<false>(), timer = setTimeout(() => resolve(false), msMax);
    const hasEnded = await Promise.race([late, this.#ended.then(() => true)]);
    clearTimeout(timer);
    this.forget();
    return hasEnded;
  }

  /** Nobody waits for it any more. */
  forget(): void {
    this.#own.close();
  }
}
