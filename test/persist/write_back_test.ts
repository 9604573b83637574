/** A pass that is in the file, and whose log could not be put where it shall stay: what was saved is saved, and once. */
import assert from "node:assert/strict";
import { EVENT_NONE } from "../../src/bittorrent/announce.ts";
import { createHistoryMemory } from "../../src/persist/history.ts";
import { FIGURES } from "../../src/persist/history_minutes.ts";
import { StateFault } from "../../src/persist/state_fault.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { COUNTER, counterRow } from "../../src/stats/counters.ts";
import { StateRun, withStatePath } from "../support/state.ts";

Deno.test(
  "Keeper counts a minute once whose pass could not put the log into the file, and says that it is saved",
  withStatePath((path) => {
    const clock = new HandClock();
    try {
      const run = new StateRun(path, { history: createHistoryMemory() });
      counterRow(run.start.counters, 0)[COUNTER.tcpAnnounces] = 5;
      clock.nextMinute();
      const { writeBack } = StateFile.prototype;
      StateFile.prototype.writeBack = () => {
        throw new StateFault(path, "cannot be written", "make room");
      };
      run.announce(new Uint8Array(20).fill(1), Uint8Array.of(10, 0, 0, 1), 1, true, EVENT_NONE);
      assert.deepEqual([run.keeper.pass(), run.keeper.pass()], [1, 0]);
      StateFile.prototype.writeBack = writeBack;
      assert.equal(run.keeper.pass(), 0);
      assert.equal(counterRow(run.start.counters, 0)[COUNTER.stateFaults], 2);
      assert.match(run.lines[1]!, /^state: all is saved, but the file could not be put in order, .*; make room$/);
      assert.deepEqual(run.lines.slice(2), ["state: the file can be written again, and is complete"]);
      run.keeper.stop();
    } finally {
      clock.giveBack();
    }
    const file = StateFile.open(path, { readOnly: true }), minutes = [...file.history.minutes()];
    file.close();
    assert.equal(minutes.reduce((sum, each) => sum + each.figures[FIGURES.indexOf("tcpAnnounces")]!, 0), 5);
  }),
);

/** The wall clock, moved by hand, and what waits for a time of it. */
class HandClock {
  readonly #now = Date.now;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #waiting: (() => void)[] = [];
  #ms = 29_694_240 * 60_000;

  constructor() {
    Date.now = () => this.#ms;
    globalThis.setTimeout = ((work: () => void) => this.#waiting.push(work)) as unknown as typeof setTimeout;
  }

  /** The minute ends: the last that began to wait is who waits for it. */
  nextMinute(): void {
    this.#ms += 60_000;
    this.#waiting.at(-1)!();
  }

  giveBack(): void {
    Date.now = this.#now;
    globalThis.setTimeout = this.#setTimeout;
  }
}
