/** Shares what fronts and sockets say out among the classes of requests. Pure. */
import { SHED_CLASSES, type ShedClass } from "./shed_steps.ts";
import type { ShedLoad } from "./shed_ladder.ts";

/**
 * Part of a front's work, or of what came to a socket, below which a class is not what holds it up: those that are are to
 * leave something out, and not the few beside them. One of four classes has as much at least.
 */
const PART_MIN = 0.25;
/** What an HTTP request costs, in datagrams: from 1.6 on a kept connection to 5.4 on one of its own (docs/performance.md). */
const HTTP_WORK = 4;

/** Requests of each class. */
export type Requests = Readonly<Record<ShedClass, number>>;

/** What is seen of a front since the last look. */
export interface FrontSeen {
  readonly received: Requests;
  /** How late its timers came, on average. */
  readonly lateMs: number;
}

/** What the sockets of one protocol and address say since the last look. */
export interface QueueSeen {
  readonly protocol: "tcp" | "udp";
  /** Textual IP; `::` serves IPv4 as well. */
  readonly address: string;
  /** How full it is: 0 to 1. */
  readonly share: number;
  /** Datagrams dropped; TCP: connections, which come again by themselves and so are no reason to shed. */
  readonly lost: number;
}

/**
 * The load of each class. What a socket says counts against those with a good part in what came of it, and of what it lost
 * each has as large a part: the kernel drops without looking. That a front is late counts against those with a good part
 * in its work.
 */
export function shareLoads(fronts: readonly FrontSeen[], queues: readonly QueueSeen[]): Record<ShedClass, ShedLoad> {
  const loads = { http4: newLoad(), http6: newLoad(), udp4: newLoad(), udp6: newLoad() };
  for (const { received, lateMs } of fronts) {
    for (const name of SHED_CLASSES) loads[name].received += received[name];
    const parts = partsOf(SHED_CLASSES, (name) => received[name] * (name.startsWith("http") ? HTTP_WORK : 1));
    for (const { name } of parts) loads[name].lateMs = Math.max(loads[name].lateMs, lateMs);
  }
  for (const queue of queues) {
    for (const { name, part } of partsOf(classesOf(queue), (name) => loads[name].received)) {
      loads[name].queueShare = Math.max(loads[name].queueShare, queue.share);
      // Connections that a listener has no room for come again by themselves, and stay out of the arithmetic.
      if (queue.protocol === "udp") loads[name].lost += Math.round(queue.lost * part);
    }
  }
  return loads;
}

function newLoad() {
  return { received: 0, lost: 0, queueShare: 0, lateMs: 0 };
}

function classesOf({ protocol, address }: QueueSeen): readonly ShedClass[] {
  const isUdp = protocol === "udp";
  if (address === "::") return isUdp ? ["udp4", "udp6"] : ["http4", "http6"];
  if (address.includes(":")) return [isUdp ? "udp6" : "http6"];
  return [isUdp ? "udp4" : "http4"];
}

// Those of `classes` with a good part in what they did together. Nothing done says nothing: then all have the same part.
function partsOf(
  classes: readonly ShedClass[],
  done: (name: ShedClass) => number,
): readonly { name: ShedClass; part: number }[] {
  const all = classes.reduce((sum, name) => sum + done(name), 0);
  return classes.map((name) => ({ name, part: all === 0 ? 1 / classes.length : done(name) / all }))
    .filter(({ part }) => part >= PART_MIN);
}
