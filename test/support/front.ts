/** A front without a supervisor, in the test's own thread: its sockets, and what it is started with. */
import type { FrontSocket, FrontStart } from "../../src/front/front_start.ts";
import { bindLinuxSockets, openLinuxSockets } from "../../src/front/linux/bind.ts";
import { createLife } from "../../src/plugin/life.ts";
import { createClock } from "../../src/stats/clock.ts";
import { createCounters } from "../../src/stats/counters.ts";
import { createNetworkCounts } from "../../src/stats/network_counts.ts";
import { createArena } from "../../src/swarm/arena.ts";

/** Its limits. */
export const CONNECTIONS_MAX = 16, NUMWANT_MAX = 200;

/** Sockets as the supervisor binds and opens them, on ports that the kernel chooses. */
export function bindOpen(protocol: "tcp" | "udp", addresses: readonly string[]): readonly FrontSocket[] {
  const wanted = addresses.map((address) => ({ protocol, address, port: 0, descriptor: -1 }));
  const sockets = bindLinuxSockets(wanted, 1)[0]!;
  openLinuxSockets(sockets);
  return sockets;
}

/** What a front of its own is started with: 16 MiB, no rules, no shield. */
export function frontStart(sockets: readonly FrontSocket[]): FrontStart {
  return {
    index: 0,
    fronts: 1,
    sockets,
    arena: createArena(16, new Int32Array(4)),
    counters: createCounters(1),
    clock: createClock(),
    networks: createNetworkCounts(1),
    logNetworks: [],
    proxyNetworks: [],
    descriptors: new SharedArrayBuffer((CONNECTIONS_MAX + 1) * 4),
    life: createLife(),
    policy: { intervalSeconds: 1800, numwantDefault: 50, numwantMax: NUMWANT_MAX },
    peerAgeMinutesMax: 45,
    connectionIdKey: new Int32Array(4),
    connectionIdSeconds: 3600,
    connectionIdAheadSeconds: 0,
    seed: 1,
    http: { idleSeconds: 30, requestSeconds: 30, connectionsMax: CONNECTIONS_MAX },
  };
}
