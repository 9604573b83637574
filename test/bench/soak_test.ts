/** The soak: that it sees what differs, when it calls memory flat, and a few seconds of it with a real tracker. */
import assert from "node:assert/strict";
import { removeScratchFolders } from "../../bench/scratch.ts";
import { GROWTH_BYTES_MAX, JUDGED_SECONDS_MIN, judgeMemory, type Sample } from "../../bench/soak/memory.ts";
import { type Account, compare, type Counts, type Expectation } from "../../bench/soak/model.ts";
import { soak, type SoakSize } from "../../bench/soak/run.ts";
import { seededRandom } from "../support/random.ts";
import { testWith } from "../support/programs.ts";

const COUNTS: Counts = { seeders: 1, leechers: 2, completed: 3 },
  NOTHING: Counts = { seeders: 0, leechers: 0, completed: 0 };

/** An account of torrents by name. */
function account(torrents: Record<string, Counts & { isCertain?: boolean }>): Account {
  const expected = Object.entries(torrents).map(([infoHash, counts]): Expectation => {
    return { infoHash, isCertain: true, ...counts };
  });
  return { expected: () => expected, completed: expected.reduce((sum, { completed }) => sum + completed, 0) };
}

Deno.test("compare() finds no fault with what is as the accounts say, and names what is not", () => {
  const certain = { a: COUNTS }, maybe = { a: { ...COUNTS, isCertain: false } };
  const rows: {
    name: string;
    torrents: Parameters<typeof account>[0];
    seen: Record<string, Counts>;
    want: RegExp[];
  }[] = [
    { name: "the same", torrents: certain, seen: certain, want: [] },
    {
      name: "gone",
      torrents: certain,
      seen: {},
      want: [/^a: it is not there/, /0 torrents, and 1/, /seeders/, /leechers/],
    },
    {
      name: "another count",
      torrents: certain,
      seen: { a: { ...COUNTS, leechers: 1 } },
      want: [/^a: 1 seeders, 1 leechers, 3 completed, and should be 1 seeders, 2 leechers/, /1 leechers, and 2 are/],
    },
    {
      name: "nobody's",
      torrents: certain,
      seen: { a: COUNTS, b: NOTHING },
      want: [/^b: nobody/, /2 torrents, and 1 are/],
    },
    { name: "uncertain and there", torrents: maybe, seen: { a: COUNTS }, want: [] },
    { name: "uncertain and gone", torrents: maybe, seen: {}, want: [] },
    { name: "uncertain and emptied", torrents: maybe, seen: { a: { ...NOTHING, completed: 3 } }, want: [] },
    {
      name: "uncertain and otherwise",
      torrents: maybe,
      seen: { a: { ...COUNTS, seeders: 2 } },
      want: [/^a: 2 seeders/, /2 seeders, and 0 to 1 are there/],
    },
    { name: "empty and not listed", torrents: { a: { ...NOTHING, isCertain: false } }, seen: {}, want: [] },
  ];
  for (const { name, torrents, seen, want } of rows) {
    const own = account(torrents), counts = Object.values(seen);
    const sum = (of: keyof Counts) => counts.reduce((sum, one) => sum + one[of], 0);
    const totals = {
      torrents: counts.length,
      seeders: sum("seeders"),
      leechers: sum("leechers"),
      completed: own.completed,
    };
    const differences = compare([own], new Map(Object.entries(seen)), totals);
    assert.equal(differences.length, want.length, `${name}: ${differences.join("; ")}`);
    for (const [i, pattern] of want.entries()) assert.match(differences[i]!, pattern, name);
  }
});

Deno.test("compare() holds the completed downloads of all accounts against the statistics", () => {
  const accounts = [account({ a: COUNTS }), account({ b: COUNTS })];
  const seen = new Map(Object.entries({ a: COUNTS, b: COUNTS }));
  const totals = { torrents: 2, seeders: 2, leechers: 4, completed: 6 };
  assert.deepEqual(compare(accounts, seen, totals), []);
  assert.deepEqual(compare(accounts, seen, { ...totals, completed: 5 }), [
    "the statistics say 5 completed, and there were 6",
  ]);
});

Deno.test("judgeMemory() holds the last third against the middle third, and leaves the warm-up out", () => {
  const seconds = JUDGED_SECONDS_MIN, base = 100 << 20;
  const samples = (bytes: (second: number) => number): Sample[] =>
    Array.from({ length: seconds }, (_, second) => ({ seconds: second, bytes: bytes(second) }));
  const leak = 1.1 * GROWTH_BYTES_MAX / (seconds / 3);
  const rows: { name: string; bytes: (second: number) => number; want: boolean }[] = [
    { name: "flat", bytes: () => base, want: true },
    { name: "grows in its warm-up only", bytes: (second) => base + Math.min(second, seconds / 3) * 1e6, want: true },
    { name: "shrinks", bytes: (second) => base - second * 1000, want: true },
    { name: "goes up and down", bytes: (second) => base + (second % 7) * (3 << 20), want: true },
    { name: "has a peak", bytes: (second) => base + (second === 500 ? 1e9 : 0), want: true },
    { name: "leaks", bytes: (second) => base + second * leak, want: false },
    { name: "jumps in its last third", bytes: (second) => base + (second > seconds * 0.7 ? 17 << 20 : 0), want: false },
  ];
  for (const { name, bytes, want } of rows) assert.equal(judgeMemory(samples(bytes), seconds).isFlat, want, name);
  assert.equal(judgeMemory(samples((second) => base + second * 1e6), seconds - 1).isFlat, null, "too short to say");
});

const SIZE: SoakSize = {
  crowd: { torrents: 300, peers: 1000 },
  walkers: 3,
  passersBy: 50,
  burstSeconds: 0.2,
  roundSeconds: 1,
};

testWith(["cc"], "a few seconds of soak: every count is as the model's", async () => {
  const { seed } = seededRandom("soak"), rounds: string[] = [];
  try {
    const report = await soak({ seconds: 2, seed, size: SIZE, tell: (line) => rounds.push(line) });
    assert.deepEqual(report.wrong, []);
    assert.ok(report.rounds >= 1 && report.rounds === rounds.length);
    const { crowd, walkers, passersBy, pages } = report.answers;
    assert.ok(crowd >= SIZE.crowd.peers && walkers > 0 && passersBy >= 50 && pages > 2 && report.nuisances > 0);
    assert.ok(report.samples.length > 0 && report.samples.every(({ bytes }) => bytes > 1 << 20));
    assert.equal(report.memory.isFlat, null);
  } finally {
    removeScratchFolders();
  }
});

testWith(["cc"], "a soak that is interrupted says so and stops its tracker", async () => {
  const { seed } = seededRandom("soak, interrupted"), interrupted = new AbortController();
  try {
    const tell = () => interrupted.abort();
    const report = await soak({ seconds: 3600, seed, size: SIZE, signal: interrupted.signal, tell });
    assert.deepEqual(report.wrong, ["it was interrupted"]);
  } finally {
    removeScratchFolders();
  }
});
