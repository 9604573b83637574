/** The memory that the parts share: made once by the supervisor, of fixed length, and handed to every part. */
import type { Settings } from "./config/schema.ts";
import { defaultMemoryMebibytes } from "./machine.ts";
import { CONNECTION_ID_WORDS } from "./persist/keeper_start.ts";
import { createBuckets } from "./shield/buckets.ts";
import { createShedControl } from "./shield/shed_steps.ts";
import { createClock } from "./stats/clock.ts";
import { createCounters } from "./stats/counters.ts";
import { createNetworkCounts } from "./stats/network_counts.ts";
import { createArena } from "./swarm/arena.ts";

/** Shared memory, and which row of the counters is whose. */
export interface SharedMemory {
  readonly fronts: number;
  /** Size of the arena. */
  readonly mebibytes: number;
  /** Swarms: src/swarm. */
  readonly arena: SharedArrayBuffer;
  /** A row for each front, then the office's, the supervisor's, the keeper's. */
  readonly counters: SharedArrayBuffer;
  readonly networks: SharedArrayBuffer;
  /** How often addresses have asked: src/shield/buckets.ts; null = nobody counts. */
  readonly buckets: SharedArrayBuffer | null;
  /** What is left out while the tracker is behind: src/shield/shed_steps.ts; null = nothing. */
  readonly shedding: SharedArrayBuffer | null;
  readonly clock: SharedArrayBuffer;
  /** The key of connection ids: src/persist/keeper_start.ts. */
  readonly connectionId: SharedArrayBuffer;
  /** By front: its open connections, for its successor to close. */
  readonly descriptors: readonly SharedArrayBuffer[];
  readonly connectionsPerFront: number;
}

/** Row of the office's counters. */
export function officeRow({ fronts }: SharedMemory): number {
  return fronts;
}

/** Row of the supervisor's counters. */
export function supervisorRow({ fronts }: SharedMemory): number {
  return fronts + 1;
}

/** Row of the keeper's counters. */
export function keeperRow({ fronts }: SharedMemory): number {
  return fronts + 2;
}

/** Makes the memory of a tracker with `fronts` fronts of `connectionsPerFront` connections each. */
export function createSharedMemory(settings: Settings, fronts: number, connectionsPerFront: number): SharedMemory {
  const mebibytes = settings["tracker.memory"] || defaultMemoryMebibytes();
  return {
    fronts,
    mebibytes,
    arena: createArena(mebibytes, crypto.getRandomValues(new Int32Array(4))),
    counters: createCounters(fronts + 3),
    networks: createNetworkCounts(fronts),
    buckets: settings["tracker.shield"] ? createBuckets(crypto.getRandomValues(new Int32Array(2))) : null,
    shedding: settings["tracker.shedding"] ? createShedControl(settings["tracker.peer_timeout"]) : null,
    clock: createClock(),
    connectionId: createConnectionId(),
    descriptors: Array.from({ length: fronts }, () => new SharedArrayBuffer((connectionsPerFront + 1) * 4)),
    connectionsPerFront,
  };
}

// With a random key in it.
function createConnectionId(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(CONNECTION_ID_WORDS * 4);
  new Int32Array(memory).set(crypto.getRandomValues(new Int32Array(4)));
  return memory;
}
