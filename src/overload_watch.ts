/**
 * Looks once a second at how the fronts keep up, and tells them through shared memory what to leave out: the rim around
 * src/shield/shed_ladder.ts, which decides. Without shedding it only counts what the kernel dropped.
 */
import type { FrontSocket } from "./front/front_start.ts";
import { SocketQueues } from "./front/linux/socket_queues.ts";
import { SWEEP_TICK_MS } from "./front/sweep_pace.ts";
import { PeerAge, ShedLadders } from "./shield/shed_ladder.ts";
import { shareLoads } from "./shield/shed_loads.ts";
import { type ShedClass, ShedControl } from "./shield/shed_steps.ts";
import { COUNTER, counterRow } from "./stats/counters.ts";

/** How often is looked. */
const LOOK_MS = 1000;
/** A look this long after the last says nothing of the fronts: the process was stopped, or the machine slept. */
const LATE_LOOK_MS = 5000;

/** What is watched, and who is told. */
export interface OverloadPlan {
  /** Sockets that Linux fronts have; portable fronts have theirs to themselves. */
  readonly sockets: readonly FrontSocket[];
  /** A row for each front first. */
  readonly counters: SharedArrayBuffer;
  readonly fronts: number;
  /** The row that only the caller writes. */
  readonly counts: Float64Array;
  /** From createShedControl; null = nothing is ever left out. */
  readonly control: SharedArrayBuffer | null;
  /** The operator's figures. */
  readonly peerAgeMinutesMax: number;
  readonly intervalSeconds: number;
  /** Called with a sentence for each step. */
  readonly log: (sentence: string) => void;
}

/** Watches until the function returned is called. */
export function watchOverload(plan: OverloadPlan): () => void {
  const watch = new OverloadWatch(plan), timer = setInterval(() => watch.look(), LOOK_MS);
  return () => {
    clearInterval(timer);
    watch.close();
  };
}

/** One watch: looks when it is told to. */
export class OverloadWatch {
  readonly #plan: OverloadPlan;
  readonly #queues: SocketQueues | undefined;
  readonly #rows: readonly Float64Array[];
  readonly #control: ShedControl | undefined;
  readonly #ladders = new ShedLadders();
  readonly #peerAge: PeerAge;
  #received: Readonly<Record<ShedClass, number>>;
  #lateMs: readonly number[];
  #lookedMs = performance.now();

  /** Begins with what is so far. */
  constructor(plan: OverloadPlan) {
    this.#plan = plan;
    this.#queues = plan.sockets.length > 0 ? new SocketQueues(plan.sockets) : undefined;
    this.#rows = Array.from({ length: plan.fronts }, (_, index) => counterRow(plan.counters, index));
    this.#control = plan.control === null ? undefined : new ShedControl(plan.control);
    this.#peerAge = new PeerAge(plan.peerAgeMinutesMax, plan.intervalSeconds);
    this.#received = this.#sumReceived();
    this.#lateMs = this.#rows.map((row) => row[COUNTER.lateMilliseconds]!);
  }

  /** One look, about a second after the last. */
  look(): void {
    const { counts } = this.#plan, nowMs = performance.now(), sinceMs = nowMs - this.#lookedMs;
    const queues = this.#queues?.look() ?? [];
    for (const { protocol, lost } of queues) {
      counts[protocol === "udp" ? COUNTER.udpKernelDrops : COUNTER.tcpKernelDrops]! += lost;
    }
    const received = this.#sumReceived(), before = this.#received;
    const lateMs = this.#rows.map((row) => row[COUNTER.lateMilliseconds]!), lateBefore = this.#lateMs;
    this.#lookedMs = nowMs;
    this.#received = received;
    this.#lateMs = lateMs;
    if (this.#control === undefined || sinceMs > LATE_LOOK_MS) return;
    const came = {
      http: received.http - before.http,
      udp4: received.udp4 - before.udp4,
      udp6: received.udp6 - before.udp6,
    };
    const latest = Math.max(...lateMs.map((late, i) => (late - lateBefore[i]!) * SWEEP_TICK_MS / sinceMs));
    this.#decide(this.#control, shareLoads(came, queues, latest), nowMs / 1000);
  }

  /** Looks no more. */
  close(): void {
    this.#queues?.close();
  }

  #decide(control: ShedControl, loads: ReturnType<typeof shareLoads>, second: number): void {
    const { counts, log } = this.#plan, changes = this.#ladders.look(second, loads), { steps } = this.#ladders;
    control.set(steps, this.#peerAge.look(second, this.#ladders.stretch));
    counts[COUNTER.shedHttpStep] = steps.http;
    counts[COUNTER.shedUdp4Step] = steps.udp4;
    counts[COUNTER.shedUdp6Step] = steps.udp6;
    counts[COUNTER.shedChanges]! += changes.length;
    for (const { sentence } of changes) log(sentence);
  }

  #sumReceived(): Record<ShedClass, number> {
    const sum = (...counters: readonly number[]) =>
      this.#rows.reduce((all, row) => counters.reduce((part, counter) => part + row[counter]!, all), 0);
    const udp6 = sum(COUNTER.udpPackets6);
    return {
      http: sum(COUNTER.tcpAnnounces, COUNTER.tcpScrapes, COUNTER.officeRequests),
      udp4: sum(COUNTER.udpPackets) - udp6,
      udp6,
    };
  }
}
