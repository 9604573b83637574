/**
 * Sweeps this front's share of the shards in small steps, so that all are done about once a minute and no request waits
 * for it. The fronts share the shards out by number. How many visits a shard takes is learnt from the last one, and
 * while one takes longer than that, from itself: a store that has just been loaded or flooded is swept in time too.
 */
import { SHARDS } from "../swarm/layout.ts";
import type { Tracker } from "../tracker/tracker.ts";

/** How often a few steps are made. */
export const SWEEP_TICK_MS = 100;
/** Ticks in which all shards of a front shall be swept once: a minute. */
const TICKS_PER_PASS = 600;
/** Steps a shard is held for: ten to thirty microseconds. */
const STEPS_MAX = 256;
/**
 * Most visits of a tick: six milliseconds where every torrent is a cache miss. They see some 18 million torrents a
 * minute; with more for each front, a pass takes longer.
 */
export const SWEEP_VISITS_MAX = 200;

/** The sweep of one front. */
export class SweepPace {
  readonly #tracker: Tracker;
  readonly #fronts: number;
  readonly #index: number;
  #shard: number;
  /** Of this pass: ticks, and shards swept to their end. */
  #ticks = 0;
  #done = 0;
  /** Visits of the shard at hand so far, and how many it is expected to take. */
  #visits = 0;
  #visitsExpected = 1;

  constructor(tracker: Tracker, index: number, fronts: number) {
    this.#tracker = tracker;
    this.#index = index;
    this.#fronts = fronts;
    this.#shard = index;
  }

  /** One tick: as many visits as are due. */
  tick(): void {
    this.#tracker.beginBatch();
    this.#tracker.networks.age(this.#tracker.store.minute);
    const due = ++this.#ticks / TICKS_PER_PASS * Math.ceil((SHARDS - this.#index) / this.#fronts);
    const behind = due - this.#done - this.#visits / this.#visitsExpected;
    const visits = Math.min(SWEEP_VISITS_MAX, Math.ceil(behind * this.#visitsExpected));
    for (let i = 0; i < visits; i++) this.#visit();
  }

  #visit(): void {
    const isEnd = this.#tracker.store.sweep(this.#shard, STEPS_MAX);
    this.#visits++;
    if (!isEnd) {
      if (this.#visits >= this.#visitsExpected) this.#visitsExpected = this.#visits * 2;
      return;
    }
    this.#visitsExpected = this.#visits;
    this.#visits = 0;
    this.#done++;
    this.#shard += this.#fronts;
    if (this.#shard < SHARDS) return;
    this.#shard = this.#index;
    this.#ticks = this.#done = 0;
  }
}
