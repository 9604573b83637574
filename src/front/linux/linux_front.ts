/**
 * A front on batched Linux calls: one loop over epoll for all its sockets. While there is work it stays in the loop and
 * lets timers and messages in every few milliseconds; when there is none it waits outside the thread.
 */
import { COUNTER, TURN_BUCKETS } from "../../stats/counters.ts";
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
import { LinuxHttp } from "./http_server.ts";
import { EPOLLIN } from "./libc.ts";
import type { Native } from "./native.ts";
import { Poller } from "./poller.ts";
import { LinuxUdp } from "./udp_socket.ts";

/** Under load, timers and messages get their turn this often. */
const YIELD_MS = 10;
/** Waiting in the thread before going outside, which costs more but lets messages in. */
const WAIT_IN_THREAD_MS = 1;
/** Longest wait outside. News on a socket ends it sooner; this is how long a stop may go unnoticed. */
const WAIT_OUTSIDE_MS = 100;
/** How often connections are looked at for their limits. */
const LIMITS_TICK_MS = 100;
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
    linkOffice: (port) => front.office.relink(port),
    drain: () => front.drain(),
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
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #channel = new MessageChannel();
  #wake: (() => void) | undefined;
  #isStopping = false;
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
    for (const [slot, socket] of start.sockets.entries()) {
      const isWatched = this.#poller.add(socket.descriptor, EPOLLIN, slot, 0);
      if (!isWatched) throw new BindFault(socket, `epoll refuses to watch it (error ${native.errno()})`);
    }
    const pace = new SweepPace(tracker, start.index, start.fronts);
    const lateness = new LoopLateness(tracker.counters, SWEEP_TICK_MS);
    this.#timers = [
      setInterval(() => (lateness.tick(), pace.tick()), SWEEP_TICK_MS),
      setInterval(() => this.#http.closeOverdue(), LIMITS_TICK_MS),
    ];
    this.#channel.port2.onmessage = () => this.#wake?.();
  }

  /** The loop. Resolves when the front is told to stop; rejects when it cannot go on. */
  async run(): Promise<void> {
    let yieldedMs = performance.now(), faults = 0;
    while (!this.#isStopping) {
      let events = this.#poller.wait(WAIT_IN_THREAD_MS);
      if (events === 0) {
        events = await this.#poller.waitOutside(WAIT_OUTSIDE_MS);
        yieldedMs = performance.now();
      }
      const begunMs = performance.now();
      try {
        this.tracker.beginBatch();
        for (let i = 0; i < events; i++) this.#serve(i);
        faults = 0;
      } catch (error) {
        // What was at hand is lost; the front goes on, unless nothing works any more.
        this.tracker.counters[COUNTER.faults]++;
        console.error("front: a turn of the loop failed", error);
        if (++faults >= FAULTS_MAX) throw error;
      }
      const nowMs = performance.now();
      if (events > 0) this.#countTurn((nowMs - begunMs) * 1000);
      if (nowMs - yieldedMs < YIELD_MS) continue;
      await this.#yield();
      yieldedMs = performance.now();
    }
    this.#hasEnded();
  }

  drain(): Promise<void> {
    this.#acceptor.close();
    for (const { descriptor } of this.#sockets) this.#poller.remove(descriptor);
    return new Promise((resolve) => this.#http.drain(resolve));
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#hasEnded = resolve);
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#http.stop();
    await ended;
    this.office.close();
    this.#channel.port1.close();
    this.#pollerWord[0] = 0;
    this.#native.calls.close(this.#poller.descriptor);
  }

  // How long what came at once took: the time that the last of it waited.
  #countTurn(microseconds: number): void {
    const counters = this.tracker.counters, whole = Math.ceil(microseconds);
    counters[COUNTER.turnMicroseconds] += whole;
    counters[COUNTER.turns + Math.min(TURN_BUCKETS - 1, whole < 2 ? 0 : 32 - Math.clz32(whole - 1))]++;
  }

  #serve(i: number): void {
    const slot = this.#poller.slot(i), sockets = this.#sockets;
    if (slot >= sockets.length) {
      this.#http.serve(slot - sockets.length, this.#poller.generation(i), this.#poller.events(i));
    } else if (sockets[slot].protocol === "udp") this.#udp.serve(sockets[slot].descriptor);
    else this.#acceptor.accept(sockets[slot].descriptor);
  }

  // One turn of the event loop: timers that are due and messages that have come.
  #yield(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#channel.port1.postMessage(0);
    });
  }
}

// Closes what a predecessor that died had open: its connections and its epoll.
function closeLeftovers(native: Native, descriptors: Int32Array): void {
  for (let i = 0; i < descriptors.length; i++) {
    if (descriptors[i] > 0) native.calls.close(descriptors[i]);
    descriptors[i] = 0;
  }
}
