/** The operator's rules as a front is told them, and how they come into force: at once, between two requests. */
import type { PublishedLists } from "../access/access_sets.ts";
import { NetworkRanges } from "../access/network_ranges.ts";
import { pluginRow } from "../plugin/counters.ts";
import { type Life, markOf } from "../plugin/life.ts";
import type { LoadedPlugin } from "../plugin/load.ts";
import type { PluginSet } from "../plugin/plugin_set.ts";
import { TellWriter } from "../stats/tell_ring.ts";
import { Gate, type Unknown } from "../tracker/gate.ts";
import type { Tracker } from "../tracker/tracker.ts";

/** Plain data and shared memory. */
export interface FrontRules {
  /** Plugins with slots for a front; null = those of before. */
  readonly plugins: PluginSet | null;
  readonly lists: PublishedLists;
  /** Networks that are not served, for NetworkRanges; null = none. */
  readonly denied: SharedArrayBuffer | null;
  readonly unknown: Unknown;
  /** What is announced is told here; null = to nobody. */
  readonly ring: SharedArrayBuffer | null;
  readonly counters: SharedArrayBuffer;
}

/**
 * Puts `rules` into force. `plugins`: the loaded ones; null = those of before. `front`: its number. `life`: where it
 * says that it is in a plugin's slot.
 */
export function setRules(
  tracker: Tracker,
  front: number,
  rules: FrontRules,
  plugins: readonly LoadedPlugin[] | null,
  life: Life,
): void {
  const { lists, denied } = rules;
  tracker.denied = denied === null ? undefined : new NetworkRanges(denied);
  const isNeeded = lists.allow.length + lists.deny.length + (plugins?.length ?? 0) > 0 || rules.ring !== null;
  // Once there, a gate stays: that there are no rules is a rule too.
  if (tracker.gate === undefined && !isNeeded) return;
  const gate = tracker.gate ?? new Gate(tracker, () => performance.now(), life);
  gate.access.swap(lists);
  gate.unknown = rules.unknown;
  gate.ring = rules.ring === null ? undefined : new TellWriter(rules.ring);
  if (plugins !== null) {
    gate.swap(plugins.map(({ plugin, spec: { index } }) => {
      return { plugin, row: pluginRow(rules.counters, front, index), mark: markOf(index) };
    }));
  }
  tracker.gate = gate;
}
