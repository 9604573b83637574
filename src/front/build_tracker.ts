/** Puts the deciding part of a front together: store, policy, counters, clock, connection ids, shield, and the sweep. */
import { NetworkSet } from "../access/networks.ts";
import { ShedControl } from "../shield/shed_steps.ts";
import { Shield } from "../shield/shield.ts";
import { Clock } from "../stats/clock.ts";
import { counterRow } from "../stats/counters.ts";
import { FrontNetworks } from "../stats/network_counts.ts";
import { SwarmStore } from "../swarm/swarm_store.ts";
import { Policy } from "../tracker/policy.ts";
import { Tracker } from "../tracker/tracker.ts";
import { ConnectionIds } from "../wire/connection_id.ts";
import { Life } from "../plugin/life.ts";
import type { LoadedPlugin } from "../plugin/load.ts";
import type { FrontStart } from "./front_start.ts";
import { setRules } from "./rules.ts";

/** The number under which front `index` takes locks in the store; 0 is nobody. */
export function storeOwner(index: number): number {
  return index + 1;
}

/** The tracker and the connection ids of a front. */
export function buildTracker(
  start: FrontStart,
  plugins: readonly LoadedPlugin[] = [],
  life = new Life(),
): { tracker: Tracker; ids: ConnectionIds } {
  const store = new SwarmStore(start.arena, storeOwner(start.index), start.seed, start.peerAgeMinutesMax);
  const counters = counterRow(start.counters, start.index);
  const networks = new FrontNetworks(start.networks, start.index), policy = new Policy(start.policy, ~start.seed);
  const tracker = new Tracker(store, policy, counters, new Clock(start.clock), networks);
  tracker.proxies = new NetworkSet(start.proxyNetworks);
  if (start.shield !== undefined) tracker.shield = new Shield(start.shield);
  if (start.shedding !== undefined) tracker.shedding = new ShedControl(start.shedding);
  if (start.rules !== undefined) setRules(tracker, start.index, start.rules, plugins, life);
  return {
    tracker,
    ids: new ConnectionIds(start.connectionIdKey, start.connectionIdSeconds, start.connectionIdAheadSeconds),
  };
}
