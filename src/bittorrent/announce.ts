/**
 * One announce and its reply, as registers: a door owns one of each and overwrites them for every packet, so that
 * nothing is allocated per request. Holds no rules. Source: BEP 3, BEP 7, BEP 15, BEP 21.
 *
 * Addresses and hashes are kept as the bytes the network sent, read as little-endian 32-bit words (every target of
 * Deno is little endian), because peers leave as the same bytes they came in: nothing is ever swapped.
 */

/** Events of BEP 3 and BEP 15, with their numbers in BEP 15; `paused` is BEP 21's. */
export const EVENT_NONE = 0;
/** The client has just finished the download. */
export const EVENT_COMPLETED = 1;
/** The client has just started. */
export const EVENT_STARTED = 2;
/** The client leaves the swarm. */
export const EVENT_STOPPED = 3;
/** A partial seed: has what it wants, not all (BEP 21). Kept as a leecher. */
export const EVENT_PAUSED = 4;

/** Address families as the BEPs name them. */
export type Family = 4 | 6;

/** A decoded announce. Registers: read it before the next decode overwrites it. */
export class AnnounceRequest {
  /** Info hash: 20 raw bytes as five words. */
  readonly infoHash: Int32Array = new Int32Array(5);
  /** The same 20 bytes. */
  readonly infoHashBytes: Uint8Array = new Uint8Array(this.infoHash.buffer);
  /** Peer id: 20 raw bytes as five words; zeros where none was sent. Kept by nobody: for plugins. */
  readonly peerId: Int32Array = new Int32Array(5);
  /** The same 20 bytes. */
  readonly peerIdBytes: Uint8Array = new Uint8Array(this.peerId.buffer);
  /** Client address: one word for IPv4, four for IPv6; the rest is zero. Network byte order in memory. */
  readonly address: Int32Array = new Int32Array(4);
  /** The same 4 or 16 bytes. */
  readonly addressBytes: Uint8Array = new Uint8Array(this.address.buffer);
  family: Family = 4;
  /**
   * Port as read little endian from network byte order: the number in the packet's bytes, not its value. 0: the client
   * takes no connections.
   */
  portWord = 0;
  /** left = 0. */
  seeder = false;
  event: number = EVENT_NONE;
  /** How many peers the client wants; -1 = it did not say. */
  numwant = -1;
  /** HTTP only: false asks for the dictionary form of BEP 3. */
  compact = true;
  /** BEP 41 options (UDP) or the query (HTTP) inside the door's input buffer: for plugins. */
  extraStart = 0;
  extraEnd = 0;
}

/** What the store found and picked. Registers, like the request. */
export class AnnounceReply {
  seeders = 0;
  leechers = 0;
  /** Completed downloads counted for this torrent. */
  completed = 0;
  /** Peers written: IPv4 ones of 6 bytes from `at4`, IPv6 ones of 18 bytes from `at6`. */
  peers4 = 0;
  peers6 = 0;
  /** Most peers to write, both families together. */
  peersMax = 0;
  /** True: both families (HTTP). False: the asker's own only (UDP). */
  bothFamilies = false;
  /** Where peers go, in units of two bytes inside `halves`. */
  at4 = 0;
  at6 = 0;
  /** True when the asker's event was the first transition to completed of a stored peer. */
  newlyCompleted = false;
  /** Whole minutes since the asker's previous announce; -1 = it was not in the swarm. */
  ageMinutes = -1;
  /** False when the budget refused to store the asker. */
  stored = true;

  /** `halves`: the door's output buffer. */
  constructor(public halves: Uint16Array) {}
}
