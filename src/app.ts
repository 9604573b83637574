/**
 * The supervisor: makes the shared memory, binds what must outlive a part, starts the parts, starts them again when
 * they fail, and stops them in reverse. It reads no byte from the network and loads no plugin.
 */
import type { Config } from "./config/config.ts";
import type { Settings } from "./config/schema.ts";
import { storeOwner } from "./front/build_tracker.ts";
import { BindFault, describeSocket, type FrontSocket, type FrontStart, hostPort } from "./front/front_start.ts";
import { bindLinuxSockets, raiseFileLimit } from "./front/linux/bind.ts";
import { defaultFronts, defaultMemoryMebibytes, hasIpv6, refuseLinuxFronts } from "./machine.ts";
import type { FrontKind } from "./messages.ts";
import { PartThread } from "./part_thread.ts";
import { frontPermissions, OFFICE_PERMISSIONS } from "./permissions.ts";
import { Clock, CLOCK_TICK_MS, createClock } from "./stats/clock.ts";
import { COUNTER, counterRow, createCounters } from "./stats/counters.ts";
import { createArena, releaseLocksOf } from "./swarm/arena.ts";
import { VERSION_LINE } from "./version.ts";

/** Exit code of a tracker that cannot run, as opentracker's. */
const EXIT_CANNOT_RUN = 111;
/** The port of BitTorrent trackers when none is named. */
const PORT_DEFAULT = 6969;

/** Runs the tracker until it is told to stop. Returns the exit code. */
export async function serve(config: Config): Promise<number> {
  const app = new App(config);
  const refusal = await app.start();
  if (refusal !== null) {
    console.error(refusal);
    await app.stop();
    return EXIT_CANNOT_RUN;
  }
  await untilSignalled();
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
  readonly #clock = createClock();
  readonly #secrets = crypto.getRandomValues(new Int32Array(9));
  readonly #descriptors: readonly SharedArrayBuffer[];
  readonly #mebibytes: number;
  readonly #frontThreads: PartThread[] = [];
  #office: PartThread | undefined;
  #clockTimer: ReturnType<typeof setInterval> | undefined;

  constructor({ settings, listeners }: Config) {
    this.#settings = settings;
    const workers = settings["tracker.workers"];
    const udpWorkers = Math.max(0, ...listeners.map(({ udpWorkers }) => udpWorkers), settings["listen.udp.workers"]);
    this.#fronts = workers || udpWorkers || defaultFronts();
    this.#wanted = listeners.length > 0 ? listeners.map(toSocket) : defaultSockets();
    this.#kind = chooseKind(settings["tracker.front"]);
    this.#mebibytes = settings["tracker.memory"] || defaultMemoryMebibytes();
    this.#arena = createArena(this.#mebibytes, this.#secrets.subarray(0, 4));
    // A row for each front, one for the office, one for us.
    this.#counters = createCounters(this.#fronts + 2);
    const connections = this.#connectionsPerFront();
    this.#descriptors = Array.from({ length: this.#fronts }, () => new SharedArrayBuffer((connections + 1) * 4));
  }

  /** Starts all parts and says so. Returns null, or the sentence that says why it cannot. */
  async start(): Promise<string | null> {
    const clock = new Clock(this.#clock), startMs = performance.now();
    this.#clockTimer = setInterval(
      () => clock.second = Math.floor((performance.now() - startMs) / 1000),
      CLOCK_TICK_MS,
    );
    const office = this.#office = this.#officeThread();
    const officeStarted = office.start();
    let sockets = this.#wanted, perFront: readonly (readonly FrontSocket[])[] = [];
    if (this.#kind === "linux") {
      raiseFileLimit();
      try {
        perFront = bindLinuxSockets(sockets, this.#fronts);
      } catch (error) {
        if (error instanceof BindFault) return error.message;
        throw error;
      }
      sockets = perFront[0]!;
    }
    for (let index = 0; index < this.#fronts; index++) {
      const own = perFront[index] ?? portableShare(sockets, index);
      const thread = this.#frontThread(index, own);
      this.#frontThreads.push(thread);
      const result = await thread.start();
      if (typeof result === "string") return result;
      // The first front's ports are everyone's: it may have been told to let the kernel choose.
      if (index === 0 && this.#kind === "portable") sockets = result;
    }
    await officeStarted;
    this.#announce(sockets);
    return null;
  }

  /** Stops all parts, the last started first. */
  async stop(): Promise<void> {
    await Promise.all(this.#frontThreads.map((thread) => thread.stop()));
    await this.#office?.stop();
    clearInterval(this.#clockTimer);
  }

  /** The running parts by name, for asking what they can reach. */
  get parts(): ReadonlyMap<string, PartThread> {
    const fronts = this.#frontThreads.map((thread, index) => [`front ${index}`, thread] as const);
    return new Map([...fronts, ["office", this.#office!] as const]);
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
          statsPath: settings["access.stats_path"],
          redirectUrl: settings["tracker.redirect_url"],
          peerAgeMinutesMax: settings["tracker.peer_timeout"],
          trackerId: this.#secrets[8]! >>> 1,
          version: VERSION_LINE,
        };
        thread.post({ type: "startOffice", start });
        for (const front of this.#frontThreads) this.#link(thread, (port) => front.post({ type: "linkOffice" }, port));
      },
    });
  }

  #frontThread(index: number, sockets: readonly FrontSocket[]): PartThread {
    const kind = this.#kind, start = this.#frontStart(index, sockets);
    return new PartThread({
      name: `front ${index}`,
      permissions: frontPermissions(kind, sockets),
      begin: (thread) => this.#link(this.#office!, (port) => thread.post({ type: "startFront", kind, start }, port)),
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
      descriptors: this.#descriptors[index]!,
      policy: {
        intervalSeconds: settings["tracker.interval"],
        numwantDefault: settings["tracker.numwant"],
        numwantMax: settings["tracker.numwant_max"],
      },
      peerAgeMinutesMax: settings["tracker.peer_timeout"],
      connectionIdKey: this.#secrets.slice(4, 8),
      connectionIdSeconds: settings["tracker.connection_id_seconds"],
      seed: crypto.getRandomValues(new Int32Array(1))[0]!,
      http: {
        idleSeconds: settings["http.idle_seconds"],
        requestSeconds: settings["http.request_seconds"],
        connectionsMax: this.#connectionsPerFront(),
      },
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
    const tcp = sockets.find(({ protocol }) => protocol === "tcp");
    if (tcp === undefined) return;
    const host = tcp.address === "::" || tcp.address === "0.0.0.0" ? "localhost" : tcp.address;
    console.log(`stats at http://${hostPort(host, tcp.port)}/${this.#settings["access.stats_path"]}`);
  }
}

function toSocket({ protocol, address, port }: Omit<FrontSocket, "descriptor">): FrontSocket {
  return { protocol, address, port, descriptor: -1 };
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

function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, resolve);
    }
    // A reload must not end a tracker that has nothing to reload.
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", () => {});
  });
}
