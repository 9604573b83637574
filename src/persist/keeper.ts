/**
 * The keeper: loads the store from the state file before anyone answers, then copies what changed to it every few
 * seconds, in one transaction a pass. It looks at the store as any reader does, a slice under a shard's lock at a time:
 * no announce waits for it or for the disk. When the file cannot be written, the tracker serves on; the keeper says so,
 * counts it, tries again, and then writes everything, because what it took before is lost.
 */
import { Clock } from "../stats/clock.ts";
import { COUNTER, counterRow } from "../stats/counters.ts";
import { KEEPS_CHANGES, TORRENT_MINUTES_MAX } from "../swarm/layout.ts";
import { KEEPER_OWNER } from "../swarm/owners.ts";
import { TorrentLoader } from "../swarm/torrent_loader.ts";
import { recordWords, TorrentReader } from "../swarm/torrent_reader.ts";
import type { KeeperStart } from "./keeper_start.ts";
import { repairState } from "./repair.ts";
import { RowBuilder, toKept } from "./row_builder.ts";
import { StateFault } from "./state_fault.ts";
import { StateFile } from "./state_file.ts";

/** Words read at a time. */
const READ_WORDS = 1 << 16;
/** First bytes of info hashes looked at for the dead in one pass: all in 64 passes. */
const PURGE_BYTES = 4;
/** How much longer than its peers live a torrent stays in the file: the sweep takes its time. */
const PURGE_MINUTES = 5;
/** Longest rest between tries to write. */
const RETRY_MS_MAX = 60_000;
/** Minutes by which the two clocks may move apart in a pass before all ages are written anew. */
const CLOCK_SLACK_MINUTES = 2;
/** Ids of the new run are never older than the last of the old one by its own clock. */
const ID_MARGIN_SECONDS = 8;
const MINUTE_MS = 60_000;

/** Says something to the operator. */
type Say = (line: string) => void;

/** The keeper of one tracker. */
export class Keeper {
  readonly #start: KeeperStart;
  readonly #file: StateFile;
  readonly #say: Say;
  readonly #clock: Clock;
  readonly #counters: Float64Array;
  readonly #changes: TorrentReader;
  readonly #all: TorrentReader;
  readonly #loader: TorrentLoader;
  readonly #builder = new RowBuilder();
  readonly #records = new Int32Array(READ_WORDS);
  #isAllDue: boolean;
  #minutesApart = 0;
  #purgeFrom = 0;
  #faultMs = 0;
  #lastFault = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(start: KeeperStart, file: StateFile, say: Say) {
    this.#start = start;
    this.#file = file;
    this.#say = say;
    this.#clock = new Clock(start.clock);
    this.#counters = counterRow(start.counters, start.counterRow);
    this.#changes = new TorrentReader(start.arena, KEEPER_OWNER, { peers: true, changesOnly: true });
    this.#all = new TorrentReader(start.arena, KEEPER_OWNER, {
      peers: true,
      changesOnly: false,
      takesChanges: true,
    });
    this.#loader = new TorrentLoader(start.arena, KEEPER_OWNER, start.peerAgeMinutesMax);
    this.#minutesApart = this.#wallMinute - this.#minute;
    // A keeper that takes over from one that failed does not know what that one had taken and not written.
    this.#isAllDue = !start.load;
  }

  /** Opens the file and loads the store, if that has not been done. Throws a StateFault: then there is no keeper. */
  static start(start: KeeperStart, say: Say = console.log): Keeper {
    if (start.repair && start.load) repairState(start.path, say);
    const file = StateFile.open(start.path);
    try {
      const keeper = new Keeper(start, file, say);
      if (start.load) {
        keeper.#restoreConnectionIds();
        keeper.#load();
      }
      new Int32Array(start.arena)[KEEPS_CHANGES] = 1;
      keeper.#schedule(start.passSeconds * 1000);
      return keeper;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Writes the rest and closes the file. */
  stop(): void {
    clearTimeout(this.#timer);
    const startMs = performance.now(), torrents = this.#pass();
    if (torrents >= 0) this.#say(`state: ${torrents} torrents saved in ${seconds(performance.now() - startMs)}`);
    this.#file.close();
  }

  /** One pass now. Returns the torrents written, -1 when the file could not be written. */
  pass(): number {
    return this.#pass();
  }

  get #minute(): number {
    return Math.floor(this.#clock.second / 60);
  }

  get #wallMinute(): number {
    return Math.floor(Date.now() / MINUTE_MS);
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      const isWritten = this.#pass() >= 0, passMs = this.#start.passSeconds * 1000;
      if (isWritten) this.#faultMs = 0;
      else this.#faultMs = Math.min(RETRY_MS_MAX, Math.max(passMs, this.#faultMs * 2));
      this.#schedule(isWritten ? passMs : this.#faultMs);
    }, ms);
  }

  #load(): void {
    const { path, peerAgeMinutesMax } = this.#start, loader = this.#loader, startMs = performance.now();
    const wallMinute = this.#wallMinute, touchedMin = wallMinute - Math.max(peerAgeMinutesMax, TORRENT_MINUTES_MAX);
    loader.minute = this.#minute;
    this.#file.visitRows(Math.max(0, touchedMin), (row) => {
      const kept = toKept(row, wallMinute);
      if (kept.completed > 0 || kept.ageMinutes < peerAgeMinutesMax) loader.load(kept, false);
    });
    const { torrents, peers, expired, refused } = loader.counts, took = seconds(performance.now() - startMs);
    if (this.#file.isFresh) return this.#say(`state: ${path} is new: no torrents are known yet`);
    this.#say(`state: ${torrents} torrents and ${peers} peers loaded from ${path} in ${took}, ${expired} had expired`);
    if (refused > 0) {
      this.#say(`state: ${refused} torrents or peers were left out: tracker.memory is too small for them`);
    }
  }

  // Connection ids stay good over a restart: the same key, and a clock that goes on where the last run's stood.
  #restoreConnectionIds(): void {
    const shared = new Int32Array(this.#start.connectionId), file = this.#file;
    const key = file.meta("connection_id_key"), time = file.meta("connection_id_time");
    if (key instanceof Uint8Array && key.length === 16) shared.set(new Int32Array(key.slice().buffer));
    else file.setMeta("connection_id_key", new Uint8Array(shared.slice(0, 4).buffer));
    if (typeof time !== "string") return;
    const [second, wallMs] = JSON.parse(time) as [number, number];
    shared[4] = Math.floor(second + Math.max(0, Date.now() - wallMs) / 1000) + ID_MARGIN_SECONDS - this.#clock.second;
  }

  #pass(): number {
    try {
      this.#watchClocks();
      const torrents = this.#file.transaction(() => this.#write());
      this.#isAllDue = false;
      this.#file.shrink();
      if (this.#lastFault !== "") this.#say("state: the file can be written again, and is complete");
      this.#lastFault = "";
      return torrents;
    } catch (error) {
      if (!(error instanceof StateFault)) throw error;
      this.#isAllDue = true;
      this.#counters[COUNTER.stateFaults]!++;
      if (error.message !== this.#lastFault) {
        this.#say(`state: nothing is saved, and it will be tried again: ${error.message}`);
      }
      this.#lastFault = error.message;
      return -1;
    }
  }

  // The wall clock was set, or the machine slept: what the file holds has the wrong age then.
  #watchClocks(): void {
    const apart = this.#wallMinute - this.#minute;
    if (Math.abs(apart - this.#minutesApart) < CLOCK_SLACK_MINUTES) return;
    this.#minutesApart = apart;
    this.#isAllDue = true;
  }

  #write(): number {
    const builder = this.#builder, reader = this.#isAllDue ? this.#all : this.#changes;
    builder.wallMinute = this.#wallMinute;
    builder.minute = this.#minute;
    let torrents = 0;
    for (let shard = 0; shard < TorrentReader.shards; shard++) {
      for (reader.begin(shard); !reader.isDone;) {
        const records = this.#records, end = reader.read(records);
        for (let at = 0; at < end; at += recordWords(records, at)) {
          if (!builder.add(records, at)) continue;
          torrents++;
          this.#save(builder);
        }
      }
    }
    this.#writeRest();
    return torrents;
  }

  #save(row: RowBuilder): void {
    if (row.isNew) {
      // The store had forgotten it, the file may not have.
      const completed = this.#file.completedOf(row.infoHash);
      if (completed > 0) row.completed = this.#loader.addCompleted(row.infoHashWords, completed);
    }
    this.#file.save(row);
  }

  #writeRest(): void {
    const { peerAgeMinutesMax, keepDays, connectionId } = this.#start, wallMinute = this.#wallMinute;
    const idSecond = this.#clock.second + new Int32Array(connectionId)[4]!;
    this.#file.setMeta("connection_id_time", JSON.stringify([idSecond, Date.now()]));
    const from = this.#purgeFrom, end = from + PURGE_BYTES;
    this.#purgeFrom = end & 0xff;
    this.#file.purge(from, end, wallMinute - peerAgeMinutesMax - PURGE_MINUTES, wallMinute - keepDays * 1440);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
