/** The keeper as a part of the supervisor's: what it is started with and what it may touch. */
import type { Settings } from "./config/schema.ts";
import type { FromPart } from "./messages.ts";
import { PartThread } from "./part_thread.ts";
import { keeperPermissions } from "./permissions.ts";
import { CONNECTION_ID_WORDS, type KeeperStart } from "./persist/keeper_start.ts";
import { releaseLocksOf } from "./swarm/arena.ts";
import { KEEPER_OWNER } from "./swarm/owners.ts";

/** Time the keeper has for its last pass: a large tracker on a slow disk. */
const STOP_MS = 120_000;
/** When a stop takes longer than this, the operator is told what it waits for. */
const SLOW_STOP_MS = 2000;

/** Shared memory for the key of connection ids, with a random key in it. */
export function createConnectionId(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(CONNECTION_ID_WORDS * 4);
  new Int32Array(memory).set(crypto.getRandomValues(new Int32Array(4)));
  return memory;
}

/** What the keeper shares with the others. */
export type KeeperMemory = Pick<
  KeeperStart,
  "arena" | "clock" | "counters" | "counterRow" | "connectionId" | "takesOver"
>;

/** The keeper's thread, or undefined when nothing is kept. `onFailure`: it failed and is started again. */
export function createKeeper(
  settings: Settings,
  memory: KeeperMemory,
  onFailure: () => void,
  hear: (message: FromPart) => void,
): PartThread | undefined {
  const path = settings["tracker.state"];
  if (path === null) return undefined;
  // Only the first loads: what a later one finds in the store is newer than the file.
  const loaded = { isDone: false };
  return new PartThread({
    name: "keeper",
    permissions: keeperPermissions(path),
    stopMs: STOP_MS,
    slowStop: { ms: SLOW_STOP_MS, line: "state: still saving, which takes longer than it should: please wait" },
    begin: (thread) => {
      const start: KeeperStart = {
        ...memory,
        path,
        peerAgeMinutesMax: settings["tracker.peer_timeout"],
        keepDays: settings["tracker.state_days"],
        passSeconds: settings["tracker.state_seconds"],
        repair: settings["tracker.state_repair"],
        load: !loaded.isDone,
        takesOver: memory.takesOver && !loaded.isDone,
      };
      thread.post({ type: "startKeeper", start });
    },
    hear,
    onStarted: () => loaded.isDone = true,
    onFailure: () => {
      const locks = releaseLocksOf(new Int32Array(memory.arena), KEEPER_OWNER);
      if (locks > 0) console.error(`keeper: died inside the store; ${locks} locks were released`);
      onFailure();
    },
  });
}
