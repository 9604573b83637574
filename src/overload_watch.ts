/**
 * Looks once a second at how the fronts keep up, and tells them through shared memory what to leave out: the rim around
 * src/shield/shed_ladder.ts, which decides. Without shedding it only counts what the kernel dropped.
 */
import type { FrontSocket } from "./front/front_start.ts";
import { SocketQueues } from "./front/linux/socket_queues.ts";
import { SWEEP_TICK_MS } from "./front/sweep_pace.ts";
import { PeerAge, ShedLadders } from "./shield/shed_ladder.ts";
import { type Requests, shareLoads } from "./shield/shed_loads.ts";
import { ShedControl } from "./shield/shed_steps.ts";
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
  /** By front. */
  #received: readonly Requests[];
  #lateMs: readonly number[];
  #lookedMs = performance.now();

  /** Begins with what is so far. */
  constructor(plan: OverloadPlan) {
    this.#plan = plan;
    this.#queues = plan.sockets.length > 0 ? new SocketQueues(plan.sockets) : undefined;
    this.#rows = Array.from({ length: plan.fronts }, (_, index) => counterRow(plan.counters, index));
    this.#control = plan.control === null ? undefined : new ShedControl(plan.control);
    this.#peerAge = new PeerAge(plan.peerAgeMinutesMax, plan.intervalSeconds);
    this.#received = this.#rows.map(readRequests);
    this.#lateMs = this.#rows.map((row) => row[COUNTER.lateMilliseconds]!);
  }

  /** One look, about a second after the last. */
  look(): void {
    const { counts } = this.#plan, nowMs = performance.now(), sinceMs = nowMs - this.#lookedMs;
    const queues = this.#queues?.look() ?? [];
    for (const { protocol, lost } of queues) {
      counts[protocol === "udp" ? COUNTER.udpKernelDrops : COUNTER.tcpKernelDrops]! += lost;
    }
    const received = this.#rows.map(readRequests), before = this.#received;
    const lateMs = this.#rows.map((row) => row[COUNTER.lateMilliseconds]!), lateBefore = this.#lateMs;
    this.#lookedMs = nowMs;
    this.#received = received;
    this.#lateMs = lateMs;
    if (this.#control === undefined || sinceMs > LATE_LOOK_MS) return;
    const fronts = received.map((ofFront, i) => ({
      received: difference(ofFront, before[i]!),
      lateMs: (lateMs[i]! - lateBefore[i]!) * SWEEP_TICK_MS / sinceMs,
    }));
    this.#decide(this.#control, shareLoads(fronts, queues), nowMs / 1000);
  }

  /** Looks no more. */
  close(): void {
    this.#queues?.close();
  }

  #decide(control: ShedControl, loads: ReturnType<typeof shareLoads>, second: number): void {
    const { counts, log } = this.#plan, changes = this.#ladders.look(second, loads), { steps } = this.#ladders;
    control.set(steps, this.#peerAge.look(second, this.#ladders.stretch));
    counts[COUNTER.shedHttp4Step] = steps.http4;
    counts[COUNTER.shedHttp6Step] = steps.http6;
    counts[COUNTER.shedUdp4Step] = steps.udp4;
    counts[COUNTER.shedUdp6Step] = steps.udp6;
    counts[COUNTER.shedChanges]! += changes.length;
    for (const { sentence } of changes) log(sentence);
  }
}

// Pages are the office's: longer intervals make them no fewer.
function readRequests(row: Float64Array): Requests {
  const http = row[COUNTER.tcpAnnounces]! + row[COUNTER.tcpScrapes]!;
  const http6 = row[COUNTER.tcpAnnounces6]! + row[COUNTER.tcpScrapes6]!, udp6 = row[COUNTER.udpPackets6]!;
  return { http4: http - http6, http6, udp4: row[COUNTER.udpPackets]! - udp6, udp6 };
}

function difference(now: Requests, before: Requests): Requests {
  return {
    http4: now.http4 - before.http4,
    http6: now.http6 - before.http6,
    udp4: now.udp4 - before.udp4,
    udp6: now.udp6 - before.udp6,
  };
}
