/**
 * The supervisor: makes the shared memory, binds what must outlive a part, starts the parts, starts them again when
 * they fail, and stops them in reverse. It reads no byte from the network and loads no plugin.
 */
import type { Config } from "./config/config.ts";
import type { Settings } from "./config/schema.ts";
import { DeniedNetworks } from "./denied_networks.ts";
import { describeSocket, type FrontSocket, hostPort } from "./front/front_start.ts";
import { Successor, takeInheritedSockets } from "./front/linux/successor.ts";
import { FRONT_SILENT_MS_MAX, FrontParts } from "./front_parts.ts";
import { createKeeper } from "./keeper_part.ts";
import {
  chooseFrontKind,
  closeSockets,
  connectionsPerFront,
  countFronts,
  openSockets,
  shareSockets,
  wantedSockets,
} from "./listeners.ts";
import type { FromPart, FrontKind } from "./messages.ts";
import { createOffice } from "./office_part.ts";
import type { PartEnd, PartThread } from "./part_thread.ts";
import { restoreStateDump } from "./persist/statedump_loader.ts";
import { HOST_LIMITS } from "./plugin_choice.ts";
import { watchOverload } from "./overload_watch.ts";
import { FRONT_SLOTS } from "./plugin/plugin_set.ts";
import { PluginParts } from "./plugin_parts.ts";
import { leaveRoot } from "./privileges/leave_root.ts";
import { enterAndPlan, type LeavePlan } from "./privileges/plan.ts";
import { SdNotify } from "./sd_notify.ts";
import { createSharedMemory, type SharedMemory, supervisorRow } from "./shared_memory.ts";
import { untilFailed, untilSignalled } from "./signals.ts";
import { Clock, CLOCK_TICK_MS, ClockHand } from "./stats/clock.ts";
import { COUNTER, counterRow } from "./stats/counters.ts";
import { Accession, refuseSuccession, Succession, type SuccessionFacts } from "./succession.ts";
import { VERSION_LINE } from "./version.ts";

/** Exit codes of a tracker that cannot run, as opentracker's, and for a mistake in the config. */
const EXIT_CANNOT_RUN = 111, EXIT_MISTAKE = 1;
/** Exit code after a fault of the supervisor's own: EX_SOFTWARE of sysexits.h. */
const EXIT_FAULT = 70;
/** Time an office that is replaced has for the pages it has begun: a full scrape, to whoever reads it as it comes. */
const PAGES_FINISH_MS_MAX = 5000;

/** Runs the tracker until it is told to stop. Returns the exit code. */
export async function serve(config: Config): Promise<number> {
  const refuse = (sentence: string, code = EXIT_CANNOT_RUN) => {
    console.error(sentence);
    return code;
  };
  const plan = enterAndPlan(config);
  if ("sentence" in plan) return refuse(plan.sentence);
  for (const line of plan.lines) console.error(line);
  const app = new App(plan.config), systemd = SdNotify.open();
  const reload = () => systemd === undefined ? app.reload() : systemd.reloading(app.reload());
  const handOver = () => app.handOver(plan.kind === "leave", (pid) => systemd?.handedOver(pid));
  const stopped = untilSignalled(reload, handOver);
  // Only root may bind low ports, and only a user that may do nothing else loads what others have written.
  const refusal = (plan.kind === "leave" ? app.bind() ?? leave(plan) : null) ??
    // A start takes as long as lists, plugins and state need, and who stops the tracker does not wait for that.
    await Promise.race([app.start(), stopped.then(() => null)]);
  if (refusal !== null) {
    const code = refuse(refusal, app.isMistaken ? EXIT_MISTAKE : EXIT_CANNOT_RUN);
    await app.stop();
    return code;
  }
  const where = app.sockets.map(describeSocket).join(", ");
  if (app.isServing) systemd?.ready(`serving on ${where}`, () => app.silentMs <= FRONT_SILENT_MS_MAX);
  else console.log("told to stop before it serves");
  const code = await Promise.race([
    stopped.then(() => 0),
    untilFailed().then(sayFault),
    app.ousted.then((why) => refuse(why)),
  ]);
  systemd?.stopping();
  await app.stop();
  systemd?.close();
  return code;
}

/** The tracker as a list of parts. Exported so that tests can hold it. */
export class App {
  readonly #settings: Settings;
  readonly #wanted: readonly FrontSocket[];
  readonly #kind: FrontKind;
  readonly #memory: SharedMemory;
  /** The supervisor's own counters. */
  readonly #counts: Float64Array;
  readonly #trackerId = crypto.getRandomValues(new Int32Array(1))[0]! >>> 1;
  readonly #plugins: PluginParts;
  readonly #denied: DeniedNetworks;
  readonly #fronts: FrontParts;
  /** What the next reload waits for: the start, and the reload before it. */
  #reload: Promise<void> = Promise.resolve();
  /** Asked for and not yet begun. */
  #nextReload: Promise<void> | undefined;
  #office: PartThread | undefined;
  #keeper: PartThread | undefined;
  /** Of the process before this one, and of all fronts of this one: Linux only. */
  readonly #inherited = takeInheritedSockets();
  #bound: readonly FrontSocket[] = [];
  #perFront: readonly (readonly FrontSocket[])[] | undefined;
  #succession: Succession | undefined;
  /** The last succession has come to its end. */
  #handedOver: Promise<void> | undefined;
  /** What we are to the process before this one. */
  readonly #accession = new Accession();
  #stage: SuccessionFacts["stage"] = "starting";
  /** Settled by stop(), which a start does not outlive. */
  readonly #stopping = Promise.withResolvers<null>();
  #clockTimer: ReturnType<typeof setInterval> | undefined;
  #unwatchOverload: (() => void) | undefined;

  /** `limits`: how long threads that run plugins are waited for. */
  constructor(config: Config, limits = HOST_LIMITS) {
    const settings = this.#settings = config.settings;
    this.#wanted = wantedSockets(config);
    this.#kind = chooseFrontKind(settings["tracker.front"]);
    const fronts = countFronts(config);
    this.#memory = createSharedMemory(settings, fronts, connectionsPerFront(this.#kind, settings, fronts));
    this.#counts = counterRow(this.#memory.counters, supervisorRow(this.#memory));
    const onFailure = () => this.#counts[COUNTER.restarts]!++;
    this.#plugins = new PluginParts(config, this.#memory.fronts, {
      onLists: () => this.#fronts.sendLists(),
      untilRulesTaken: () => this.#fronts.untilRulesTaken(),
      onFailure,
    }, limits);
    this.#denied = new DeniedNetworks(settings["access.deny_networks"]);
    this.#fronts = new FrontParts({
      kind: this.#kind,
      settings,
      memory: this.#memory,
      rulesFor: (index) => ({ ...this.#plugins.rulesFor(index), denied: this.#denied.memory }),
      linkOffice: (index, handOver) => link(this.#office!, index, handOver),
      onRulesTaken: () => this.#plugins.noteRulesTaken(),
      onRefused: (name, why) => this.#plugins.noteRefusal(name, why),
      hear: (message) => this.#succession?.hear(message),
      watch: {
        silentMsMax: limits.silentMsMax,
        needsCell: () => this.#plugins.needsCell(FRONT_SLOTS),
        hasPages: false,
      },
      onFailure: (name, end) => this.#notePartEnd(name, end),
    });
  }

  /**
   * Binds the listeners, for a tracker that gives up the right to before its parts start; otherwise start() does. They
   * take nothing before all is loaded. Returns null, or the sentence that says why it cannot.
   */
  bind(): string | null {
    const perFront = shareSockets(this.#kind, this.#wanted, this.#memory.fronts, this.#inherited);
    if (typeof perFront === "string") return perFront;
    this.#perFront = perFront;
    if (this.#kind === "linux") this.#bound = perFront.flat();
    return null;
  }

  /**
   * Starts all parts and says so. Returns null, or the sentence that says why it cannot; also null, soon, when it is
   * stopped meanwhile: then the tracker does not serve.
   */
  start(): Promise<string | null> {
    const started = this.#start();
    this.#reload = started.then(() => {});
    return started;
  }

  async #start(): Promise<string | null> {
    this.#startClock();
    const steps = [
      // Access lists are loaded before anybody is answered.
      () => this.#denied.load(),
      () => this.#plugins.start(),
      () => this.#startOffice(),
      // The store is filled before, too.
      () => this.#startKeeper(),
      () => this.#loadStateDump(),
      () => (this.#perFront === undefined ? this.bind() : null) ?? openSockets(this.#bound),
      () => this.#inherited.length > 0 ? this.#accession.claim(this.#keeper) : null,
      () => this.#fronts.start(this.#perFront!),
    ];
    for (const step of steps) {
      const refusal = await Promise.race([step(), this.#stopping.promise]);
      if (refusal !== null || this.#stage === "leaving") return refusal;
    }
    if (this.#inherited.length > 0) this.#accession.serve(this.#keeper);
    this.#unwatchOverload = this.#watchOverload();
    this.#stage = "serving";
    this.#announce();
    return null;
  }

  /**
   * SIGHUP: lists and plugins anew, when the tracker serves. One at a time, and while one runs however many are asked for
   * are one more; what is broken leaves the old in its place.
   */
  reload(): Promise<void> {
    return this.#nextReload ??= this.#reload = this.#reload.then(async () => {
      this.#nextReload = undefined;
      if (this.#stage !== "serving") return;
      if (await this.#denied.reload()) this.#fronts.sendLists();
      await this.#plugins.reload(() => this.#changePlugins());
    });
  }

  /**
   * Starts the program anew beside this one, without a gap. True: it has taken over, and this one is to stop.
   * `hasLeftRoot`: program and config are out of reach, and another could not be confined. `onTaken`: told its process
   * when it alone serves.
   */
  async handOver(hasLeftRoot = false, onTaken: (pid: number) => void = () => {}): Promise<boolean> {
    const keeper = this.#keeper, kind = this.#kind, stage = this.#stage;
    const isUnderWay = this.#succession !== undefined, isKept = keeper !== undefined;
    const refusal = refuseSuccession({ pid: Deno.pid, hasLeftRoot, isKept, kind, stage, isUnderWay });
    if (refusal !== null || keeper === undefined) {
      console.error(`reload-binary: not done, and this tracker goes on: ${refusal}`);
      return false;
    }
    const drainSeconds = this.#settings["http.idle_seconds"] + this.#settings["http.request_seconds"];
    const fronts = this.#fronts.threads, start = () => new Successor(this.#bound);
    const succession = this.#succession = new Succession({ keeper, fronts, start, drainSeconds, onTaken });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#handedOver = promise;
    const takeBackFifos = await this.#plugins.leaveFifos();
    let isTaken = false;
    try {
      isTaken = await succession.run();
      if (isTaken) this.#stage = "leaving";
      return isTaken;
    } finally {
      this.#succession = undefined;
      if (!isTaken && this.#stage === "serving") takeBackFifos();
      resolve();
    }
  }

  /** Stops all parts, the last started first; also those that have not come to the end of their start. */
  async stop(): Promise<void> {
    this.#stage = "leaving";
    this.#stopping.resolve(null);
    this.#succession?.giveUp("this one stops");
    // A successor that does not serve has ended before this one does.
    await this.#handedOver;
    await this.#fronts.stop();
    await this.#office?.stop();
    await this.#plugins.stop();
    // When nothing changes any more: the rest is saved.
    await this.#keeper?.stop();
    clearInterval(this.#clockTimer);
    this.#unwatchOverload?.();
    // A successor has descriptors of its own.
    closeSockets(this.#bound);
    this.#bound = [];
  }

  /** The running parts by name, for asking what they can reach. */
  get parts(): ReadonlyMap<string, PartThread> {
    const fronts = this.#fronts.threads.map((thread, index) => [`front ${index}`, thread] as const);
    const keeper = this.#keeper === undefined ? [] : [["keeper", this.#keeper] as const];
    return new Map([...fronts, ["office", this.#office!] as const, ...keeper, ...this.#plugins.parts]);
  }

  /** What the tracker listens on, with the ports the kernel chose. */
  get sockets(): readonly FrontSocket[] {
    return this.#fronts.sockets;
  }

  /** What start() refused is a mistake in a line of the config, which nothing but an edit mends. */
  get isMistaken(): boolean {
    return this.#plugins.isMistaken;
  }

  /** All parts run, and nobody has told it to stop. */
  get isServing(): boolean {
    return this.#stage === "serving";
  }

  /** Time for which the most silent front has given no sign of life. */
  get silentMs(): number {
    return this.#fronts.silentMs;
  }

  /** Resolves to the sentence that says why it may not serve any more: of a successor, should that come. */
  get ousted(): Promise<string> {
    return this.#accession.ousted;
  }

  /** Parts that failed and were started again. */
  get restarts(): number {
    return this.#counts[COUNTER.restarts]!;
  }

  #watchOverload(): () => void {
    const { counters, fronts, shedding: control } = this.#memory, counts = this.#counts;
    const sockets = this.#kind === "linux" ? this.#bound : [], log = (sentence: string) => console.error(sentence);
    const { "tracker.peer_timeout": peerAgeMinutesMax, "tracker.interval": intervalSeconds } = this.#settings;
    return watchOverload({ sockets, counters, fronts, counts, control, peerAgeMinutesMax, intervalSeconds, log });
  }

  #startClock(): void {
    const hand = new ClockHand(new Clock(this.#memory.clock), performance.now());
    this.#clockTimer = setInterval(() => hand.tick(performance.now()), CLOCK_TICK_MS);
  }

  async #startKeeper(): Promise<string | null> {
    const onFailure = () => {
      this.#counts[COUNTER.restarts]!++;
      this.#succession?.giveUp("this one goes on: its keeper failed");
    };
    const hear = (message: FromPart) => {
      this.#accession.hear(message);
      this.#succession?.hear(message);
    };
    this.#keeper = createKeeper(this.#settings, this.#memory, this.#inherited.length > 0, onFailure, hear);
    const kept = await this.#keeper?.start();
    return typeof kept === "string" ? kept : null;
  }

  async #loadStateDump(): Promise<null> {
    const dump = this.#settings["tracker.load_statedump"];
    if (dump !== null) console.log(await restoreStateDump(dump, this.#memory.arena, Math.floor(Date.now() / 60_000)));
    return null;
  }

  async #startOffice(): Promise<string | null> {
    const office = this.#office = this.#createOffice(), paged = await office.start();
    return typeof paged === "string" ? paged : null;
  }

  #createOffice(): PartThread {
    return createOffice({
      settings: this.#settings,
      memory: this.#memory,
      trackerId: this.#trackerId,
      plugins: this.#plugins,
      onBegun: (office) => office === this.#office && this.#linkFronts(office),
      onFailure: (name, end) => this.#notePartEnd(name, end),
    });
  }

  #notePartEnd(name: string, end: PartEnd): void {
    this.#counts[COUNTER.restarts]!++;
    this.#plugins.notePartEnd(name, end);
  }

  // `oldFinishes`: the office before it answers what it has begun.
  #linkFronts(office: PartThread, oldFinishes = false): void {
    for (const [index, front] of this.#fronts.threads.entries()) {
      link(office, index, (port) => front.post({ type: "linkOffice", oldFinishes }, port));
    }
  }

  // New plugins: an office that has them takes the place of the old, and the fronts load theirs.
  async #changePlugins(): Promise<void> {
    const old = this.#office, office = this.#createOffice(), result = await office.start();
    if (typeof result === "string") {
      console.error(`plugins: the old pages stay: ${result}`);
      await office.stop();
    } else {
      this.#office = office;
      this.#linkFronts(office, true);
    }
    await this.#fronts.sendPlugins();
    if (this.#office !== old) await old?.stop(PAGES_FINISH_MS_MAX);
  }

  #announce(): void {
    const { fronts, mebibytes } = this.#memory, count = fronts === 1 ? "1 front" : `${fronts} fronts`;
    console.log(`${VERSION_LINE}: ${count} (${this.#kind}), ${mebibytes} MiB for swarms`);
    for (const socket of this.sockets) console.log(`listening on ${describeSocket(socket)}`);
    for (const line of this.#plugins.logLines()) console.log(line);
    const tcp = this.sockets.find(({ protocol }) => protocol === "tcp");
    if (tcp === undefined) return;
    const host = tcp.address === "::" || tcp.address === "0.0.0.0" ? "localhost" : tcp.address;
    console.log(`stats at http://${hostPort(host, tcp.port)}/${this.#settings["access.stats_path"]}`);
  }
}

// A new pair of ports between the office and a front.
function link(office: PartThread, front: number, handOver: (port: MessagePort) => void): void {
  const { port1, port2 } = new MessageChannel();
  office.post({ type: "serveFront", front }, port1);
  handOver(port2);
}

// A supervisor that failed cannot be relied on: what there is is saved, and all ends.
function sayFault(error: unknown): number {
  console.error("supervisor: failed, and the tracker stops:", error);
  return EXIT_FAULT;
}

// Returns null, or the sentence that says why the tracker must not serve.
function leave(plan: LeavePlan): string | null {
  const left = leaveRoot(plan);
  if ("sentence" in left) return left.sentence;
  for (const line of left.lines) console.log(line);
  return null;
}
