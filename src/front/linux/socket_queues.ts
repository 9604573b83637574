/**
 * How full the queues of our sockets are, and what the kernel threw away because one was full: asked of the sockets
 * themselves (SO_MEMINFO, since Linux 4.12; TCP_INFO of a listener), by the supervisor, which has bound them. Nothing per
 * packet, and no look into /proc.
 */
import type { QueueSeen } from "../../shield/shed_loads.ts";
import type { FrontSocket } from "../front_start.ts";
import { BIND_SYMBOLS, IPPROTO_TCP, LIBC, SO_MEMINFO, SOL_SOCKET, TCP_INFO } from "./libc.ts";

/** Words of SO_MEMINFO's answer; of these, bytes queued, their limit, and datagrams dropped (SK_MEMINFO_…). */
const MEMINFO_WORDS = 9, MEMINFO_QUEUED = 0, MEMINFO_ROOM = 1, MEMINFO_DROPS = 8;
/** Words of TCP_INFO's answer up to what is needed; of a listener, connections that wait, and their limit. */
const TCP_INFO_WORDS = 8, TCP_INFO_WAITING = 6, TCP_INFO_ROOM = 7;

/** Asks sockets. */
export class SocketQueues {
  readonly #library = Deno.dlopen(LIBC, BIND_SYMBOLS);
  readonly #sockets: readonly FrontSocket[];
  readonly #words = new Uint32Array(Math.max(MEMINFO_WORDS, TCP_INFO_WORDS));
  readonly #bytes = new Uint8Array(this.#words.buffer);
  readonly #length = new Uint8Array(4);
  /** Drops of each socket as of the last look; at first those of the process that had it before. */
  readonly #drops: number[];

  constructor(sockets: readonly FrontSocket[]) {
    this.#sockets = sockets;
    this.#drops = sockets.map((socket) => this.#askMemory(socket) ? this.#words[MEMINFO_DROPS]! : 0);
  }

  /** Looks at every socket. What the kernel does not say is 0. */
  look(): QueueSeen[] {
    return this.#sockets.map((socket, i) => {
      const { protocol, address } = socket, words = this.#words;
      let share = 0, lost = 0;
      if (this.#askMemory(socket)) {
        // The kernel's count is of 32 bits and comes round. A listener's is of connections it had no room for.
        lost = (words[MEMINFO_DROPS]! - this.#drops[i]!) >>> 0;
        this.#drops[i] = words[MEMINFO_DROPS]!;
        share = shareOf(words[MEMINFO_QUEUED]!, words[MEMINFO_ROOM]!);
      }
      if (protocol === "tcp") {
        share = this.#askListener(socket) ? shareOf(words[TCP_INFO_WAITING]!, words[TCP_INFO_ROOM]!) : 0;
      }
      return { protocol, address, share, lost };
    });
  }

  /** Lets the library go. */
  close(): void {
    this.#library.close();
  }

  #askMemory({ descriptor }: FrontSocket): boolean {
    return this.#ask(descriptor, SOL_SOCKET, SO_MEMINFO);
  }

  #askListener({ descriptor }: FrontSocket): boolean {
    return this.#ask(descriptor, IPPROTO_TCP, TCP_INFO);
  }

  // Fills the words with what the kernel says of a socket. False: it does not say.
  #ask(descriptor: number, level: number, option: number): boolean {
    this.#words.fill(0);
    this.#length[0] = this.#bytes.length;
    return this.#library.symbols.getsockopt(descriptor, level, option, this.#bytes, this.#length) === 0;
  }
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole);
}
