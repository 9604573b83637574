/**
 * What one front announced, for those who want to know a little later: a ring in shared memory that the front writes and
 * any number of readers read, each at its own pace. The front never waits and never looks at its readers; one that is
 * too slow finds its place overwritten and knows how many it has lost.
 *
 *   word 0    entries written so far, modulo 2^32
 *   word 16…  entries of 16 words: info hash (5), address (4), peer id (5), meta, second
 *   meta      bits 0-15 port as in the packet, 16-18 event, 19 seeder, 20 IPv6, 21 UDP
 */
import type { AnnounceRequest } from "../bittorrent/announce.ts";

/** Entries of a ring: a third of a second of one busy front. 1 MiB. */
export const TELL_ENTRIES = 16384;
/** Entries that may be overwritten while they are read: what is this near to the writer is taken as lost. */
const MARGIN = 256;
const ENTRY_WORDS = 16, HEAD_WORDS = 16;
const META = 14, SECOND = 15;
const EVENT_SHIFT = 16, SEEDER_BIT = 1 << 19, IPV6_BIT = 1 << 20, UDP_BIT = 1 << 21;

/** Shared memory of one ring. */
export function createTellRing(): SharedArrayBuffer {
  return new SharedArrayBuffer((HEAD_WORDS + TELL_ENTRIES * ENTRY_WORDS) * 4);
}

/** The front's end. */
export class TellWriter {
  readonly #words: Int32Array;
  #written: number;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#written = this.#words[0];
  }

  /** Writes down an announce. About 20 ns. */
  tell(request: AnnounceRequest, isUdp: boolean, second: number): void {
    const words = this.#words, { infoHash, address, peerId } = request;
    const at = HEAD_WORDS + (this.#written & (TELL_ENTRIES - 1)) * ENTRY_WORDS;
    for (let i = 0; i < 5; i++) words[at + i] = infoHash[i];
    for (let i = 0; i < 4; i++) words[at + 5 + i] = address[i];
    for (let i = 0; i < 5; i++) words[at + 9 + i] = peerId[i];
    words[at + META] = request.portWord | request.event << EVENT_SHIFT | (request.seeder ? SEEDER_BIT : 0) |
      (request.family === 6 ? IPV6_BIT : 0) | (isUdp ? UDP_BIT : 0);
    words[at + SECOND] = second;
    this.#written = (this.#written + 1) | 0;
    Atomics.store(words, 0, this.#written);
  }
}

/** One announce as it was told; a copy. */
export interface Told {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** EVENT_NONE and its kin. */
  readonly event: number;
  readonly seeder: boolean;
  readonly isUdp: boolean;
  readonly second: number;
}

/** A reader's place in a ring: from now on. */
export class TellReader {
  /** Entries overwritten before they were read. */
  lost = 0;
  readonly #words: Int32Array;
  #read: number;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#read = Atomics.load(this.#words, 0);
  }

  /** Appends what has been told since, at most `max` entries. */
  drain(into: Told[], max: number): void {
    const words = this.#words, written = Atomics.load(words, 0);
    this.#skipLost(written);
    const count = Math.min(max, (written - this.#read) | 0), from = this.#read;
    const start = into.length;
    for (let i = 0; i < count; i++) into.push(readEntry(words, (from + i) | 0));
    this.#read = (from + count) | 0;
    // What the writer came near to while it was copied may be half of one and half of another.
    const near = ((Atomics.load(words, 0) - from) | 0) - (TELL_ENTRIES - MARGIN);
    if (near <= 0) return;
    const torn = Math.min(near, count);
    into.splice(start, torn);
    this.lost += torn;
  }

  #skipLost(written: number): void {
    const over = ((written - this.#read) | 0) - (TELL_ENTRIES - MARGIN);
    if (over <= 0) return;
    this.lost += over;
    this.#read = (this.#read + over) | 0;
  }
}

function readEntry(words: Int32Array, entry: number): Told {
  const at = HEAD_WORDS + (entry & (TELL_ENTRIES - 1)) * ENTRY_WORDS;
  const bytes = new Uint8Array(new Int32Array(words.subarray(at, at + META)).buffer), meta = words[at + META];
  return {
    infoHash: bytes.subarray(0, 20),
    address: bytes.subarray(20, (meta & IPV6_BIT) === 0 ? 24 : 36),
    peerId: bytes.subarray(36, 56),
    port: (meta & 0xff) << 8 | (meta >> 8) & 0xff,
    event: (meta >> EVENT_SHIFT) & 7,
    seeder: (meta & SEEDER_BIT) !== 0,
    isUdp: (meta & UDP_BIT) !== 0,
    second: words[at + SECOND],
  };
}
