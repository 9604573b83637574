/** What the keeper is started with: plain data and shared memory, so that it can be sent to a worker. */

/** Words of the shared memory for connection ids: the key's four, and the seconds the ids' clock is ahead of ours. */
export const CONNECTION_ID_WORDS = 5;

/** Everything the keeper needs. */
export interface KeeperStart {
  /** The state file. */
  readonly path: string;
  readonly arena: SharedArrayBuffer;
  readonly clock: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** The keeper's own row of counters. */
  readonly counterRow: number;
  readonly peerAgeMinutesMax: number;
  /** Days a count of completed downloads is kept without an announce. */
  readonly keepDays: number;
  /** Seconds between two passes. */
  readonly passSeconds: number;
  /** Salvage what can be read of a damaged file. */
  readonly repair: boolean;
  /** False: the store has been loaded by an earlier keeper of this run. */
  readonly load: boolean;
  /** CONNECTION_ID_WORDS words. A random key is in it; the keeper puts the file's there, or the random one in the file. */
  readonly connectionId: SharedArrayBuffer;
}
