/**
 * Sweeps this front's share of the shards in small steps, so that all are done about once a minute and no request waits
 * for it. The fronts share the shards out by number.
 */
import { SHARDS } from "../swarm/layout.ts";
import type { Tracker } from "../tracker/tracker.ts";

/** How often a few steps are made. */
export const SWEEP_TICK_MS = 100;
/** Ticks in which all shards of a front shall be swept once: a minute. */
const TICKS_PER_PASS = 600;
/** Steps a shard is held for: about ten microseconds. */
const STEPS_MAX = 256;

/** The sweep of one front. */
export class SweepPace {
  readonly #tracker: Tracker;
  readonly #fronts: number;
  readonly #index: number;
  #shard: number;
  /** Visits of this pass so far, and of the last one. */
  #visits = 0;
  #visitsPerTick = 1;

  constructor(tracker: Tracker, index: number, fronts: number) {
    this.#tracker = tracker;
    this.#index = index;
    this.#fronts = fronts;
    this.#shard = index;
  }

  /** One tick: as many visits as the last pass showed to be needed. */
  tick(): void {
    this.#tracker.beginBatch();
    this.#tracker.networks.age(this.#tracker.store.minute);
    for (let i = 0; i < this.#visitsPerTick; i++) {
      this.#visits++;
      if (!this.#tracker.store.sweep(this.#shard, STEPS_MAX)) continue;
      this.#shard += this.#fronts;
      if (this.#shard < SHARDS) continue;
      this.#shard = this.#index;
      this.#visitsPerTick = Math.ceil(this.#visits / TICKS_PER_PASS);
      this.#visits = 0;
    }
  }
}
