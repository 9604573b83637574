/**
 * Datagrams that the kernel threw away because a socket of ours was full: asked of the sockets themselves (SO_MEMINFO,
 * since Linux 4.12), in the supervisor, which has bound them. Nothing per packet, and no look into /proc.
 */
import { COUNTER } from "../../stats/counters.ts";
import type { FrontSocket } from "../front_start.ts";
import { BIND_SYMBOLS, LIBC, SO_MEMINFO, SOL_SOCKET } from "./libc.ts";

/** Words of the answer, and which of them counts the drops (SK_MEMINFO_DROPS). */
const MEMINFO_WORDS = 9, MEMINFO_DROPS = 8;

/** How often the kernel is asked. */
const TICK_MS = 2000;

/** Keeps the count of `sockets` in `counters`, which only the caller writes, until the function returned is called. */
export function watchKernelDrops(sockets: readonly FrontSocket[], counters: Float64Array): () => void {
  const drops = new KernelDrops(sockets);
  const timer = setInterval(() => counters[COUNTER.udpKernelDrops] = drops.count(), TICK_MS);
  return () => {
    clearInterval(timer);
    drops.close();
  };
}

/** Asks the UDP sockets among `sockets`. */
export class KernelDrops {
  readonly #library = Deno.dlopen(LIBC, BIND_SYMBOLS);
  readonly #descriptors: readonly number[];
  readonly #words = new Uint32Array(MEMINFO_WORDS);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #length = new Uint8Array(4);

  constructor(sockets: readonly FrontSocket[]) {
    this.#descriptors = sockets.filter(({ protocol }) => protocol === "udp").map(({ descriptor }) => descriptor);
  }

  /** Drops of all sockets since they were bound; those of a kernel that does not say are 0. */
  count(): number {
    let drops = 0;
    for (const descriptor of this.#descriptors) {
      this.#length[0] = this.#bytes.length;
      const failed = this.#library.symbols.getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, this.#bytes, this.#length);
      if (failed === 0) drops += this.#words[MEMINFO_DROPS]!;
    }
    return drops;
  }

  /** Lets the library go. */
  close(): void {
    this.#library.close();
  }
}
