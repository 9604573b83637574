/**
 * The keeper: loads the store from the state file before anyone answers, then copies what changed to it every few
 * seconds, in one transaction a pass. It looks at the store as any reader does, a slice under a shard's lock at a time:
 * no announce waits for it or for the disk. When the file cannot be written, the tracker serves on; the keeper says so,
 * counts it, tries again, and then writes everything, because what it took before is lost.
 */
import { Clock } from "../stats/clock.ts";
import { COUNTER, counterRow } from "../stats/counters.ts";
import { COMPLETED_MAX, KEEPS_CHANGES, TORRENT_MINUTES_MAX } from "../swarm/layout.ts";
import { KEEPER_OWNER } from "../swarm/owners.ts";
import { TorrentLoader } from "../swarm/torrent_loader.ts";
import { recordWords, TorrentReader } from "../swarm/torrent_reader.ts";
import { FaultLines } from "./fault_lines.ts";
import { endHandover, HANDOVER_TICK_MS, Leaver, Taker } from "./handover.ts";
import { History } from "./history.ts";
import type { KeeperOrder, KeeperStart, KeeperState } from "./keeper_start.ts";
import { KeptConnectionIds } from "./kept_connection_ids.ts";
import { Purge } from "./purge.ts";
import { repairState } from "./repair.ts";
import { RowBuilder, toKept } from "./row_builder.ts";
import { StateFault } from "./state_fault.ts";
import { StateFile } from "./state_file.ts";
import { restMs, Steps } from "./steps.ts";

/** Words read at a time. */
const READ_WORDS = 1 << 16;
/** Longest rest between tries to write. */
const RETRY_MS_MAX = 60_000;
/** Minutes by which the two clocks may move apart in a pass before all ages are written anew. */
const CLOCK_SLACK_MINUTES = 2;
/**
 * A swarm is written whole whenever one of its peers announces, and a large one always has someone who does. Those with
 * more peers than this (32 KiB and more) are written in every pass only as long as they are not too many …
 */
const OFTEN_PEERS_MAX = 4096;
/** … which is so many peers in a pass, 1 MiB and more; others once in LARGE_SECONDS, which a crash can lose of them. */
const LARGE_PEERS_MAX = 131_072;
/** Large swarms are spread over the passes of so many seconds. */
const LARGE_SECONDS = 60;
/** Whom a tracker that leaves has known for longer, its successor knows too: written once a minute, by another clock. */
const LATE_MINUTES = 2;
const MINUTE_MS = 60_000;

/** Says something to the operator. */
type Say = (line: string) => void;

/** The keeper of one tracker. */
export class Keeper {
  readonly #start: KeeperStart;
  readonly #file: StateFile;
  readonly #say: Say;
  readonly #tell: (state: KeeperState) => void;
  readonly #clock: Clock;
  readonly #faults: FaultLines;
  readonly #purge: Purge;
  readonly #changes: TorrentReader;
  readonly #all: TorrentReader;
  readonly #loader: TorrentLoader;
  readonly #connectionIds: KeptConnectionIds;
  readonly #builder = new RowBuilder();
  readonly #records = new Int32Array(READ_WORDS);
  readonly #steps = new Steps();
  #history: History | undefined;
  #isAllDue: boolean;
  #passes = 0;
  #minutesApart = 0;
  #faultMs = 0;
  #isWrittenBack = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #minuteTimer: ReturnType<typeof setTimeout> | undefined;
  // While a successor takes over from us, or we from another.
  #leaver: Leaver | undefined;
  #taker: Taker | undefined;
  #takeTimer: ReturnType<typeof setInterval> | undefined;
  /** Minute from which on peers may have announced to us alone. */
  #claimMinute = Infinity;
  #isServing: boolean;
  /** The file is a third tracker's. */
  #isOusted = false;

  private constructor(start: KeeperStart, file: StateFile, say: Say, tell: (state: KeeperState) => void) {
    this.#tell = tell;
    this.#isServing = !start.takesOver;
    this.#start = start;
    this.#file = file;
    this.#say = say;
    this.#clock = new Clock(start.clock);
    const counters = counterRow(start.counters, start.counterRow);
    this.#faults = new FaultLines(say, () => counters[COUNTER.stateFaults]!++);
    this.#changes = new TorrentReader(start.arena, KEEPER_OWNER, { peers: true, changesOnly: true });
    this.#all = new TorrentReader(start.arena, KEEPER_OWNER, {
      peers: true,
      changesOnly: false,
      takesChanges: true,
    });
    this.#loader = new TorrentLoader(start.arena, KEEPER_OWNER, start.peerAgeMinutesMax);
    this.#connectionIds = new KeptConnectionIds(file, start.connectionId);
    this.#purge = new Purge(file, start.peerAgeMinutesMax, start.keepDays);
    this.#minutesApart = this.#wallMinute - this.#minute;
    // A keeper that takes over from one that failed does not know what that one had taken and not written.
    this.#isAllDue = !start.load;
  }

  /** Opens the file and loads the store, if that has not been done. Throws a StateFault: then there is no keeper. */
  static start(start: KeeperStart, say: Say = console.log, tell: (state: KeeperState) => void = () => {}): Keeper {
    if (start.repair && start.load && !start.takesOver) repairState(start.path, say);
    const file = StateFile.open(start.path, { isShared: start.takesOver });
    try {
      const keeper = new Keeper(start, file, say, tell);
      if (!start.takesOver) file.sign(Deno.pid);
      if (start.load && !start.takesOver) endHandover(file);
      if (start.load) {
        keeper.#connectionIds.restore(keeper.#clock.second, start.takesOver);
        keeper.#load();
      }
      if (start.takesOver) keeper.#beginTaking();
      else if (start.load) keeper.#takeLeftover();
      new Int32Array(start.arena)[KEEPS_CHANGES] = 1;
      keeper.#schedule(start.passSeconds * 1000);
      keeper.#beginHistory();
      return keeper;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Writes the rest and closes the file. */
  stop(): void {
    for (const timer of [this.#timer, this.#minuteTimer, this.#takeTimer]) clearTimeout(timer);
    this.#history?.close(this.#clock.second);
    // Before we serve, the file is the other one's.
    const startMs = performance.now(), torrents = this.#isServing ? this.#pass(true) : -1;
    if (torrents >= 0) this.#say(`state: ${torrents} torrents saved in ${seconds(performance.now() - startMs)}`);
    else if (this.#isServing) this.#say("state: what has changed since it was last saved is lost");
    // A successor sees by the lock that we have left.
    this.#file.close();
  }

  /** Takes its part in a restart without a gap: see KeeperOrder. */
  obey(order: KeeperOrder): void {
    switch (order) {
      case "handOver":
        return this.#beginLeaving();
      case "keepOn":
        return this.#keepOn();
      case "claim":
        return this.#taker!.claim();
      case "serve":
        if (this.#isOusted) return;
        this.#isServing = true;
        this.#taker?.serve();
        this.#history?.begin(this.#wallMinute, this.#clock.second);
    }
  }

  /** One pass now. Returns the torrents written, -1 when the file could not be written. */
  pass(): number {
    return this.#pass();
  }

  /** Takes now what another tracker hands over. */
  take(): void {
    try {
      this.#taker?.look();
    } catch (error) {
      // It writes: there is another time.
      if (!(error instanceof StateFault)) throw error;
    }
  }

  get #minute(): number {
    return Math.floor(this.#clock.second / 60);
  }

  get #wallMinute(): number {
    return Math.floor(Date.now() / MINUTE_MS);
  }

  #beginLeaving(): void {
    if (this.#taker !== undefined) {
      this.#say("state: the process before this one has not left yet");
      return this.#tell("unable");
    }
    try {
      if (this.#pass(true) < 0) return this.#tell("unable");
      this.#leaver = new Leaver(this.#file, this.#minute);
    } catch (error) {
      if (!(error instanceof StateFault)) throw error;
      return this.#tell("unable");
    }
    this.#tell("handingOver");
    this.#schedule(HANDOVER_TICK_MS);
  }

  // The successor has ended. What it wrote is ours again, and what announced to it is there since its last pass.
  #keepOn(): void {
    const leaver = this.#leaver, file = this.#file;
    if (leaver === undefined) return;
    if (leaver.isServing) this.#history?.begin(this.#wallMinute, this.#clock.second);
    this.#leaver = undefined;
    try {
      file.transaction(() => {
        leaver.look();
        leaver.cancel();
      });
      if (!leaver.isClaimed) return;
      this.#loadSince(leaver.minute);
    } catch (error) {
      // What is left of it is cleared by the next one.
      if (!(error instanceof StateFault)) throw error;
    }
    this.#isAllDue = true;
  }

  #loadSince(minute: number): void {
    const wallMinute = this.#wallMinute;
    this.#loader.minute = this.#minute;
    this.#file.visitRows(
      wallMinute - (this.#minute - minute) - CLOCK_SLACK_MINUTES,
      (row) => this.#loader.load(toKept(row, wallMinute), true),
    );
  }

  #beginTaking(): void {
    this.#taker = new Taker({
      file: this.#file,
      follow: (row) => {
        const loader = this.#loader, sinceClaim = this.#minute - this.#claimMinute;
        const newMinutes = sinceClaim < 0 ? Infinity : sinceClaim + LATE_MINUTES;
        loader.minute = this.#minute;
        loader.follow(toKept(row, this.#wallMinute), Math.max(0, sinceClaim), newMinutes);
      },
      onClaim: (isWanted) => {
        this.#claimMinute = this.#minute;
        this.#tell(isWanted ? "claimed" : "unwanted");
      },
      onLeft: () => {
        clearInterval(this.#takeTimer);
        this.#taker = undefined;
        this.#say("state: the other process has left");
      },
      onOusted: () => {
        clearInterval(this.#takeTimer);
        this.#isServing = false;
        this.#isOusted = true;
        this.#tell("ousted");
      },
    });
    this.#takeTimer = setInterval(() => this.take(), HANDOVER_TICK_MS);
  }

  // What was on its way from one process to another when both were killed.
  #takeLeftover(): void {
    const { rows } = this.#file.handedOver(0);
    if (rows.length === 0) return;
    for (const row of rows) this.#loader.load(toKept(row, this.#wallMinute), true);
    if (this.#pass(true) >= 0) this.#file.clearHandover();
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Until we serve, the file is the other one's.
      if (!this.#isServing) return this.#schedule(HANDOVER_TICK_MS);
      const begunMs = performance.now(), isWritten = this.#pass() >= 0, passMs = this.#passMs;
      if (isWritten) this.#faultMs = 0;
      else this.#faultMs = Math.min(RETRY_MS_MAX, Math.max(passMs, this.#faultMs * 2));
      this.#schedule(isWritten ? restMs(passMs, performance.now() - begunMs) : this.#faultMs);
    }, ms);
  }

  get #passMs(): number {
    return this.#leaver === undefined ? this.#start.passSeconds * 1000 : HANDOVER_TICK_MS;
  }

  #beginHistory(): void {
    const { arena, counters, history: memory } = this.#start;
    if (memory === null) return;
    const history = this.#history = new History({ arena, counters, memory }, this.#wallMinute, this.#clock.second);
    const awaitMinute = () => {
      this.#minuteTimer = setTimeout(() => {
        if (this.#isServing) history.turn(this.#wallMinute, this.#clock.second);
        awaitMinute();
      }, MINUTE_MS - Date.now() % MINUTE_MS);
    };
    awaitMinute();
  }

  #load(): void {
    const { path, peerAgeMinutesMax } = this.#start, loader = this.#loader, startMs = performance.now();
    const wallMinute = this.#wallMinute, touchedMin = wallMinute - Math.max(peerAgeMinutesMax, TORRENT_MINUTES_MAX);
    loader.minute = this.#minute;
    // None of them has announced to us.
    if (this.#start.takesOver) loader.ageMinutesMin = 1;
    this.#file.visitRows(Math.max(0, touchedMin), (row) => {
      const kept = toKept(row, wallMinute);
      // Of a clock that was ahead: written as of now, or it would be as new at every start.
      const isAhead = row.touched > wallMinute;
      if (kept.completed > 0 || kept.ageMinutes < peerAgeMinutesMax) loader.load(kept, isAhead);
    });
    const { torrents, peers, expired, refused } = loader.counts, took = seconds(performance.now() - startMs);
    if (this.#file.isFresh) return this.#say(`state: ${path} is new: no torrents are known yet`);
    this.#say(`state: ${torrents} torrents and ${peers} peers loaded from ${path} in ${took}, ${expired} had expired`);
    if (refused > 0) {
      this.#say(`state: ${refused} torrents or peers were left out: tracker.memory is too small for them`);
    }
  }

  // `isWhole`: large swarms as well, whosever turn it is, and without rests, for somebody waits for it.
  #pass(isWhole = false): number {
    let torrents: number;
    try {
      this.#watchClocks();
      torrents = this.#file.transaction(() => this.#taker?.isOusted() ? -1 : this.#write(isWhole));
    } catch (error) {
      this.#isAllDue = true;
      this.#faults.note("nothing is saved, and it will be tried again", error);
      return -1;
    }
    if (this.#isOusted) return -1;
    this.#isAllDue = false;
    this.#passes++;
    this.#history?.noteSaved();
    this.#tidy();
    return torrents;
  }

  // What is saved stays so if this fails.
  #tidy(): void {
    try {
      // Who copies the file without its log has an old state at worst, never none.
      if (!this.#isWrittenBack) this.#file.writeBack();
      this.#isWrittenBack = true;
      this.#file.shrink();
      this.#faults.clear();
    } catch (error) {
      this.#faults.note("all is saved, but the file could not be put in order, and it will be tried again", error);
    }
  }

  // The wall clock was set, or the machine slept: what the file holds has the wrong age then.
  #watchClocks(): void {
    const apart = this.#wallMinute - this.#minute;
    if (Math.abs(apart - this.#minutesApart) < CLOCK_SLACK_MINUTES) return;
    this.#minutesApart = apart;
    this.#isAllDue = true;
  }

  #write(isWhole: boolean): number {
    const builder = this.#builder, steps = this.#steps, reader = this.#isAllDue ? this.#all : this.#changes;
    const leaver = this.#leaver, wasServing = leaver?.isServing;
    steps.begin(!isWhole);
    if (leaver === undefined) this.#connectionIds.saveTime(this.#clock.second);
    leaver?.look();
    if (leaver?.isServing && !wasServing) {
      this.#tell("takenOver");
      this.#history?.yieldTo(this.#clock.second);
    }
    this.#history?.save(this.#file.history, this.#say);
    const turns = Math.ceil(LARGE_SECONDS * 1000 / this.#passMs), turn = this.#passes % turns;
    let torrents = 0, largePeers = 0;
    for (let shard = 0; shard < TorrentReader.shards; shard++) {
      const isDue = isWhole || shard % turns === turn;
      for (reader.begin(shard); !reader.isDone;) {
        const often = leaver === undefined ? LARGE_PEERS_MAX - largePeers : 0;
        reader.peersMax = isDue ? Infinity : Math.max(OFTEN_PEERS_MAX, often);
        const records = this.#records, end = reader.read(records);
        // After the read: a pass takes seconds, and what is announced meanwhile may be of the next minute.
        builder.wallMinute = this.#wallMinute;
        builder.minute = this.#minute;
        steps.rest();
        for (let at = 0; at < end; at += recordWords(records, at)) {
          if (!builder.add(records, at)) continue;
          torrents++;
          if (!isDue && builder.peers > OFTEN_PEERS_MAX) largePeers += builder.peers;
          steps.rest();
          this.#save(builder);
          steps.rest();
        }
      }
    }
    if (leaver === undefined) this.#purge.step(this.#wallMinute);
    return torrents;
  }

  #save(row: RowBuilder): void {
    if (row.isNew) {
      // The store had forgotten it, the file may not have. If it has gone again since it was read, its count is here only.
      const completed = this.#file.completedOf(row.infoHash);
      const count = this.#loader.remember(row.infoHashWords, completed);
      row.completed = count < 0 ? Math.min(COMPLETED_MAX, row.completed + completed) : count;
    }
    if (this.#leaver === undefined) this.#file.save(row);
    else this.#leaver.save(row, row.minute - (row.wallMinute - row.touched));
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
