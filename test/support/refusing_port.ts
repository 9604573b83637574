/** A port where nothing listens, for tests of what becomes of those who connect all the same. */
import { bindLinuxSockets } from "../../src/front/linux/bind.ts";
import { BIND_SYMBOLS, LIBC } from "../../src/front/linux/libc.ts";
import { freePort } from "./tracker_process.ts";

/**
 * A port of the loopback that refuses connections as long as it is held. It is bound, so that nobody else gets it, and
 * was never listened on: a program that is being started has a copy of such a socket, which would listen for a while
 * longer. Where this cannot be done, a port that is free.
 */
export class RefusingPort implements Disposable {
  readonly port: number;
  readonly #descriptor: number;

  constructor() {
    if (Deno.build.os === "linux") {
      const wanted = { protocol: "tcp", address: "127.0.0.1", port: 0, descriptor: -1 } as const;
      const { port, descriptor } = bindLinuxSockets([wanted], 1)[0]![0]!;
      this.port = port;
      this.#descriptor = descriptor;
    } else {
      this.port = freePort();
      this.#descriptor = -1;
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor < 0) return;
    const library = Deno.dlopen(LIBC, BIND_SYMBOLS);
    library.symbols.close(this.#descriptor);
    library.close();
  }
}
