/** Shares what sockets say out among the classes of requests. Pure. */
import type { ShedClass } from "./shed_steps.ts";
import type { ShedLoad } from "./shed_ladder.ts";

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
 * The load of each class. `received`: requests of each since the last look. A socket that both families use loses of each
 * in proportion to what came of it: the kernel drops without looking. `lateMs`: of the latest front.
 */
export function shareLoads(
  received: Readonly<Record<ShedClass, number>>,
  queues: readonly QueueSeen[],
  lateMs: number,
): Record<ShedClass, ShedLoad> {
  const { http, udp4, udp6 } = received, share6 = udp4 + udp6 === 0 ? 0 : udp6 / (udp4 + udp6);
  const lost = { udp4: 0, udp6: 0 }, full = { http: 0, udp4: 0, udp6: 0 };
  for (const queue of queues) {
    const isBoth = queue.address === "::", is6 = queue.address.includes(":");
    const classes: ShedClass[] = queue.protocol === "tcp"
      ? ["http"]
      : isBoth
      ? ["udp4", "udp6"]
      : [is6 ? "udp6" : "udp4"];
    for (const name of classes) full[name] = Math.max(full[name], queue.share);
    if (queue.protocol === "tcp") continue;
    const lost6 = isBoth ? Math.round(queue.lost * share6) : is6 ? queue.lost : 0;
    lost.udp6 += lost6;
    lost.udp4 += queue.lost - lost6;
  }
  return {
    http: { received: http, lost: 0, queueShare: full.http, lateMs },
    udp4: { received: udp4, lost: lost.udp4, queueShare: full.udp4, lateMs },
    udp6: { received: udp6, lost: lost.udp6, queueShare: full.udp6, lateMs },
  };
}
