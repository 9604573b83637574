/** Lets other work of a thread have its turn: messages that have come are handled before the promise resolves. */

/** A turn of the event loop as often as it is called; `close` ends it. */
export class Turn {
  readonly #channel = new MessageChannel();
  readonly #waiting: (() => void)[] = [];

  constructor() {
    this.#channel.port2.onmessage = () => this.#waiting.shift()?.();
  }

  /** Resolves when what has waited has had its turn. */
  readonly breathe = (): Promise<void> =>
    new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#channel.port1.postMessage(0);
    });

  /** Closes the channel, which would keep the thread alive. */
  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
