/** The keeper as a part of the supervisor's: what it is started with and what it may touch. */
import type { Settings } from "./config/schema.ts";
import type { FromPart } from "./messages.ts";
import { PartThread } from "./part_thread.ts";
import { keeperPermissions } from "./permissions.ts";
import { createHistoryMemory } from "./persist/history.ts";
import type { KeeperStart } from "./persist/keeper_start.ts";
import { keptPaths } from "./persist/state_paths.ts";
import { keeperRow, type SharedMemory } from "./shared_memory.ts";
import { releaseLocksOf } from "./swarm/arena.ts";
import { KEEPER_OWNER } from "./swarm/owners.ts";

/** Time the keeper has for its last pass: a large tracker on a slow disk. */
const STOP_MS = 120_000;
/** When a stop takes longer than this, the operator is told what it waits for. */
const SLOW_STOP_MS = 2000;

/**
 * The keeper's thread, or undefined when nothing is kept. `takesOver`: from a process before this one. `onFailure`: it
 * failed and is started again.
 */
export function createKeeper(
  settings: Settings,
  memory: SharedMemory,
  takesOver: boolean,
  onFailure: () => void,
  hear: (message: FromPart) => void,
): PartThread | undefined {
  const path = settings["tracker.state"];
  if (path === null) return undefined;
  // Only the first loads: what a later one finds in the store is newer than the file.
  const loaded = { isDone: false };
  const history = settings["tracker.history"] ? createHistoryMemory() : null;
  return new PartThread({
    name: "keeper",
    permissions: keeperPermissions(keptPaths(path)),
    // Nobody is served before it has loaded.
    givesWay: "last",
    stopMs: STOP_MS,
    slowStop: { ms: SLOW_STOP_MS, line: "state: still saving, which takes longer than it should: please wait" },
    begin: (thread) => {
      const start: KeeperStart = {
        arena: memory.arena,
        clock: memory.clock,
        counters: memory.counters,
        counterRow: keeperRow(memory),
        connectionId: memory.connectionId,
        path,
        peerAgeMinutesMax: settings["tracker.peer_timeout"],
        keepDays: settings["tracker.state_days"],
        passSeconds: settings["tracker.state_seconds"],
        repair: settings["tracker.state_repair"],
        load: !loaded.isDone,
        takesOver: takesOver && !loaded.isDone,
        history,
      };
      thread.post({ type: "startKeeper", start });
    },
    hear,
    onStarted: () => loaded.isDone = true,
    onFailure,
    onGone: () => {
      const locks = releaseLocksOf(new Int32Array(memory.arena), KEEPER_OWNER);
      if (locks > 0) console.error(`keeper: died inside the store; ${locks} locks were released`);
    },
  });
}
