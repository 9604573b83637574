/** The state file: every fault is a sentence that names the file and the way out, and no start is silently empty. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { EVENT_COMPLETED } from "../../src/bittorrent/announce.ts";
import { repairState } from "../../src/persist/repair.ts";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from "../../src/persist/schema.ts";
import { StateFault } from "../../src/persist/state_fault.ts";
import { StateFile, type StateRow } from "../../src/persist/state_file.ts";
import { seededRandom } from "../support/random.ts";
import { StateRun, withStatePath } from "../support/state.ts";

const HASH = new Uint8Array(20).fill(7);
const ROW: StateRow = {
  infoHash: HASH,
  completed: 3,
  touched: 29_000_000,
  seeders4: 1,
  peers4: Uint8Array.of(10, 0, 0, 1, 0x1a, 0xe1, 0, 0x80, 10, 0, 0, 2, 0x1a, 0xe1, 5, 0),
  seeders6: 0,
  peers6: new Uint8Array(20).fill(32),
};

const FAULTS: readonly { name: string; prepare: (path: string) => void; want: RegExp }[] = [
  {
    name: "text",
    prepare: (path) => Deno.writeTextFileSync(path, "these are my notes, not a database\n".repeat(200)),
    want: /is not a database; start once with --state-repair to salvage what is readable, or move the file away$/,
  },
  {
    name: "the database of another program",
    prepare: (path) => withDatabase(path, "CREATE TABLE cookies (name TEXT)"),
    want: /is the database of another program; name another file in tracker.state$/,
  },
  {
    name: "a newer schema",
    prepare: (path) => {
      StateFile.open(path).close();
      withDatabase(path, `PRAGMA user_version = ${SCHEMA_VERSION + 7}`);
    },
    want: /was written by a newer version \(schema 9, this one knows 2\); run that version, or name another/,
  },
  {
    name: "a damaged one",
    prepare: (path) => {
      fill(path, 3000);
      damage(path, 0.2, 0.6);
    },
    want: /is damaged.*; start once with --state-repair/,
  },
  {
    name: "a torrent with half a peer",
    prepare: (path) => {
      fill(path, 3);
      withDatabase(path, "UPDATE torrents SET peers4 = x'010203'");
    },
    want: /is damaged \(a torrent of it is not as it was written\); start once with --state-repair/,
  },
  {
    name: "a number that no program wrote",
    prepare: (path) => {
      fill(path, 3);
      withDatabase(path, "UPDATE torrents SET completed = 9007199254740993");
    },
    want: /is damaged/,
  },
  { name: "a folder", prepare: (path) => Deno.mkdirSync(path), want: /is a folder; name another file/ },
  {
    name: "no such folder",
    prepare: (path) => Deno.removeSync(path.replace(/\/[^/]*$/, ""), { recursive: true }),
    want: /cannot be made: its folder does not exist; make the folder$/,
  },
];

for (const { name, prepare, want } of FAULTS) {
  Deno.test(
    `Keeper.start() refuses ${name} in one sentence`,
    withStatePath((path) => {
      prepare(path);
      const before = listFolder(path);
      assert.throws(() => new StateRun(path), (error) => {
        assert.ok(error instanceof StateFault, String(error));
        assert.match(error.message, want);
        assert.ok(error.message.includes(JSON.stringify(path)) && !error.message.includes("\n"), error.message);
        return true;
      });
      assert.deepEqual(listFolder(path), before, "nothing was moved or made");
      if (before.length === 0) Deno.mkdirSync(path.replace(/\/[^/]*$/, ""), { recursive: true });
    }),
  );
}

Deno.test(
  "Keeper.start() refuses a folder that cannot be written to",
  { ignore: Deno.uid() === 0 },
  withStatePath((path) => {
    Deno.chmodSync(path.replace(/\/[^/]*$/, ""), 0o500);
    assert.throws(() => new StateRun(path), /cannot be written; give the tracker the right to write to it/);
  }),
);

Deno.test(
  "Keeper.start() refuses a file that another tracker keeps, and takes it when that one has left",
  withStatePath((path) => {
    const first = new StateRun(path);
    assert.throws(() => new StateRun(path), /is kept by another tracker that runs; stop it, or name another file/);
    first.keeper.stop();
    new StateRun(path).keeper.stop();
  }),
);

Deno.test(
  "Keeper.start() refuses a file that another program has locked",
  withStatePath((path) => {
    StateFile.open(path).close();
    const other = new DatabaseSync(path);
    other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (y)");
    assert.throws(() => new StateRun(path), /is in use by another program; close that program/);
    other.close();
  }),
);

Deno.test(
  "StateFile.transaction() says that the disk is full, and leaves the file sound",
  withStatePath((path) => {
    fill(path, 100);
    const file = StateFile.open(path, { pagesMax: 40 }), random = seededRandom("disk full");
    const write = () =>
      file.transaction(() => {
        for (let i = 0; i < 5000; i++) file.save({ ...ROW, infoHash: random.bytes(20) });
      });
    assert.throws(write, /cannot be written: the disk is full; make room on the disk$/);
    assert.deepEqual([file.problems(), [...file.rows()].length], [[], 100]);
    file.close();
  }),
);

Deno.test(
  "StateFile.open() brings an older file up to date",
  withStatePath((path) => {
    withDatabase(path, `${MIGRATIONS[0]}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
    withDatabase(path, `INSERT INTO torrents VALUES (x'${HASH.toHex()}', 5, 29000000, 0, NULL, 0, NULL)`);
    const file = StateFile.open(path);
    assert.equal(file.completedOf(HASH), 5);
    assert.equal(file.summary().schema, SCHEMA_VERSION);
    file.handOver(ROW);
    file.close();
  }),
);

Deno.test(
  "StateFile gives back what was saved, and removes what has nothing to remember",
  withStatePath((path) => {
    const file = StateFile.open(path);
    file.save(ROW);
    assert.deepEqual([...file.rows()], [ROW]);
    file.save({ ...ROW, completed: 0, seeders4: 0, peers4: null, peers6: null });
    assert.deepEqual([...file.rows()], []);
    file.close();
  }),
);

Deno.test(
  "repairState() salvages what is readable, and sets the damaged file aside",
  withStatePath((path) => {
    fill(path, 5000);
    damage(path, 0.3, 0.5);
    const lines: string[] = [], run = new StateRun(path, { repair: true, peerAgeMinutesMax: 30_000 });
    const { torrents } = run.store.totals();
    run.keeper.stop();
    assert.ok(torrents > 3000 && torrents < 5000, `${torrents} of 5000`);
    assert.ok(Deno.statSync(`${path}.damaged`).size > 0);
    assert.match(run.lines[0]!, /^state: \d+ torrents were salvaged from .*, which is kept as .*\.damaged$/);
    repairState(path, (line) => lines.push(line));
    assert.match(lines[0]!, /is sound, there is nothing to repair$/);
  }),
);

Deno.test(
  "repairState() leaves the files of others alone",
  withStatePath((path) => {
    withDatabase(path, "CREATE TABLE cookies (name TEXT)");
    assert.throws(() => repairState(path, () => {}), /is the database of another program/);
    assert.deepEqual(listFolder(path).filter((name) => name.includes("damaged")), []);
  }),
);

function withDatabase(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

/** A file with `torrents` torrents of now, written by a keeper. */
function fill(path: string, torrents: number): void {
  const run = new StateRun(path), random = seededRandom("state file");
  for (let i = 0; i < torrents; i++) run.announce(random.bytes(20), random.bytes(4), 6881, true, EVENT_COMPLETED);
  run.keeper.stop();
}

/** Overwrites pages of the file between two shares of its length. */
function damage(path: string, from: number, to: number): void {
  const bytes = Deno.readFileSync(path), page = (share: number) => Math.floor(bytes.length * share / 4096) * 4096;
  bytes.fill(0xa5, page(from), page(to));
  Deno.writeFileSync(path, bytes);
}

function listFolder(path: string): string[] {
  try {
    return [...Deno.readDirSync(path.replace(/\/[^/]*$/, ""))].map(({ name }) => name)
      .filter((name) => !name.endsWith(".lock")).sort();
  } catch {
    return [];
  }
}
