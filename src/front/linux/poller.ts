/** epoll: which descriptor has news. An event carries a slot and the slot's generation, in our own numbers. */
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from "./libc.ts";
import { EVENT_BYTES, EVENTS_MAX, type Native } from "./native.ts";

const EVENT_WORDS = EVENT_BYTES / 4;
const DATA_WORD = EVENT_WORDS - 2;

/** One epoll instance. */
export class Poller {
  readonly descriptor: number;
  readonly #native: Native;
  readonly #events = new Uint8Array(EVENTS_MAX * EVENT_BYTES);
  readonly #words = new Int32Array(this.#events.buffer);
  readonly #event = new Uint8Array(EVENT_BYTES);
  readonly #eventWords = new Int32Array(this.#event.buffer);

  constructor(native: Native) {
    this.#native = native;
    this.descriptor = native.calls.epoll_create1(EPOLL_CLOEXEC);
    if (this.descriptor < 0) throw new Error(`epoll: cannot be created (error ${native.errno()})`);
  }

  /** Watches `descriptor` for `events`; they come back with `slot` and `generation`. False if the system refused. */
  add(descriptor: number, events: number, slot: number, generation: number): boolean {
    return this.#control(EPOLL_CTL_ADD, descriptor, events, slot, generation);
  }

  /** Changes what `descriptor` is watched for; 0 = only errors. */
  change(descriptor: number, events: number, slot: number, generation: number): boolean {
    return this.#control(EPOLL_CTL_MOD, descriptor, events, slot, generation);
  }

  /** Watches `descriptor` no longer. */
  remove(descriptor: number): void {
    this.#control(EPOLL_CTL_DEL, descriptor, 0, 0, 0);
  }

  /** Waits up to `milliseconds` in the thread. Returns how many events there are; none on error. */
  wait(milliseconds: number): number {
    const { calls } = this.#native;
    return Math.max(0, calls.epoll_wait(this.descriptor, this.#events, EVENTS_MAX, milliseconds));
  }

  /** Waits outside the thread, which goes on with timers and messages. */
  async waitOutside(milliseconds: number): Promise<number> {
    const { calls } = this.#native;
    return Math.max(0, await calls.epoll_wait_async(this.descriptor, this.#events, EVENTS_MAX, milliseconds));
  }

  /** Slot of event `i`. */
  slot(i: number): number {
    return this.#words[i * EVENT_WORDS + DATA_WORD];
  }

  /** Generation of event `i`. */
  generation(i: number): number {
    return this.#words[i * EVENT_WORDS + DATA_WORD + 1] >>> 0;
  }

  /** What happened in event `i`: EPOLLIN and others. */
  events(i: number): number {
    return this.#words[i * EVENT_WORDS];
  }

  #control(operation: number, descriptor: number, events: number, slot: number, generation: number): boolean {
    this.#eventWords[0] = events;
    this.#eventWords[DATA_WORD] = slot;
    this.#eventWords[DATA_WORD + 1] = generation;
    return this.#native.calls.epoll_ctl(this.descriptor, operation, descriptor, this.#event) === 0;
  }
}
