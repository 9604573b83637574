/** The clock counts the time that the tracker has run. */
import assert from "node:assert/strict";
import { Clock, CLOCK_TICK_MS, ClockHand, createClock, STOPPED_MS } from "../../src/stats/clock.ts";

Deno.test("ClockHand counts seconds, late ticks too, but not the time the process was stopped", () => {
  const rows: readonly { name: string; ticks: readonly number[]; want: number }[] = [
    { name: "on time", ticks: Array.from({ length: 50 }, (_, i) => (i + 1) * CLOCK_TICK_MS), want: 10 },
    { name: "late", ticks: [900, 2100, 2900], want: 2 },
    { name: "as late as is still busy", ticks: [1000, 1000 + STOPPED_MS], want: (1000 + STOPPED_MS) / 1000 },
    { name: "stopped for an hour", ticks: [1000, 3_601_000, 3_601_800], want: 2 },
    { name: "stopped twice", ticks: [1000, 100_000, 200_000, 200_600], want: 2 },
  ];
  for (const { name, ticks, want } of rows) {
    const clock = new Clock(createClock()), startMs = 123_456, hand = new ClockHand(clock, startMs);
    for (const ms of ticks) hand.tick(startMs + ms);
    assert.equal(clock.second, want, name);
  }
});
