/** `tracker state`: what one file holds goes out as lines and into another, and comes back the same. */
import assert from "node:assert/strict";
import { Command } from "commander";
import { EVENT_COMPLETED, EVENT_NONE } from "../../src/bittorrent/announce.ts";
import { registerState, type StateRim } from "../../src/cli/state.ts";
import { type Figure, FIGURES } from "../../src/persist/history_minutes.ts";
import { textLines } from "../../src/cli/text_lines.ts";
import { formatJsonLine, parseJsonLine } from "../../src/persist/json_lines.ts";
import { StateFile, type StateRow } from "../../src/persist/state_file.ts";
import { formatDumpLine, parseDumpLine } from "../../src/persist/statedump.ts";
import { seededRandom } from "../support/random.ts";
import { listFolder, StateRun, withStatePath } from "../support/state.ts";

/** A minute of 2026. */
const MINUTE = 29_694_240;
/** What `tracker state` takes for now. */
const NOW_MS = (MINUTE + 100) * 60_000;

/** Runs `tracker state` with `words`; `input` is its stdin. `rim`: where the world is another. */
async function state(
  words: string[],
  input = "",
  rim: Partial<StateRim> = {},
): Promise<{ exitCode: number; out: string; errors: string }> {
  let exitCode = 0, out = "", errors = "";
  const command = new Command("tracker state").exitOverride();
  const register = registerState({
    write: (text) => out += text,
    printError: (line) => errors += `${line}\n`,
    read: async (path) => path === "-" ? new Blob([input]).stream() : (await Deno.open(path)).readable,
    now: () => NOW_MS,
    ...rim,
  });
  register(command, (code) => exitCode = code);
  await command.parseAsync(words, { from: "user" });
  return { exitCode, out, errors };
}

function rowsOf(path: string): StateRow[] {
  const file = StateFile.open(path, { readOnly: true });
  try {
    return [...file.rows()];
  } finally {
    file.close();
  }
}

/** A file with torrents of both families, one of them large. */
function fill(path: string): StateRun {
  const run = new StateRun(path), random = seededRandom("state command");
  for (let i = 0; i < 400; i++) {
    const infoHash = i < 200 ? new Uint8Array(20).fill(9) : random.bytes(20);
    const event = random.oneIn(2) ? EVENT_COMPLETED : EVENT_NONE;
    run.announce(infoHash, random.bytes(random.oneIn(2) ? 4 : 16), 1 + i, random.oneIn(2), event);
  }
  run.keeper.pass();
  return run;
}

Deno.test(
  "tracker state export and import bring everything into another file, as JSON lines",
  withStatePath(async (path) => {
    const run = fill(path), other = `${path}.other`;
    const exported = await state(["export", path]);
    run.keeper.stop();
    assert.equal(exported.exitCode, 0);
    const imported = await state(["import", other], exported.out, { now: Date.now });
    assert.equal(imported.out, `${rowsOf(path).length} torrents imported, 0 had nothing to keep, 0 lines were none\n`);
    assert.deepEqual(rowsOf(other), rowsOf(path));
    assert.equal((await state(["import", other], exported.out, { now: Date.now })).exitCode, 0);
    assert.deepEqual(rowsOf(other), rowsOf(path), "twice changes nothing");
  }),
);

Deno.test(
  "tracker state export --statedump writes opentracker's lines, and import keeps the peers it does not know of",
  withStatePath(async (path) => {
    fill(path).keeper.stop();
    const { out } = await state(["export", "--statedump", path]), before = rowsOf(path);
    assert.match(out, /^([0-9A-F]{40}:\d+:\d+\n)+$/);
    assert.equal((await state(["import", path], out, { now: Date.now })).exitCode, 0);
    assert.deepEqual(rowsOf(path), before);
    const nothing = `${"cd".repeat(20)}:1:0\n${before[0]!.infoHash.toHex()}:1:0\n`;
    const higher = `${before[0]!.infoHash.toHex()}:1:70\nnonsense\n${nothing}`;
    assert.equal(
      (await state(["import", path], higher, { now: Date.now })).out,
      "2 torrents imported, 1 had nothing to keep, 1 lines were none\n",
    );
    assert.deepEqual(rowsOf(path)[0], { ...before[0], completed: 70 });
    const other = `${path}.other`,
      later = { ...before[0]!, infoHash: new Uint8Array(20).fill(1), touched: 4_000_000_000 };
    const { exitCode } = await state(["import", other], `${formatJsonLine(later)}\n${"ab".repeat(20)}:9999999999:7\n`);
    assert.deepEqual([exitCode, rowsOf(other).map(({ touched }) => touched)], [0, [MINUTE + 100, MINUTE + 100]], "now");
  }),
);

Deno.test(
  "tracker state backup copies a file in use, for its owner alone, and never over another",
  withStatePath(async (path) => {
    const run = fill(path), copy = `${path}.copy`;
    assert.equal((await state(["backup", path, copy])).exitCode, 0);
    assert.deepEqual(rowsOf(copy), rowsOf(path));
    assert.equal(Deno.statSync(copy).mode! & 0o777, 0o600);
    const again = await state(["backup", path, copy]);
    assert.deepEqual([again.exitCode, again.errors], [
      1,
      `The state file ${JSON.stringify(copy)} exists; name a new file\n`,
    ]);
    run.keeper.stop();
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.fill(0xa5, bytes.length / 2));
    const damaged = await state(["backup", path, `${path}.other`]);
    assert.deepEqual(damaged.exitCode, 1);
    assert.ok(damaged.errors.startsWith(`The state file ${JSON.stringify(path)} is damaged`), damaged.errors);
    assert.throws(() => Deno.statSync(`${path}.other`), Deno.errors.NotFound);
  }),
);

Deno.test(
  "tracker state backup makes a copy without the free pages of the file, which others write to meanwhile",
  withStatePath(async (path) => {
    const run = fill(path), random = seededRandom("state backup"), copy = `${path}.copy`;
    const writer = StateFile.open(path, { isLocked: true });
    const row = { completed: 1, touched: MINUTE, seeders4: 0, peers4: null, seeders6: 0, peers6: null };
    const hashes = Array.from({ length: 5000 }, () => random.bytes(20));
    writer.transaction(() => hashes.forEach((infoHash) => writer.save({ ...row, infoHash })));
    writer.transaction(() => hashes.forEach((infoHash) => writer.save({ ...row, infoHash, completed: 0 })));
    const before = rowsOf(path), copied = state(["backup", path, copy]);
    const writing = setInterval(() => writer.save({ ...row, infoHash: random.bytes(20) }), 0);
    assert.deepEqual(await copied, { exitCode: 0, out: "", errors: "" });
    clearInterval(writing);
    assert.deepEqual(listFolder(path).filter((file) => file.includes("copy")), ["tracker.sqlite.copy 600"]);
    const { bytes } = writer.summary();
    writer.close();
    const kept = new Set(rowsOf(copy).map(({ infoHash }) => infoHash.toHex()));
    assert.deepEqual(before.filter(({ infoHash }) => !kept.has(infoHash.toHex())), []);
    assert.ok(Deno.statSync(copy).size < bytes / 2, `${Deno.statSync(copy).size} of ${bytes} bytes`);
    run.keeper.stop();
  }),
);

Deno.test(
  "tracker state backup makes no copy where a start would take it for its own",
  withStatePath(async (path) => {
    StateFile.open(path).close();
    const folder = path.replace(/\/[^/]*$/, "");
    for (const end of [".new", ".repaired", ".damaged.2", ".new-journal"]) {
      const target = `${folder}/../${folder.split("/").at(-1)}/tracker.sqlite${end}`;
      const { exitCode, errors } = await state(["backup", path, target]);
      assert.equal(exitCode, 1, target);
      assert.match(errors, /has the name of a file that the tracker makes and removes itself; name another\n$/);
      assert.throws(() => Deno.statSync(target), Deno.errors.NotFound);
    }
    Deno.mkdirSync(`${folder}/copies`);
    assert.equal((await state(["backup", path, `${folder}/copies/tracker.sqlite.new`])).exitCode, 0);
  }),
);

Deno.test(
  "tracker state info counts what a file in use holds",
  withStatePath(async (path) => {
    const run = fill(path), { out } = await state(["info", path]), totals = run.store.totals();
    assert.match(out, new RegExp(`^torrents: +${totals.torrents}$`, "m"));
    assert.match(out, new RegExp(`^IPv4 peers: +${totals.seeders4 + totals.leechers4}$`, "m"));
    assert.match(out, new RegExp(`^IPv6 peers: +${totals.seeders6 + totals.leechers6}$`, "m"));
    assert.match(out, /^integrity: +ok$/m);
    run.keeper.stop();
  }),
);

Deno.test(
  "tracker state history prints the minutes of a file in use, in columns or as JSON",
  withStatePath(async (path) => {
    const run = new StateRun(path), file = StateFile.open(`${path}.history`);
    assert.match((await state(["info", path])).out, /^history: +none$/m);
    assert.equal((await state(["history", path])).out.split("\n").length, 2, "a line of names");
    const given: Partial<Record<Figure, number>> = { seconds: 60, seeders4: 3, seeders6: 4, udpAnnounces: 1_000_000 };
    for (const at of [0, 1, 90]) {
      file.history.add({ minute: MINUTE + at, figures: FIGURES.map((name) => given[name] ?? at) });
    }
    const lines = (await state(["history", file.path])).out.trimEnd().split("\n");
    assert.deepEqual(lines.map((line) => line.length), lines.map(() => lines[0]!.length), lines.join("\n"));
    assert.match(lines[2]!, /^2026-06-17T00:01Z +60 +1 +7 +2 +1000001 +2 +1 /);
    assert.equal(lines.length, 4);
    const json = (await state(["history", file.path, "--json", "--since", "11m"])).out.trimEnd().split("\n");
    assert.deepEqual(json.map((line) => JSON.parse(line)), [
      { minute: MINUTE + 90, ...Object.fromEntries(FIGURES.map((name) => [name, given[name] ?? 90])) },
    ]);
    assert.match((await state(["info", file.path])).out, /^history: +3 minutes since 2026-06-17T00:00Z$/m);
    file.close();
    run.keeper.stop();
  }),
);

Deno.test(
  "tracker state history --since takes times and spans",
  withStatePath(async (path) => {
    const file = StateFile.open(path),
      rows: [since: string, want: number][] = [
        ["2026-06-17", 101],
        ["2026-06-18", 0],
        ["2026-06-17T00:05", 96],
        ["2026-06-17T00:05:59Z", 96],
        ["2026-06-17T02:10:30+02:00", 91],
        ["1h", 61],
        ["1d", 101],
        ["999999d", 101],
        ["0m", 1],
      ];
    for (let at = 0; at <= 100; at++) file.history.add({ minute: MINUTE + at, figures: FIGURES.map(() => 1) });
    file.close();
    for (const [since, want] of rows) {
      const { out } = await state(["history", path, "--json", "--since", since]);
      assert.equal(out.split("\n").length - 1, want, since);
    }
    for (const since of ["", "yesterday", "7", "7w", "2026-13-01", "2026-06-16 20:00"]) {
      const { exitCode, errors } = await state(["history", path, "--since", since]);
      assert.deepEqual([exitCode, errors], [
        1,
        "Cannot start: --since must be a time such as 2026-11-20 or 2026-11-20T10:00Z, or a span such as 90m, 24h or 7d, " +
        `and is ${JSON.stringify(since)}\n`,
      ]);
    }
  }),
);

Deno.test(
  "tracker state answers mistakes with one sentence and 1",
  withStatePath(async (path) => {
    const text = `${path}.txt`;
    Deno.writeTextFileSync(text, "notes\n".repeat(1000));
    const rows = [
      { words: ["info", path], want: "does not exist; name one that does" },
      { words: ["export", text], want: "is not a database" },
      { words: ["import", path, `${path}.no`], want: "cannot be read" },
      { words: ["import", path, path.replace(/\/[^/]*$/, "")], want: "cannot be read (Is a directory" },
    ];
    for (const { words, want } of rows) {
      const { exitCode, errors } = await state(words);
      assert.equal(exitCode, 1);
      assert.ok(errors.includes(want) && errors.split("\n").length === 2, errors);
    }
    assert.deepEqual(listFolder(path), ["tracker.sqlite.txt 644"], "no file was made for nothing");
    StateFile.open(path).close();
    assert.match(
      (await state(["backup", path, `${path}.no/x`])).errors,
      /x" cannot be made: its folder does not exist/,
    );
    const run = new StateRun(`${path}.used`);
    const ends: [end: Error, exitCode: number, errors: string][] = [
      [new Deno.errors.BrokenPipe("Broken pipe (os error 32)"), 0, ""],
      [systemError("ENOSPC", "No space left on device"), 1, "Cannot write the output: No space left on device\n"],
    ];
    for (const [end, ...want] of ends) {
      const { exitCode, errors } = await state(["info", run.start.path], "", {
        write: () => {
          throw end;
        },
      });
      assert.deepEqual([exitCode, errors], want);
    }
    assert.match((await state(["import", `${path}.used`], "")).errors, /is kept by another tracker that runs/);
    run.keeper.stop();
  }),
);

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

Deno.test("textLines() gives lines whole however they come, and cuts those that are too long", async () => {
  const linesOf = async (...pieces: string[]) => {
    const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    const lines: string[] = [];
    for await (const line of textLines(bytes, 8)) lines.push(line);
    return lines;
  };
  const rows: [pieces: string[], want: string[]][] = [
    [[], [""]],
    [["a\nb\n"], ["a", "b", ""]],
    [["a", "b\n\nc", "d"], ["ab", "", "cd"]],
    [["12345678\n1"], ["12345678", "1"]],
    [["1234", "5678", "9", "\nnext"], ["1234", "next"]],
    [["123456789\nnext"], ["12345678", "next"]],
  ];
  for (const [pieces, want] of rows) assert.deepEqual(await linesOf(...pieces), want, JSON.stringify(pieces));
});

Deno.test("parseJsonLine() refuses what is not a torrent, and gives back what formatJsonLine() wrote", () => {
  const row: StateRow = {
    infoHash: new Uint8Array(20).fill(1),
    completed: 2,
    touched: 3,
    seeders4: 1,
    peers4: Uint8Array.of(10, 0, 0, 1, 0x1a, 0xe1, 4, 0x80, 10, 0, 0, 2, 0, 80, 0, 0),
    seeders6: 0,
    peers6: null,
  };
  const line = formatJsonLine(row);
  assert.deepEqual(parseJsonLine(line), row);
  const bad = [
    "",
    "{",
    "[]",
    "null",
    line.replace("01", "0x"),
    line.replace("10.0.0.1", "10.0.0.256"),
    line.replace("6881", "0"),
  ];
  for (const text of [...bad, line.replace('"completed":2', '"completed":-1')]) {
    assert.equal(parseJsonLine(text), null, text);
  }
});

Deno.test("parseDumpLine() reads what formatDumpLine() and opentracker write, and nothing else", () => {
  const torrent = { infoHash: new Uint8Array(20).fill(0xab), touched: 29_000_000, completed: 7 };
  assert.equal(formatDumpLine(torrent), `${"AB".repeat(20)}:29000000:7`);
  assert.deepEqual(parseDumpLine(`${"ab".repeat(20)}:29000000:7 and more`), torrent);
  for (const text of ["", "ab".repeat(20), `${"ab".repeat(19)}:1:1`, `${"xy".repeat(20)}:1:1`]) {
    assert.equal(parseDumpLine(text), null, text);
  }
});
