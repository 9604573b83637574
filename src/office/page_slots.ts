/**
 * Runs plugins' pages: notes which plugin the office is in, counts what its pages do, and times how long each holds up
 * all the others. What a page throws comes out with the plugin's name.
 */
import type { PageBody } from "../plugin/api.ts";
import { PAGE_SLOW_MS, PLUGIN_COUNTER } from "../plugin/counters.ts";
import { Life } from "../plugin/life.ts";
import { pageBodyOf } from "../plugin/slot_result.ts";

/** A plugin's numbers in the office. */
export interface PageSlot {
  /** Its row of counters. */
  readonly row: Float64Array;
  /** Its number in the signs of life. */
  readonly mark: number;
}

/** What the slots are handed. */
export interface PageSlotsRim {
  readonly life: Life;
  /** Milliseconds on the monotonic clock. */
  readonly nowMs: () => number;
  /** By the plugin's name. */
  readonly slots: ReadonlyMap<string, PageSlot>;
}

/** A plugin's page failed. The cause is what it threw. */
export class PageFault extends Error {
  constructor(readonly plugin: string, cause: unknown) {
    super(`a page of the plugin ${plugin} failed`, { cause });
  }
}

/** The pages of all plugins. */
export class PageSlots {
  /** For pages that nobody counts. */
  static readonly uncounted = new PageSlots({ life: new Life(), nowMs: () => 0, slots: new Map() });
  readonly #rim: PageSlotsRim;

  constructor(rim: PageSlotsRim) {
    this.#rim = rim;
  }

  /** Runs `make`, a page of the plugin `name`. Throws a PageFault. */
  async run(name: string, make: () => PageBody | Promise<PageBody>): Promise<PageBody> {
    const slot = this.#rim.slots.get(name);
    try {
      // Awaited here: what it throws later is its fault as well.
      return pageBodyOf(await (slot === undefined ? make() : this.#enter(slot, make)));
    } catch (error) {
      if (slot !== undefined) slot.row[PLUGIN_COUNTER.faults]!++;
      throw new PageFault(name, error);
    }
  }

  // Until the page waits for the first time, no other is answered.
  #enter({ row, mark }: PageSlot, make: () => PageBody | Promise<PageBody>): PageBody | Promise<PageBody> {
    const { life, nowMs } = this.#rim, begunMs = nowMs();
    row[PLUGIN_COUNTER.calls]!++;
    life.begin(mark);
    life.enter(mark);
    try {
      return make();
    } finally {
      life.leave(mark);
      const ms = nowMs() - begunMs;
      if (ms >= PAGE_SLOW_MS) row[PLUGIN_COUNTER.slow]!++;
      if (ms >= PAGE_SLOW_MS && ms > row[PLUGIN_COUNTER.slowestMs]!) row[PLUGIN_COUNTER.slowestMs] = ms;
    }
  }
}
