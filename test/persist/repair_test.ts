/** A repair of a state file: what can be read is salvaged, and nothing is lost that was there. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED } from "../../src/bittorrent/announce.ts";
import { FIGURES } from "../../src/persist/history_minutes.ts";
import { repairState } from "../../src/persist/repair.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { damageFile, fillState, listFolder, StateRun, withDatabase, withStatePath } from "../support/state.ts";

const HASH = new Uint8Array(20).fill(7);

Deno.test(
  "repairState() salvages what is readable, and sets the damaged file aside",
  withStatePath((path) => {
    fillState(path, 5000);
    damageFile(path, 0.3, 0.5);
    const lines: string[] = [], run = new StateRun(path, { repair: true, peerAgeMinutesMax: 30_000 });
    const { torrents } = run.store.totals();
    run.keeper.stop();
    assert.ok(torrents > 200 && torrents < 5000, `${torrents} of 5000`);
    assert.ok(Deno.statSync(`${path}.damaged`).size > 0);
    assert.match(run.lines[0]!, /^state: \d+ torrents were salvaged from .*, which is kept as .*\.damaged$/);
    repairState(path, (line) => lines.push(line));
    assert.match(lines[0]!, /is sound, there is nothing to repair$/);
  }),
);

Deno.test(
  "repairState() salvages what is left of a file that was cut off",
  withStatePath((path) => {
    fillState(path, 5000);
    Deno.truncateSync(path, Math.floor(Deno.statSync(path).size * 0.95));
    assert.throws(() => new StateRun(path), /is damaged; start once with --state-repair/);
    const lines: string[] = [];
    repairState(path, (line) => lines.push(line));
    const file = StateFile.open(path), { torrents } = file.summary();
    assert.deepEqual(file.problems(), []);
    file.close();
    assert.ok(torrents > 3000 && torrents < 5000, `${torrents} of 5000`);
    assert.ok(lines[0]!.startsWith(`state: ${torrents} torrents were salvaged from `), lines[0]);
  }),
);

Deno.test(
  "repairState() keeps the minutes of the history that can be read",
  withStatePath((path) => {
    const minute = Math.floor(Date.now() / 60_000), written = StateFile.open(path);
    // Forty days: hundreds of pages, of which a part is damaged.
    for (let i = 0; i < 40 * 4; i++) {
      const first = minute - minute % 360 - i * 360;
      const minutes = Array.from({ length: 360 }, (_, at) => ({
        minute: first + at,
        figures: FIGURES.map((_, figure) => 1_000_000 + (i * 7919 + at * 104_729 + figure * 31) % 100_000),
      }));
      written.history.saveBlock(first, minutes);
    }
    const before = written.history.summary().minutes;
    written.close();
    damageFile(path, 0.4, 0.5);
    const lines: string[] = [];
    repairState(path, (line) => lines.push(line));
    const file = StateFile.open(path), after = [...file.history.minutes()];
    file.close();
    assert.ok(after.length > before / 2 && after.length < before, `${after.length} of ${before}`);
    assert.ok(after.every(({ figures }) => figures.every((value) => value >= 1_000_000 && value < 1_100_000)));
    assert.ok(lines[0]!.includes(` and ${after.length} minutes of history were salvaged from `), lines[0]);
  }),
);

Deno.test(
  "repairState() leaves the files of others alone",
  withStatePath((path) => {
    withDatabase(path, "CREATE TABLE cookies (name TEXT)");
    const before = listFolder(path);
    assert.throws(() => repairState(path, () => {}), /is the database of another program/);
    assert.deepEqual(listFolder(path), before);
  }),
);

Deno.test(
  "repairState() that cannot write leaves everything as it was, and a later one keeps what an earlier one set aside",
  withStatePath((path) => {
    const lines: string[] = [], say = (line: string) => lines.push(line);
    fillState(path, 5000);
    damageFile(path, 0.3, 0.5);
    const first = Deno.readFileSync(path), before = listFolder(path);
    assert.throws(() => repairState(path, say, { pagesMax: 12 }), /cannot be written: the disk is full; make room/);
    assert.deepEqual([listFolder(path), Deno.readFileSync(path), lines], [before, first, []]);
    repairState(path, say);
    damageFile(path, 0.3, 0.5);
    const second = Deno.readFileSync(path);
    repairState(path, say);
    assert.deepEqual([Deno.readFileSync(`${path}.damaged`), Deno.readFileSync(`${path}.damaged.2`)], [first, second]);
    assert.match(lines[1]!, /, which is kept as .*\.damaged\.2$/);
    assert.deepEqual(
      listFolder(path),
      ["", ".damaged", ".damaged.2", ".lock", ".lock.sqlite"].map((end) => `tracker.sqlite${end} 600`),
    );
  }),
);

Deno.test(
  "repairState() keeps the log of what it sets aside, as secret as the file",
  withStatePath((path) => {
    const run = new StateRun(`${path}.whole`);
    run.announce(HASH, Uint8Array.of(10, 0, 0, 1), 1, true, EVENT_COMPLETED);
    run.keeper.pass();
    const log = Deno.readFileSync(`${path}.whole-wal`);
    for (const end of ["", "-wal", "-shm"]) {
      assert.equal(Deno.statSync(`${path}.whole${end}`).mode! & 0o777, 0o600, end);
      Deno.copyFileSync(`${path}.whole${end}`, path + end);
    }
    run.keeper.stop();
    damageFile(path, 0, 1);
    repairState(path, () => {});
    assert.deepEqual(Deno.readFileSync(`${path}.damaged-wal`), log);
    assert.deepEqual(
      listFolder(path).filter((file) => !file.includes("whole")),
      ["", ".damaged", ".damaged-wal", ".lock", ".lock.sqlite"].map((end) => `tracker.sqlite${end} 600`),
    );
  }),
);

Deno.test(
  "StateFile.open() puts what an interrupted repair had ready in its place, and nothing that is not whole",
  withStatePath((path) => {
    Deno.writeTextFileSync(`${path}.new`, "half a file");
    fillState(`${path}.repaired`, 10);
    // Set aside already, but for the log, which has been copied.
    Deno.writeTextFileSync(`${path}-wal`, "the log of the damaged file");
    const file = StateFile.open(path);
    assert.deepEqual([file.isFresh, [...file.rows()].length, file.problems()], [false, 10, []]);
    file.close();
    Deno.removeSync(path);
    const anew = StateFile.open(path);
    assert.deepEqual([anew.isFresh, [...anew.rows()].length], [true, 0]);
    anew.close();
  }),
);
