/**
 * A front on batched Linux calls: one loop over epoll for all its sockets. While there is work it stays in the loop and
 * lets timers and messages in every few milliseconds; when there is none it waits outside the thread.
 */
import { COUNTER } from "../../stats/counters.ts";
import { HttpDoor } from "../../tracker/http_door.ts";
import type { Tracker } from "../../tracker/tracker.ts";
import { Life } from "../../plugin/life.ts";
import type { LoadedPlugin } from "../../plugin/load.ts";
import { UdpDoor } from "../../tracker/udp_door.ts";
import { buildTracker } from "../build_tracker.ts";
import { BindFault, type Front, type FrontSocket, type FrontStart } from "../front_start.ts";
import { LoopLateness } from "../loop_lateness.ts";
import { OfficeLink } from "../office_link.ts";
import { requestLogger } from "../request_logger.ts";
import { SWEEP_TICK_MS, SweepPace } from "../sweep_pace.ts";
import { Acceptor } from "./acceptor.ts";
import { Connections } from "./connections.ts";
import { Gathering } from "./gathering.ts";
import { LinuxHttp } from "./http_server.ts";
import { EPOLLIN } from "./libc.ts";
import type { Native } from "./native.ts";
import { Poller } from "./poller.ts";
import { LinuxUdp } from "./udp_socket.ts";

/** Timers and messages get their turn at least this often, while it is waited outside the thread. */
const YIELD_MS = 10;
/** … and this often while the office makes a page for a client. */
const YIELD_FOR_OFFICE_MS = 1;
/** Without a request for so long, it is waited outside the thread: that costs more, but nothing while it lasts. */
const QUIET_MS = 100;
/** A turn is broken off after this long, so that timers and messages get theirs; epoll tells of the rest again. */
const TURN_MS_MAX = 2;
/** Sockets served between two looks at the clock. */
const SERVED_PER_LOOK = 4;
/** Faults in a row, without one good turn between, after which the front gives up and is started again. */
const FAULTS_MAX = 100;

/** Starts a front over the sockets the supervisor bound, with the calls and structures bound before. */
export function startLinuxFront(
  start: FrontStart,
  native: Native,
  officePort: MessagePort,
  plugins: readonly LoadedPlugin[] = [],
  life = new Life(),
): Front {
  const front = new LinuxFront(start, native, officePort, plugins, life);
  return {
    tracker: front.tracker,
    sockets: start.sockets,
    running: front.run(),
    linkOffice: (port, oldFinishes) => front.office.relink(port, oldFinishes),
    drain: () => front.drain(),
    resume: () => front.resume(),
    stop: () => front.stop(),
  };
}

class LinuxFront {
  readonly office: OfficeLink;
  readonly #native: Native;
  readonly tracker: Tracker;
  readonly #sockets: readonly FrontSocket[];
  readonly #poller: Poller;
  /** Where it stands for a successor to close. */
  readonly #pollerWord: Int32Array;
  readonly #udp: LinuxUdp;
  readonly #http: LinuxHttp;
  readonly #acceptor: Acceptor;
  readonly #gathering: Gathering;
  readonly #pace: SweepPace;
  readonly #lateness: LoopLateness;
  #isStopping = false;
  /** Turns in a row that failed. */
  #faults = 0;
  #hasEnded: () => void = () => {};

  constructor(
    start: FrontStart,
    native: Native,
    officePort: MessagePort,
    plugins: readonly LoadedPlugin[],
    life: Life,
  ) {
    const descriptors = new Int32Array(start.descriptors);
    closeLeftovers(native, descriptors);
    const { tracker, ids } = buildTracker(start, plugins, life);
    this.#native = native;
    this.tracker = tracker;
    this.#sockets = start.sockets;
    this.office = new OfficeLink(officePort);
    this.#poller = new Poller(native);
    this.#gathering = new Gathering(native.calls);
    this.#pollerWord = descriptors.subarray(start.http.connectionsMax);
    this.#pollerWord[0] = this.#poller.descriptor;
    this.#udp = new LinuxUdp(native, tracker, new UdpDoor(tracker, ids, native.udp.input, native.udp.output));
    const connections = new Connections(descriptors, start.http.connectionsMax);
    const door = new HttpDoor(tracker, native.streamOutput), firstSlot = start.sockets.length;
    door.onRequest = requestLogger(start.logNetworks, tracker, this.office);
    this.#http = new LinuxHttp(native, this.#poller, tracker, door, this.office, start.http, connections, firstSlot);
    this.#acceptor = new Acceptor(start, native, this.#poller, tracker, connections, {
      onOpened: (slot) => this.#http.receive(slot),
      dismiss: (slot) => this.#http.dismiss(slot),
      evict: () => this.#http.evict(),
    });
    this.#listen();
    this.#pace = new SweepPace(tracker, start.index, start.fronts);
    this.#lateness = new LoopLateness(tracker.counters, SWEEP_TICK_MS);
  }

  /** The loop. Resolves when the front is told to stop; rejects when it cannot go on. */
  async run(): Promise<void> {
    let nowMs = performance.now(), outsideMs = nowMs, busyMs = nowMs, tickMs = nowMs + SWEEP_TICK_MS, isDone = false;
    while (!this.#isStopping) {
      const isQuiet = nowMs - busyMs >= QUIET_MS,
        isOutside: boolean = isQuiet || isDone || nowMs - outsideMs >= YIELD_MS;
      const events: number = isOutside
        ? await this.#poller.waitOutside(isQuiet ? Math.max(0, Math.ceil(tickMs - nowMs)) : 0)
        : this.#poller.wait(this.office.isAwaited ? YIELD_FOR_OFFICE_MS : YIELD_MS);
      nowMs = performance.now();
      if (isOutside) outsideMs = nowMs;
      // Nothing came: who else waits for this thread has its turn.
      isDone = events === 0 && !isOutside;
      if (events > 0) {
        busyMs = nowMs;
        this.#gathering.beginTurn(nowMs);
        nowMs = this.#serveAll(events, nowMs);
      }
      if (nowMs >= tickMs) {
        this.#tick();
        tickMs = nowMs + SWEEP_TICK_MS;
      }
      if (events > 0) this.#gathering.pause();
    }
    this.#hasEnded();
  }

  // What is done regularly. The runtime's own timers come late under load, by a tenth of a second and more.
  #tick(): void {
    this.#lateness.tick();
    this.#pace.tick();
    this.#http.closeOverdue();
  }

  // One turn: everything that has news. Returns the time after it.
  #serveAll(events: number, begunMs: number): number {
    let nowMs = begunMs;
    try {
      this.tracker.beginBatch();
      for (let i = 0; i < events && nowMs - begunMs < TURN_MS_MAX; i++) {
        this.#serve(i);
        if (i % SERVED_PER_LOOK === SERVED_PER_LOOK - 1) nowMs = performance.now();
      }
      this.#faults = 0;
    } catch (error) {
      // What was at hand is lost; the front goes on, unless nothing works any more, or it left the store half changed.
      this.tracker.counters[COUNTER.faults]++;
      console.error("front: a turn of the loop failed", error);
      if (++this.#faults >= FAULTS_MAX || this.tracker.store.releaseOwnLocks() > 0) throw error;
    }
    nowMs = performance.now();
    this.tracker.countTurn((nowMs - begunMs) * 1000);
    return nowMs;
  }

  drain(): Promise<void> {
    this.#acceptor.close();
    for (const { descriptor } of this.#sockets) this.#poller.remove(descriptor);
    return new Promise((resolve) => this.#http.drain(resolve));
  }

  resume(): void {
    this.#acceptor.reopen();
    this.#http.resume();
    this.#listen();
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#hasEnded = resolve);
    this.#isStopping = true;
    this.#http.stop();
    await ended;
    this.office.close();
    this.#pollerWord[0] = 0;
    this.#native.calls.close(this.#poller.descriptor);
  }

  #listen(): void {
    for (const [slot, socket] of this.#sockets.entries()) {
      const isWatched = this.#poller.add(socket.descriptor, EPOLLIN, slot, 0);
      if (!isWatched) throw new BindFault(socket, `epoll refuses to watch it (error ${this.#native.errno()})`);
    }
  }

  #serve(i: number): void {
    const slot = this.#poller.slot(i), sockets = this.#sockets;
    if (slot >= sockets.length) {
      this.#http.serve(slot - sockets.length, this.#poller.generation(i), this.#poller.events(i));
    } else if (sockets[slot].protocol === "udp") this.#udp.serve(sockets[slot].descriptor);
    else this.#acceptor.accept(sockets[slot].descriptor);
  }
}

// Closes what a predecessor that died had open: its connections and its epoll.
function closeLeftovers(native: Native, descriptors: Int32Array): void {
  for (let i = 0; i < descriptors.length; i++) {
    if (descriptors[i] > 0) native.calls.close(descriptors[i]);
    descriptors[i] = 0;
  }
}
