/**
 * The supervisor: makes the shared memory, binds what must outlive a part, starts the parts, starts them again when
 * they fail, and stops them in reverse. It reads no byte from the network and loads no plugin.
 */
import type { Config } from "./config/config.ts";
import type { Settings } from "./config/schema.ts";
import { storeOwner } from "./front/build_tracker.ts";
import { BindFault, describeSocket, type FrontSocket, type FrontStart, hostPort } from "./front/front_start.ts";
import { bindLinuxSockets, raiseFileLimit } from "./front/linux/bind.ts";
import { watchKernelDrops } from "./front/linux/kernel_drops.ts";
import { defaultFronts, defaultMemoryMebibytes, hasIpv6, refuseLinuxFronts } from "./machine.ts";
import { createConnectionId, createKeeper } from "./keeper_part.ts";
import type { FrontRules } from "./front/rules.ts";
import type { FromPart, FrontKind } from "./messages.ts";
import { PartThread } from "./part_thread.ts";
import { frontPermissions, OFFICE_PERMISSIONS } from "./permissions.ts";
import { PluginParts } from "./plugin_parts.ts";
import { Clock, CLOCK_TICK_MS, createClock } from "./stats/clock.ts";
import { COUNTER, counterRow, createCounters } from "./stats/counters.ts";
import { createNetworkCounts } from "./stats/network_counts.ts";
import { takeInheritedSockets } from "./front/linux/successor.ts";
import { Succession } from "./succession.ts";
import { restoreStateDump } from "./persist/statedump_loader.ts";
import { createArena, releaseLocksOf } from "./swarm/arena.ts";
import { untilSignalled } from "./signals.ts";
import { VERSION_LINE } from "./version.ts";

/** Exit code of a tracker that cannot run, as opentracker's. */
const EXIT_CANNOT_RUN = 111;
/** The port of BitTorrent trackers when none is named. */
const PORT_DEFAULT = 6969;

/** Runs the tracker until it is told to stop. Returns the exit code. */
export async function serve(config: Config): Promise<number> {
  const misplaced = enterDirectory(config.settings["tracker.rootdir"]);
  if (misplaced !== null) {
    console.error(misplaced);
    return EXIT_CANNOT_RUN;
  }
  warnOfRoot();
  const app = new App(config);
  const stopped = untilSignalled(() => app.reload(), () => app.handOver()), refusal = await app.start();
  if (refusal !== null) {
    console.error(refusal);
    await app.stop();
    return EXIT_CANNOT_RUN;
  }
  await stopped;
  await app.stop();
  return 0;
}

/** The tracker as a list of parts. Exported so that tests can hold it. */
export class App {
  readonly #settings: Settings;
  readonly #wanted: readonly FrontSocket[];
  readonly #fronts: number;
  readonly #kind: FrontKind;
  readonly #arena: SharedArrayBuffer;
  readonly #counters: SharedArrayBuffer;
  readonly #networks: SharedArrayBuffer;
  readonly #clock = createClock();
  readonly #connectionId = createConnectionId();
  readonly #secrets = crypto.getRandomValues(new Int32Array(9));
  readonly #descriptors: readonly SharedArrayBuffer[];
  readonly #mebibytes: number;
  readonly #frontThreads: PartThread[] = [];
  readonly #plugins: PluginParts;
  /** By front: told when it has taken new rules, with what is wrong with them. */
  readonly #rulesTaken: (() => void)[] = [];
  /** By front: rules sent and not yet taken. */
  readonly #rulesSent: number[] = [];
  #reload: Promise<void> = Promise.resolve();
  #office: PartThread | undefined;
  #keeper: PartThread | undefined;
  #sockets: readonly FrontSocket[] = [];
  /** Of the process before this one, and of all fronts of this one: Linux only. */
  readonly #inherited = takeInheritedSockets();
  #bound: readonly FrontSocket[] = [];
  #succession: Succession | undefined;
  #clockTimer: ReturnType<typeof setInterval> | undefined;
  #unwatchDrops: (() => void) | undefined;

  constructor(config: Config) {
    const { settings, listeners } = config;
    this.#settings = settings;
    const workers = settings["tracker.workers"];
    const udpWorkers = Math.max(0, ...listeners.map(({ udpWorkers }) => udpWorkers), settings["listen.udp.workers"]);
    this.#fronts = workers || udpWorkers || defaultFronts();
    this.#wanted = listeners.length > 0 ? listeners.map(toSocket) : defaultSockets();
    this.#kind = chooseKind(settings["tracker.front"]);
    this.#mebibytes = settings["tracker.memory"] || defaultMemoryMebibytes();
    this.#arena = createArena(this.#mebibytes, this.#secrets.subarray(0, 4));
    // A row for each front, one for the office, one for us, one for the keeper.
    this.#counters = createCounters(this.#fronts + 3);
    this.#networks = createNetworkCounts(this.#fronts);
    const connections = this.#connectionsPerFront();
    this.#plugins = new PluginParts(config, this.#fronts, {
      onLists: () => this.#frontThreads.forEach((front, index) => this.#postRules(front, index, null)),
      onFailure: () => this.#countRestart(),
    });
    this.#descriptors = Array.from({ length: this.#fronts }, () => new SharedArrayBuffer((connections + 1) * 4));
  }

  /** Starts all parts and says so. Returns null, or the sentence that says why it cannot. */
  async start(): Promise<string | null> {
    const clock = new Clock(this.#clock), startMs = performance.now();
    this.#clockTimer = setInterval(
      () => clock.second = Math.floor((performance.now() - startMs) / 1000),
      CLOCK_TICK_MS,
    );
    // Access lists are loaded before anybody is answered.
    const refusal = await this.#plugins.start();
    if (refusal !== null) return refusal;
    const office = this.#office = this.#officeThread();
    const paged = await office.start();
    if (typeof paged === "string") return paged;
    // Loads the store: nobody is answered before.
    this.#keeper = this.#keeperThread();
    const kept = await this.#keeper?.start();
    if (typeof kept === "string") return kept;
    const dump = this.#settings["tracker.load_statedump"];
    if (dump !== null) console.log(restoreStateDump(dump, this.#arena, Math.floor(Date.now() / 60_000)));
    let sockets = this.#wanted, perFront: readonly (readonly FrontSocket[])[] = [];
    if (this.#kind === "linux") {
      raiseFileLimit();
      try {
        perFront = bindLinuxSockets(sockets, this.#fronts, this.#inherited);
        this.#bound = perFront.flat();
      } catch (error) {
        if (error instanceof BindFault) return error.message;
        throw error;
      }
      sockets = perFront[0]!;
      this.#unwatchDrops = watchKernelDrops(perFront.flat(), counterRow(this.#counters, this.#fronts + 1));
    }
    for (let index = 0; index < this.#fronts; index++) {
      const own = perFront[index] ?? portableShare(sockets, index);
      const thread = this.#frontThread(index, own);
      this.#frontThreads.push(thread);
      const result = await thread.start();
      if (typeof result === "string") return result;
      // The first front's ports are everyone's: it may have been told to let the kernel choose.
      if (index === 0) this.#sockets = sockets = result;
    }
    if (this.#inherited.length > 0) this.#keeper?.post({ type: "keeper", order: "serve" });
    this.#announce(sockets);
    return null;
  }

  /** SIGHUP: lists and plugins anew. One at a time; what is broken leaves the old in its place. */
  reload(): Promise<void> {
    return this.#reload = this.#reload.then(() => this.#plugins.reload(() => this.#changePlugins()));
  }

  /** Starts the program anew beside this one, without a gap. True: it has taken over, and this one is to stop. */
  async handOver(): Promise<boolean> {
    const keeper = this.#keeper;
    if (keeper === undefined || this.#kind !== "linux") {
      console.error("reload-binary: this needs tracker.state and linux fronts, and is not done");
      return false;
    }
    if (this.#succession !== undefined) return false;
    const drainSeconds = this.#settings["http.idle_seconds"] + this.#settings["http.request_seconds"];
    this.#succession = new Succession({ keeper, fronts: this.#frontThreads, sockets: this.#bound, drainSeconds });
    try {
      return await this.#succession.run();
    } finally {
      this.#succession = undefined;
    }
  }

  /** Stops all parts, the last started first. */
  async stop(): Promise<void> {
    await Promise.all(this.#frontThreads.map((thread) => thread.stop()));
    await this.#office?.stop();
    await this.#plugins.stop();
    // When nothing changes any more: the rest is saved.
    await this.#keeper?.stop();
    clearInterval(this.#clockTimer);
    this.#unwatchDrops?.();
  }

  /** The running parts by name, for asking what they can reach. */
  get parts(): ReadonlyMap<string, PartThread> {
    const fronts = this.#frontThreads.map((thread, index) => [`front ${index}`, thread] as const);
    const keeper = this.#keeper === undefined ? [] : [["keeper", this.#keeper] as const];
    return new Map([...fronts, ["office", this.#office!] as const, ...keeper, ...this.#plugins.parts]);
  }

  /** What the tracker listens on, with the ports the kernel chose. */
  get sockets(): readonly FrontSocket[] {
    return this.#sockets;
  }

  /** Parts that failed and were started again. */
  get restarts(): number {
    return counterRow(this.#counters, this.#fronts + 1)[COUNTER.restarts]!;
  }

  #connectionsPerFront(): number {
    return Math.max(16, Math.ceil(this.#settings["http.connections_max"] / this.#fronts));
  }

  #officeThread(): PartThread {
    const settings = this.#settings;
    return new PartThread({
      name: "office",
      permissions: OFFICE_PERMISSIONS,
      onFailure: () => this.#countRestart(),
      begin: (thread) => {
        const start = {
          arena: this.#arena,
          counters: this.#counters,
          counterRow: this.#fronts,
          clock: this.#clock,
          networks: this.#networks,
          fronts: this.#fronts,
          statsNetworks: settings["access.stats"],
          isFullScrapeOn: settings["tracker.fullscrape"],
          fullScrapeSeconds: settings["tracker.fullscrape_seconds"],
          fullScrapeNetworks: settings["access.fullscrape"],
          statsPath: settings["access.stats_path"],
          redirectUrl: settings["tracker.redirect_url"],
          peerAgeMinutesMax: settings["tracker.peer_timeout"],
          trackerId: this.#secrets[8]! >>> 1,
          version: VERSION_LINE,
          plugins: this.#plugins.officeSet(),
        };
        thread.post({ type: "startOffice", start });
        if (thread === this.#office) this.#linkFronts(thread);
      },
    });
  }

  #linkFronts(office: PartThread): void {
    for (const front of this.#frontThreads) this.#link(office, (port) => front.post({ type: "linkOffice" }, port));
  }

  // New plugins: an office that has them takes the place of the old, and the fronts load theirs.
  async #changePlugins(): Promise<void> {
    const old = this.#office, office = this.#officeThread(), result = await office.start();
    if (typeof result === "string") {
      console.error(`plugins: the old pages stay: ${result}`);
      await office.stop();
    } else {
      this.#office = office;
      this.#linkFronts(office);
      await old?.stop();
    }
    await Promise.all(this.#frontThreads.map((front, index) => {
      const taken = new Promise<void>((resolve) => this.#rulesTaken[index] = resolve);
      this.#postRules(front, index, this.#plugins.rulesFor(index).plugins);
      return taken;
    }));
  }

  // `plugins`: null = those it has.
  #postRules(front: PartThread, index: number, plugins: FrontRules["plugins"]): void {
    this.#rulesSent[index] = (this.#rulesSent[index] ?? 0) + 1;
    front.post({ type: "setRules", rules: { ...this.#plugins.rulesFor(index), plugins } });
  }

  #hearFront(index: number, message: FromPart): void {
    this.#succession?.hear(message);
    if (message.type !== "rulesSet") return;
    if (message.fault !== null) console.error(`plugins: front ${index} keeps the old ones: ${message.fault}`);
    this.#noteRulesTaken(index, this.#rulesSent[index]! - 1);
  }

  // `sent`: rules the front has been sent and has not taken.
  #noteRulesTaken(index: number, sent: number): void {
    this.#rulesSent[index] = sent;
    this.#rulesTaken[index]?.();
    if (this.#rulesSent.every((sent) => sent === 0)) this.#plugins.noteRulesTaken();
  }

  #keeperThread(): PartThread | undefined {
    const memory = { arena: this.#arena, clock: this.#clock, counters: this.#counters, counterRow: this.#fronts + 2 };
    const more = { ...memory, connectionId: this.#connectionId, takesOver: this.#inherited.length > 0 };
    return createKeeper(this.#settings, more, () => this.#countRestart(), (said) => this.#succession?.hear(said));
  }

  #frontThread(index: number, sockets: readonly FrontSocket[]): PartThread {
    const kind = this.#kind;
    return new PartThread({
      name: `front ${index}`,
      permissions: frontPermissions(kind, sockets),
      hear: (message) => this.#hearFront(index, message),
      begin: (thread) =>
        this.#link(this.#office!, (port) => {
          // Started again, the first front keeps the ports the kernel chose for it.
          const own = index === 0 && this.#sockets.length > 0 ? this.#sockets : sockets;
          thread.post({ type: "startFront", kind, start: this.#frontStart(index, own) }, port);
          // It starts with the rules of now; what was sent to its predecessor is nobody's.
          this.#noteRulesTaken(index, 0);
        }),
      onFailure: () => {
        const locks = releaseLocksOf(new Int32Array(this.#arena), storeOwner(index));
        if (locks > 0) console.error(`front ${index}: died inside the store; ${locks} locks were released`);
        this.#countRestart();
      },
    });
  }

  #frontStart(index: number, sockets: readonly FrontSocket[]): FrontStart {
    const settings = this.#settings;
    return {
      index,
      fronts: this.#fronts,
      sockets,
      arena: this.#arena,
      counters: this.#counters,
      clock: this.#clock,
      networks: this.#networks,
      logNetworks: settings["access.fulllog"],
      descriptors: this.#descriptors[index]!,
      policy: {
        intervalSeconds: settings["tracker.interval"],
        numwantDefault: settings["tracker.numwant"],
        numwantMax: settings["tracker.numwant_max"],
      },
      peerAgeMinutesMax: settings["tracker.peer_timeout"],
      connectionIdKey: new Int32Array(this.#connectionId).slice(0, 4),
      connectionIdAheadSeconds: new Int32Array(this.#connectionId)[4]!,
      connectionIdSeconds: settings["tracker.connection_id_seconds"],
      seed: crypto.getRandomValues(new Int32Array(1))[0]!,
      http: {
        idleSeconds: settings["http.idle_seconds"],
        requestSeconds: settings["http.request_seconds"],
        connectionsMax: this.#connectionsPerFront(),
      },
      rules: this.#plugins.rulesFor(index),
    };
  }

  // A new pair of ports between the office and a front.
  #link(office: PartThread, handOver: (port: MessagePort) => void): void {
    const { port1, port2 } = new MessageChannel();
    office.post({ type: "serveFront" }, port1);
    handOver(port2);
  }

  #countRestart(): void {
    counterRow(this.#counters, this.#fronts + 1)[COUNTER.restarts]!++;
  }

  #announce(sockets: readonly FrontSocket[]): void {
    const fronts = this.#fronts === 1 ? "1 front" : `${this.#fronts} fronts`;
    console.log(`${VERSION_LINE}: ${fronts} (${this.#kind}), ${this.#mebibytes} MiB for swarms`);
    for (const socket of sockets) console.log(`listening on ${describeSocket(socket)}`);
    for (const line of this.#plugins.logLines()) console.log(line);
    const tcp = sockets.find(({ protocol }) => protocol === "tcp");
    if (tcp === undefined) return;
    const host = tcp.address === "::" || tcp.address === "0.0.0.0" ? "localhost" : tcp.address;
    console.log(`stats at http://${hostPort(host, tcp.port)}/${this.#settings["access.stats_path"]}`);
  }
}

// Returns null, or the sentence that says why the directory cannot be entered.
function enterDirectory(path: string): string | null {
  try {
    Deno.chdir(path);
    return null;
  } catch (error) {
    return `Cannot start: tracker.rootdir must be a directory, and is "${path}" (${
      error instanceof Error ? error.message : error
    })`;
  }
}

function warnOfRoot(): void {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return;
  console.error("Running as root: this version does not change its user. Start it as one that owns nothing else.");
}

function toSocket(
  { protocol, address, port, proxyProtocol }: Omit<FrontSocket, "descriptor">,
): FrontSocket {
  return { protocol, address, port, descriptor: -1, ...(proxyProtocol && { proxyProtocol }) };
}

function defaultSockets(): readonly FrontSocket[] {
  const address = hasIpv6() ? "::" : "0.0.0.0";
  return (["tcp", "udp"] as const).map((protocol) => toSocket({ protocol, address, port: PORT_DEFAULT }));
}

// Portable fronts share TCP where the system lets them; UDP is the first one's.
function portableShare(sockets: readonly FrontSocket[], index: number): readonly FrontSocket[] {
  if (index === 0) return sockets;
  return Deno.build.os === "linux" ? sockets.filter(({ protocol }) => protocol === "tcp") : [];
}

function chooseKind(wanted: "auto" | FrontKind): FrontKind {
  if (wanted === "portable") return "portable";
  const refusal = refuseLinuxFronts();
  if (refusal === null) return "linux";
  console.error(`portable fronts: ${refusal}`);
  return "portable";
}
