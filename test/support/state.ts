/** A store with a keeper and a state file in a folder of its own, driven by hand; and trackers that run with one. */
import { DatabaseSync } from "node:sqlite";
import { EVENT_COMPLETED } from "../../src/bittorrent/announce.ts";
import type { KeeperStart, KeeperState } from "../../src/persist/keeper_start.ts";
import { CONNECTION_ID_WORDS } from "../../src/persist/keeper_start.ts";
import { Keeper } from "../../src/persist/keeper.ts";
import { Clock, createClock } from "../../src/stats/clock.ts";
import { createCounters } from "../../src/stats/counters.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { seededRandom } from "./random.ts";
import { asOrdinaryUser } from "./root.ts";
import { setAsker, StoreDriver } from "./store.ts";
import { type RunningTracker, startTracker } from "./tracker_process.ts";

/** Seconds between passes that no test waits for: passes are made by hand. */
const NEVER_SECONDS = 3600;

/** What a run is started with, where it differs. */
export type RunWish = Partial<Omit<KeeperStart, "path">> & { readonly mebibytes?: number };

/** One run of a tracker over a state file: its store and its keeper. */
export class StateRun {
  readonly start: KeeperStart;
  readonly store: SwarmStore;
  readonly keeper: Keeper;
  readonly driver = new StoreDriver();
  /** What the keeper said. */
  readonly lines: string[] = [];

  /** `tell`: what the keeper has to say of a restart without a gap. */
  constructor(path: string, wish: RunWish = {}, tell: (state: KeeperState) => void = () => {}) {
    const arena = createArena(wish.mebibytes ?? 64, crypto.getRandomValues(new Int32Array(4)));
    this.start = {
      path,
      arena,
      clock: createClock(),
      counters: createCounters(1),
      counterRow: 0,
      peerAgeMinutesMax: 45,
      keepDays: 90,
      passSeconds: NEVER_SECONDS,
      repair: false,
      takesOver: false,
      load: true,
      connectionId: new SharedArrayBuffer(CONNECTION_ID_WORDS * 4),
      history: null,
      ...wish,
    };
    this.store = new SwarmStore(this.start.arena, 1, 7, this.start.peerAgeMinutesMax);
    this.keeper = Keeper.start(this.start, (line) => this.lines.push(line), tell);
  }

  /** Moves the tracker's clock, and the store's with it. */
  set minute(minute: number) {
    new Clock(this.start.clock).second = minute * 60;
    this.store.minute = minute;
  }

  /** One announce. `address`: 4 or 16 bytes. Returns the peer's name. */
  announce(infoHash: Uint8Array, address: Uint8Array, port: number, seeder: boolean, event: number): string {
    const { request, reply } = this.driver;
    request.infoHashBytes.set(infoHash);
    const asker = setAsker(request, address, port);
    request.seeder = seeder;
    request.event = event;
    this.store.announce(request, reply);
    return asker;
  }
}

/** The compiled tracker that EXECUTABLE names, to test state with; undefined: the source is tested. */
export const EXECUTABLE: string | undefined = Deno.env.has("EXECUTABLE")
  ? Deno.realPathSync(Deno.env.get("EXECUTABLE")!)
  : undefined;

/**
 * Starts a tracker, compiled or from source, with the config file at `config`. It runs in that file's folder, where no
 * plugins lie: the runtime of an executable may be too old for ours.
 */
export function startKeptTracker(config: string, ...args: string[]): Promise<RunningTracker> {
  const folder = config.replace(/\/[^/]*$/, "");
  const command = EXECUTABLE === undefined ? [] : [asOrdinaryUser([EXECUTABLE], folder)];
  return startTracker([...args, "-f", config], folder, ...command);
}

/** Runs `test` with the path of a state file in a new folder, and removes the folder. */
export function withStatePath(test: (path: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = Deno.makeTempDirSync({ prefix: "waggle_state_" });
    try {
      await test(`${folder}/tracker.sqlite`);
    } finally {
      Deno.chmodSync(folder, 0o700);
      Deno.removeSync(folder, { recursive: true });
    }
  };
}

/** Runs SQL on the database at `path`. */
export function withDatabase(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

/** A file with `torrents` torrents of now, written by a keeper. */
export function fillState(path: string, torrents: number): void {
  const run = new StateRun(path), random = seededRandom("state file");
  for (let i = 0; i < torrents; i++) run.announce(random.bytes(20), random.bytes(4), 6881, true, EVENT_COMPLETED);
  run.keeper.stop();
}

/** Overwrites pages of the file between two shares of its length. */
export function damageFile(path: string, from: number, to: number): void {
  const bytes = Deno.readFileSync(path), page = (share: number) => Math.floor(bytes.length * share / 4096) * 4096;
  bytes.fill(0xa5, page(from), page(to));
  Deno.writeFileSync(path, bytes);
}

/** Names and modes of what lies in the file's folder. */
export function listFolder(path: string): string[] {
  const folder = path.replace(/\/[^/]*$/, "");
  try {
    const mode = (name: string) => ((Deno.statSync(`${folder}/${name}`).mode ?? 0) & 0o777).toString(8);
    return [...Deno.readDirSync(folder)].map(({ name }) => `${name} ${mode(name)}`).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
