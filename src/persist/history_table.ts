/**
 * The history in the state file: a row a block of minutes, packed (history_minutes.ts), so that 400 busy days take some
 * thirty megabytes. A minute that is there already is added to, never doubled, whatever the wall clock does.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  BLOCK_MINUTES,
  blockOf,
  decodeBlock,
  encodeBlock,
  type HistoryMinute,
  mergeFigures,
} from "./history_minutes.ts";
import { damagedRow, toStateFault } from "./state_fault.ts";

/** How long minutes are kept. */
export const HISTORY_DAYS = 400;
const MINUTES_KEPT = HISTORY_DAYS * 1440;
/**
 * Blocks removed when a new one begins: more than one, so that an old history goes in time; few, so that a wall clock
 * that is far ahead for a while does not take the whole history with it.
 */
const BLOCKS_REMOVED = 2;

/** What of the history there is. */
export interface HistorySummary {
  readonly minutes: number;
  /** The earliest, since 1970; 0 = there is none. */
  readonly firstMinute: number;
}

/** The history of one open state file. Throws StateFaults, as the file does. */
export class HistoryTable {
  readonly #db: DatabaseSync;
  readonly #path: string;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  /**
   * Adds a minute, or a part of one, in the caller's transaction: of the minute there is then, the levels are those of
   * now, unless `keepsLevels`. False: what was there of its block could not be read, and the block was begun anew.
   */
  add({ minute, figures }: HistoryMinute, keepsLevels = false): boolean {
    const first = blockOf(minute), bytes = this.#bytesOf(first);
    if (bytes === null) this.#removeOld(first - MINUTES_KEPT);
    const known = bytes === null ? [] : decodeBlock(first, bytes), minutes = known ?? [];
    const at = minutes.findIndex((other) => other.minute >= minute), end = at < 0 ? minutes.length : at;
    const same = minutes[end]?.minute === minute ? minutes[end] : undefined;
    const merged = same === undefined
      ? figures
      : mergeFigures(same.figures, figures, keepsLevels ? same.figures : figures);
    minutes.splice(end, same === undefined ? 0 : 1, { minute, figures: merged });
    this.saveBlock(first, minutes);
    return known !== null;
  }

  /** Writes the block that begins at minute `first` over whatever is there of it. `minutes`: in order. */
  saveBlock(first: number, minutes: readonly HistoryMinute[]): void {
    this.#db.prepare("INSERT OR REPLACE INTO stats_minute (minute, minutes, figures) VALUES (?, ?, ?)")
      .run(first, minutes.length, encodeBlock(minutes));
  }

  /** Every minute from `since` (minutes since 1970) on, in order. A block that cannot be read is a StateFault. */
  *minutes(since = 0): Generator<HistoryMinute> {
    // One at a time: whoever prints them slowly holds up no writer's log.
    const statement = this.#prepare(
      "SELECT minute, figures FROM stats_minute WHERE minute >= ? ORDER BY minute LIMIT 1",
    );
    for (let next = blockOf(since);;) {
      const row = this.#attempt(() => statement.get(next));
      if (row === undefined) return;
      const first = Number(row["minute"]), minutes = decodeBlock(first, row["figures"] as Uint8Array);
      if (minutes === null) throw damagedRow(this.#path, "a part of its history is not as it was written");
      for (const each of minutes) if (each.minute >= since) yield each;
      next = first + BLOCK_MINUTES;
    }
  }

  /** How much there is. */
  summary(): HistorySummary {
    const statement = this.#prepare("SELECT total(minutes) AS minutes FROM stats_minute");
    const minutes = Number(this.#attempt(() => statement.get())?.["minutes"]);
    for (const { minute } of this.minutes()) return { minutes, firstMinute: minute };
    return { minutes, firstMinute: 0 };
  }

  #prepare(sql: string): StatementSync {
    return this.#attempt(() => this.#db.prepare(sql));
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStateFault(this.#path, error);
    }
  }

  #bytesOf(first: number): Uint8Array | null {
    const row = this.#db.prepare("SELECT figures FROM stats_minute WHERE minute = ?").get(first);
    return row === undefined ? null : row["figures"] as Uint8Array;
  }

  #removeOld(before: number): void {
    const old = "SELECT minute FROM stats_minute WHERE minute < ? ORDER BY minute LIMIT ?";
    this.#db.prepare(`DELETE FROM stats_minute WHERE minute IN (${old})`).run(before, BLOCKS_REMOVED);
  }
}
