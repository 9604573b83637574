/** What the keeper is started with: plain data and shared memory, so that it can be sent to a worker. */

/** Words of the shared memory for connection ids: the key's four, and the seconds the ids' clock is ahead of ours. */
export const CONNECTION_ID_WORDS = 5;

/**
 * handOver: save everything, and from now on write changes for a successor as well. keepOn: the successor has ended, and
 * there will be none. claim: we are the successor, and would serve. serve: our fronts answer.
 */
export type KeeperOrder = "handOver" | "keepOn" | "claim" | "serve";

/**
 * handingOver: the file is whole, a successor may start. unable: it is not, and none may. takenOver: it serves. Of a
 * successor, claimed: our fronts may start. unwanted: they may not, the tracker before us goes on. ousted: they may not
 * serve any more, a third tracker has the file.
 */
export type KeeperState = "handingOver" | "unable" | "takenOver" | "claimed" | "unwanted" | "ousted";

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
  /** From the begin of a pass to the end of the next, and so most of what a crash loses. */
  readonly passSeconds: number;
  /** Salvage what can be read of a damaged file. */
  readonly repair: boolean;
  /** False: the store has been loaded by an earlier keeper of this run. */
  readonly load: boolean;
  /** Another tracker has the file still, and hands it over to this one. */
  readonly takesOver: boolean;
  /** CONNECTION_ID_WORDS words. A random key is in it; the keeper puts the file's there, or the random one in the file. */
  readonly connectionId: SharedArrayBuffer;
  /** Shared memory of the history (history.ts); null = none is kept. */
  readonly history: SharedArrayBuffer | null;
}
