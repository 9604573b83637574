/**
 * The connections of one Linux front, as columns of typed arrays: a connection is a slot number. Slots are in one of two
 * lists by age, idle or busy, so that the overdue and the oldest are found without looking at the others. Descriptors
 * lie in shared memory, so that the successor of a front that died can close them.
 */

import type { AnnounceRequest } from "../../bittorrent/announce.ts";

/** Free. */
export const SLOT_FREE = 0;
/** Waiting for a request, or for the rest of one. */
export const SLOT_READING = 1;
/** A reply waits until the client reads on. */
export const SLOT_WRITING = 2;
/** The office works on its request. */
export const SLOT_OFFICE = 3;
/** All is sent; what the client still sends is thrown away until it closes, so that it can read our last words. */
export const SLOT_DRAINING = 4;

const NONE = -1;
/** Lists. */
const IDLE = 0, BUSY = 1;

/** Registers of a client's address: those of a request. */
type Registers = Pick<AnnounceRequest, "family" | "address">;

/** The table of one front. */
export class Connections {
  readonly descriptor: Int32Array;
  /** Told apart from an earlier user of the slot by this number. */
  readonly generation: Uint32Array;
  readonly state: Uint8Array;
  /** Bytes of an unfinished request kept for this slot, and how far its end has been looked for. */
  readonly used: Uint16Array;
  readonly scanned: Uint16Array;
  /** epoll events asked for; 0 = not registered or none. */
  readonly events: Uint8Array;
  readonly isRegistered: Uint8Array;
  /** Whether the connection ends after what is being sent. */
  readonly endsAfter: Uint8Array;
  readonly family: Uint8Array;
  /** Client address, four words each. */
  readonly address: Int32Array;
  /** Whether a header of the PROXY protocol is to come first. */
  readonly awaitsProxy: Uint8Array;
  /** The office's number for the request at hand. */
  readonly officeId: Float64Array;
  /** What could not be sent at once. */
  readonly unsent: (Uint8Array | undefined)[];
  readonly slots: number;
  count = 0;

  readonly #since: Int32Array;
  readonly #list: Uint8Array;
  readonly #older: Int32Array;
  readonly #newer: Int32Array;
  readonly #oldest = Int32Array.of(NONE, NONE);
  readonly #newest = Int32Array.of(NONE, NONE);
  readonly #free: Int32Array;

  /** `descriptors`: shared memory with a word for each slot; `slots`: most connections. */
  constructor(descriptors: Int32Array, slots: number) {
    this.slots = slots;
    this.descriptor = descriptors;
    this.generation = new Uint32Array(slots);
    this.state = new Uint8Array(slots);
    this.used = new Uint16Array(slots);
    this.scanned = new Uint16Array(slots);
    this.events = new Uint8Array(slots);
    this.isRegistered = new Uint8Array(slots);
    this.endsAfter = new Uint8Array(slots);
    this.family = new Uint8Array(slots);
    this.address = new Int32Array(slots * 4);
    this.awaitsProxy = new Uint8Array(slots);
    this.officeId = new Float64Array(slots);
    this.unsent = new Array(slots).fill(undefined);
    this.#since = new Int32Array(slots);
    this.#list = new Uint8Array(slots);
    this.#older = new Int32Array(slots);
    this.#newer = new Int32Array(slots);
    this.#free = Int32Array.from({ length: slots }, (_, i) => slots - 1 - i);
  }

  /** Takes a slot for `descriptor` (more than 0). Returns it, or -1 when all are taken. */
  open(descriptor: number, second: number): number {
    if (this.count === this.slots) return NONE;
    const slot = this.#free[this.slots - 1 - this.count++];
    this.descriptor[slot] = descriptor;
    this.generation[slot]++;
    this.state[slot] = SLOT_READING;
    this.used[slot] =
      this.scanned[slot] =
      this.events[slot] =
      this.isRegistered[slot] =
      this.endsAfter[slot] =
      this.awaitsProxy[slot] =
        0;
    this.officeId[slot] = 0;
    this.#push(slot, BUSY, second);
    return slot;
  }

  /** Gives a slot back. */
  close(slot: number): void {
    this.#unlink(slot);
    this.state[slot] = SLOT_FREE;
    this.descriptor[slot] = 0;
    this.unsent[slot] = undefined;
    this.#free[this.slots - this.count--] = slot;
  }

  /** Notes whose connection it is. */
  noteAddress(slot: number, { family, address }: Registers): void {
    this.family[slot] = family;
    for (let i = 0; i < 4; i++) this.address[slot * 4 + i] = address[i];
  }

  /** Puts whose connection it is into `request`. */
  takeAddress(slot: number, request: Registers): void {
    request.family = this.family[slot] === 4 ? 4 : 6;
    for (let i = 0; i < 4; i++) request.address[i] = this.address[slot * 4 + i];
  }

  /** Notes that the connection waits for a new request from `second` on. */
  setIdle(slot: number, second: number): void {
    // The lists are in the order of seconds, so that a connection moves in them once a second at most.
    if (this.#list[slot] === IDLE && this.#since[slot] === second) return;
    this.#unlink(slot);
    this.#push(slot, IDLE, second);
  }

  /** Notes that a request has begun at `second`; a busy connection keeps its time. */
  setBusy(slot: number, second: number): void {
    if (this.#list[slot] === IDLE) this.restartTime(slot, second);
  }

  /** Gives a busy connection its time anew: it has made progress. */
  restartTime(slot: number, second: number): void {
    this.#unlink(slot);
    this.#push(slot, BUSY, second);
  }

  /** A connection idle for longer than `idleSeconds`, or busy for longer than `busySeconds`; -1 = none. */
  overdue(second: number, idleSeconds: number, busySeconds: number): number {
    const idle = this.#oldest[IDLE], busy = this.#oldest[BUSY];
    if (idle !== NONE && second - this.#since[idle] >= idleSeconds) return idle;
    return busy !== NONE && second - this.#since[busy] >= busySeconds ? busy : NONE;
  }

  /** The connection to give up for a new one: the oldest idle, or else the oldest busy; -1 = none. */
  leastMissed(): number {
    return this.#oldest[IDLE] !== NONE ? this.#oldest[IDLE] : this.#oldest[BUSY];
  }

  #push(slot: number, list: number, second: number): void {
    const newest = this.#newest[list];
    this.#list[slot] = list;
    this.#since[slot] = second;
    this.#older[slot] = newest;
    this.#newer[slot] = NONE;
    if (newest === NONE) this.#oldest[list] = slot;
    else this.#newer[newest] = slot;
    this.#newest[list] = slot;
  }

  #unlink(slot: number): void {
    const list = this.#list[slot], older = this.#older[slot], newer = this.#newer[slot];
    if (older === NONE) this.#oldest[list] = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest[list] = older;
    else this.#older[newer] = older;
  }
}
