/**
 * The history: each event is counted once and in its minute, whatever the clock, the disk and restarts do, and 400 days
 * of a busy tracker take what is promised. DAYS says how many are written to see it (default 5).
 */
import assert from "node:assert/strict";
import { EVENT_NONE } from "../../src/bittorrent/announce.ts";
import { createHistoryMemory, History } from "../../src/persist/history.ts";
import {
  BLOCK_MINUTES,
  decodeBlock,
  encodeBlock,
  type Figure,
  FIGURES,
  type HistoryMinute,
} from "../../src/persist/history_minutes.ts";
import { HISTORY_DAYS } from "../../src/persist/history_table.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { COUNTER, counterRow, createCounters } from "../../src/stats/counters.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { StateRun, withStatePath } from "../support/state.ts";

const DAYS = Number(Deno.env.get("DAYS") ?? 5);
const BYTES_MAX = 40_000_000;
/** A minute of 2026, the first of an hour. */
const START = 29_694_240;

function figure(minute: HistoryMinute | undefined, name: Figure): number {
  return minute!.figures[FIGURES.indexOf(name)]!;
}

function minuteOf(minute: number, given: Partial<Record<Figure, number>> = {}): HistoryMinute {
  return { minute, figures: FIGURES.map((name) => given[name] ?? 0) };
}

/** A tracker's run as the history sees it, its two clocks moved by hand. */
class Run {
  readonly memory = createHistoryMemory();
  readonly counters = createCounters(2);
  readonly arena = createArena(16, new Int32Array(4));
  history: History;
  second = 0;

  constructor(readonly file: StateFile, public wallSecond: number) {
    this.history = this.#begin();
  }

  /** Time goes on, and an announce comes each second. */
  live(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      counterRow(this.counters, i % 2)[COUNTER.udpAnnounces]!++;
      this.second++;
      this.wallSecond++;
      if (this.wallSecond % 60 === 0) this.history.turn(this.wallSecond / 60, this.second);
    }
  }

  /** The wall clock is set; the keeper sees it at its next look. */
  setWall(bySeconds: number): void {
    this.wallSecond += bySeconds;
    this.history.turn(Math.floor(this.wallSecond / 60), this.second);
  }

  save(): void {
    this.file.transaction(() => this.history.save(this.file.history, (line) => assert.fail(line)));
    this.history.noteSaved();
  }

  stop(): void {
    this.history.close(this.second);
    this.save();
  }

  /** The keeper failed, and another takes its place. */
  replaceKeeper(): void {
    this.history = this.#begin();
  }

  #begin(): History {
    const source = { arena: this.arena, counters: this.counters, memory: this.memory };
    return new History(source, Math.floor(this.wallSecond / 60), this.second);
  }
}

/** What happens, and the announces and seconds the file has then by minute after START. */
const STORIES: readonly { name: string; tell: (file: StateFile) => void; want: Record<number, [number, number]> }[] = [
  {
    name: "three minutes",
    tell: (file) => {
      const run = new Run(file, START * 60);
      run.live(60);
      run.save();
      run.live(130);
      run.stop();
    },
    want: { 0: [60, 60], 1: [60, 60], 2: [60, 60], 3: [10, 10] },
  },
  {
    name: "a start and a stop within a minute, and another start in it",
    tell: (file) => {
      const run = new Run(file, START * 60 + 10);
      run.live(20);
      run.stop();
      const next = new Run(file, START * 60 + 40);
      next.live(25);
      next.stop();
    },
    want: { 0: [40, 40], 1: [5, 5] },
  },
  {
    name: "a clock set an hour ahead",
    tell: (file) => {
      const run = new Run(file, START * 60);
      run.live(30);
      run.setWall(3600);
      run.live(90);
      run.stop();
    },
    want: { 0: [30, 30], 60: [30, 30], 61: [60, 60], 62: [0, 0] },
  },
  {
    name: "a clock set back an hour",
    tell: (file) => {
      const run = new Run(file, (START + 60) * 60);
      run.live(60);
      run.setWall(-3600);
      run.live(3600 - 60 + 60);
      run.stop();
    },
    want: {
      ...Object.fromEntries(Array.from({ length: 59 }, (_, i) => [i + 1, [60, 60]])),
      60: [120, 120],
      61: [0, 0],
    },
  },
  {
    name: "a clock set back some seconds, over the end of a minute",
    tell: (file) => {
      const run = new Run(file, START * 60);
      run.live(61);
      run.save();
      run.setWall(-10);
      run.live(70);
      run.stop();
    },
    want: { 0: [69, 69], 1: [61, 61], 2: [1, 1] },
  },
  {
    name: "a keeper that fails before it has written a minute: that one is a gap",
    tell: (file) => {
      const run = new Run(file, START * 60);
      run.live(60);
      run.save();
      run.live(60);
      run.replaceKeeper();
      run.live(60);
      run.stop();
    },
    want: { 0: [60, 60], 2: [60, 60], 3: [0, 0] },
  },
  {
    name: "a tracker that takes over, while the other answers its last connections",
    tell: (file) => {
      const old = new Run(file, START * 60), next = new Run(file, START * 60 + 20);
      old.live(30);
      next.second = 10;
      next.history.begin(START, next.second);
      next.wallSecond = START * 60 + 30;
      old.history.yieldTo(old.second);
      counterRow(old.counters, 0)[COUNTER.udpKernelDrops] = 5;
      old.live(50);
      old.stop();
      next.live(90);
      next.stop();
    },
    want: { 0: [30 + 30 + 30, 60], 1: [20 + 60, 60], 2: [0, 0] },
  },
];

for (const { name, tell, want } of STORIES) {
  Deno.test(
    `History counts each announce once: ${name}`,
    withStatePath((path) => {
      const file = StateFile.open(path);
      tell(file);
      const got = [...file.history.minutes()].map((each) =>
        [each.minute - START, [figure(each, "udpAnnounces"), figure(each, "seconds")]] as const
      );
      assert.deepEqual(Object.fromEntries(got), want);
      assert.ok([...file.history.minutes()].every((each) => figure(each, "udpKernelDrops") === 0));
      assert.equal(file.history.summary().minutes, got.length);
      file.close();
    }),
  );
}

Deno.test(
  "History keeps a day of minutes while the file cannot be written, and older ones are gaps",
  withStatePath((path) => {
    const file = StateFile.open(path), run = new Run(file, START * 60);
    run.live(60 * 1500);
    const cannot = () =>
      file.transaction(() => {
        run.history.save(file.history, (line) => assert.fail(line));
        throw Object.assign(new Error("disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
      });
    assert.throws(cannot, /cannot be written: the disk is full/);
    assert.deepEqual([...file.history.minutes()], []);
    run.save();
    run.save();
    const minutes = [...file.history.minutes()];
    assert.deepEqual([minutes.length, minutes[0]!.minute - START], [1440, 60]);
    assert.ok(minutes.every((each) => figure(each, "udpAnnounces") === 60));
    file.close();
  }),
);

Deno.test(
  "Keeper writes what the store holds and what was counted, and the rest of the last minute at its stop",
  withStatePath((path) => {
    for (let i = 0; i < 2; i++) {
      const run = new StateRun(path, { history: createHistoryMemory() });
      run.announce(new Uint8Array(20).fill(1), Uint8Array.of(10, 0, 0, 1), 1, true, EVENT_NONE);
      run.announce(new Uint8Array(20).fill(1), new Uint8Array(16).fill(32), 2, false, EVENT_NONE);
      const counters = counterRow(run.start.counters, 0);
      counters[COUNTER.tcpAnnounces] = 2;
      counters[COUNTER.refusals + 3] = 3;
      counters[COUNTER.refusals + 7] = 4;
      counters[COUNTER.httpErrors + 8] = 5;
      run.keeper.stop();
    }
    const file = StateFile.open(path, { readOnly: true }), minutes = [...file.history.minutes()], last = minutes.at(-1);
    file.close();
    assert.deepEqual(
      [figure(last, "torrents"), figure(last, "seeders4"), figure(last, "leechers6"), figure(last, "leechers4")],
      [1, 1, 1, 0],
    );
    const total = (name: Figure) => minutes.reduce((sum, each) => sum + figure(each, name), 0);
    assert.deepEqual([total("tcpAnnounces"), total("refusals"), total("httpErrors")], [4, 14, 10]);
  }),
);

Deno.test(
  "Keeper without tracker.history writes none",
  withStatePath((path) => {
    new StateRun(path).keeper.stop();
    const file = StateFile.open(path, { readOnly: true });
    assert.deepEqual(file.history.summary(), { minutes: 0, firstMinute: 0 });
    file.close();
  }),
);

Deno.test(
  "HistoryTable keeps 400 days, and a clock far ahead takes only a little of them",
  withStatePath((path) => {
    const file = StateFile.open(path), { history } = file;
    for (let i = 0; i < 10; i++) history.add(minuteOf(START + i * 360));
    history.add(minuteOf(START + HISTORY_DAYS * 1440));
    assert.equal(history.summary().firstMinute, START, "400 days old");
    history.add(minuteOf(START + HISTORY_DAYS * 1440 + 360));
    assert.equal(history.summary().firstMinute, START + 360);
    for (let i = 0; i < 360; i++) history.add(minuteOf(START * 2 + i));
    assert.equal(history.summary().firstMinute, START + 1080, "two blocks for a new one");
    file.close();
  }),
);

Deno.test(
  "HistoryTable begins a block that cannot be read anew, and says so",
  withStatePath((path) => {
    const file = StateFile.open(path), { history } = file;
    history.saveBlock(START, []);
    assert.throws(() => [...history.minutes()], /is damaged \(a part of its history is not as it was written\)/);
    assert.equal(history.add(minuteOf(START + 7)), false);
    assert.equal(history.add(minuteOf(START + 3)), true);
    assert.deepEqual([...history.minutes()].map(({ minute }) => minute), [START + 3, START + 7]);
    file.close();
  }),
);

Deno.test("decodeBlock() gives back what encodeBlock() packed, and refuses the rest", () => {
  const random = seededRandom("history");
  for (let round = 0; round < 50; round++) {
    const minutes = Array.from({ length: 360 }, (_, i) => i).filter((i) => i === 0 || random.oneIn(4)).map((i) => ({
      minute: START + i,
      figures: FIGURES.map(() => random.below(2 ** random.below(32)) * (random.oneIn(20) ? 2 ** 19 : 1)),
    }));
    const bytes = encodeBlock(minutes);
    assert.deepEqual(decodeBlock(START, bytes), minutes);
    assert.equal(decodeBlock(START, bytes.subarray(0, -1)), null);
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    decodeBlock(START, bytes);
    decodeBlock(START, random.bytes(random.below(200)));
  }
  assert.equal(decodeBlock(0, new Uint8Array(0)), null);
});

Deno.test("decodeBlock() reads blocks with fewer figures, and with more", () => {
  const fewer = Uint8Array.of(2, 6, 120, 6, 4, 0, 1);
  assert.deepEqual(decodeBlock(START, fewer), [
    minuteOf(START + 5, { seconds: 60, torrents: 3 }),
    minuteOf(START + 9, { seconds: 60, torrents: 2 }),
  ]);
  const many = FIGURES.length + 1, one = [1, 120, ...Array(many - 1).fill(2)], two = [1, ...Array(many).fill(2)];
  const [first, second] = decodeBlock(0, Uint8Array.from([many, ...one, ...two]))!;
  assert.deepEqual([figure(first, "stateFaults"), figure(second, "stateFaults")], [1, 2]);
});

Deno.test(
  `HistoryTable needs at most 40 MB for 400 days of a busy tracker (${DAYS} days written)`,
  withStatePath((path) => {
    const file = StateFile.open(path), random = seededRandom("history, size"), day = new BusyDays(random);
    const before = Deno.statSync(path).size;
    for (let block = START; block < START + DAYS * 1440; block += BLOCK_MINUTES) {
      const minutes = Array.from({ length: BLOCK_MINUTES }, (_, i) => day.minuteAt(block + i));
      // The last one minute by minute, as the keeper does, which takes a few percent more.
      if (block === START + DAYS * 1440 - BLOCK_MINUTES) {
        for (const each of minutes) file.transaction(() => file.history.add(each));
      } else file.transaction(() => file.history.saveBlock(block, minutes));
    }
    file.close();
    const bytes = Deno.statSync(path).size - before, a400 = bytes / DAYS * HISTORY_DAYS;
    console.log(`${DAYS * 1440} minutes: ${bytes} bytes, ${(a400 / 1e6).toFixed(1)} MB for ${HISTORY_DAYS} days`);
    assert.ok(a400 < BYTES_MAX);
  }),
);

/** A tracker with 10 million peers and 30,000 announces a second by day, half of that by night, never the same twice. */
class BusyDays {
  constructor(readonly random: Random) {}

  minuteAt(minute: number): HistoryMinute {
    const day = 0.75 + 0.25 * Math.sin(minute / 1440 * 2 * Math.PI);
    // Counts within 2 % of what the time of day says, levels within 0.2 %.
    const near = (most: number, share: number) => Math.round(most * day * (1 - share * this.random.below(1e6) / 1e6));
    const about = (most: number) => near(most, 0.02), level = (most: number) => near(most, 0.002);
    const given: Record<Figure, number> = {
      seconds: 60,
      torrents: level(4e6),
      seeders4: level(5e6),
      leechers4: level(3e6),
      seeders6: level(1.2e6),
      leechers6: level(8e5),
      tcpAnnounces: about(600_000),
      tcpAnnounces6: about(90_000),
      udpAnnounces: about(1_200_000),
      udpAnnounces6: about(180_000),
      tcpScrapes: about(60_000),
      tcpScrapes6: about(9000),
      udpScrapes: about(120_000),
      udpScrapes6: about(18_000),
      udpConnects: about(1_100_000),
      tcpAccepts: about(650_000),
      completed: about(12_000),
      refusals: about(30_000),
      httpErrors: about(25_000),
      udpMismatches: about(9000),
      udpDrops: about(4000),
      udpKernelDrops: this.random.oneIn(10) ? about(2000) : 0,
      notStored: this.random.oneIn(10) ? about(5000) : 0,
      fullScrapes: this.random.below(3),
      restarts: 0,
      faults: 0,
      stateFaults: 0,
    };
    return { minute, figures: FIGURES.map((name) => given[name]) };
  }
}
