/** The state file: every fault is a sentence that names the file and the way out, and no start is silently empty. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { EVENT_COMPLETED } from "../../src/bittorrent/announce.ts";
import { FIGURES } from "../../src/persist/history_minutes.ts";
import { SCHEMA_VERSION } from "../../src/persist/schema.ts";
import { StateFault } from "../../src/persist/state_fault.ts";
import { StateFile, type StateRow } from "../../src/persist/state_file.ts";
import { seededRandom } from "../support/random.ts";
import { damageFile, fillState, listFolder, StateRun, withDatabase, withStatePath } from "../support/state.ts";

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

/** What makes of a torrent one that has nothing to remember. */
const NOTHING = { completed: 0, seeders4: 0, peers4: null, peers6: null };

const FAULTS: readonly { name: string; prepare: (path: string) => void; want: RegExp }[] = [
  {
    name: "text",
    prepare: (path) => Deno.writeTextFileSync(path, "these are my notes, not a database\n".repeat(200)),
    want: /is not a database; start once with --state-repair to salvage what is readable, or move the file away$/,
  },
  {
    name: "the database of another program",
    prepare: (path) => withDatabase(path, "PRAGMA journal_mode = WAL; CREATE TABLE cookies (name TEXT)"),
    want: /is the database of another program; name another file in tracker.state$/,
  },
  {
    name: "a newer schema",
    prepare: (path) => {
      StateFile.open(path).close();
      withDatabase(path, `PRAGMA user_version = ${SCHEMA_VERSION + 7}`);
      Deno.chmodSync(path, 0o644);
    },
    want: /was written by a newer version \(schema 10, this one knows 3\); run that version, or name another/,
  },
  {
    name: "a damaged one",
    prepare: (path) => {
      fillState(path, 3000);
      damageFile(path, 0.2, 0.6);
    },
    want: /is damaged.*; start once with --state-repair/,
  },
  {
    name: "a torrent with half a peer",
    prepare: (path) => {
      fillState(path, 3);
      withDatabase(path, "UPDATE torrents SET peers4 = x'010203'");
    },
    want: /is damaged \(a torrent of it is not as it was written\); start once with --state-repair/,
  },
  {
    name: "a number that no program wrote",
    prepare: (path) => {
      fillState(path, 3);
      withDatabase(path, "UPDATE torrents SET completed = 9007199254740993");
    },
    want: /is damaged/,
  },
  {
    name: "a file of no bytes",
    prepare: (path) => Deno.writeTextFileSync(path, ""),
    want: /is empty: .*; put a copy made by `tracker state backup` in its place, or remove it to begin anew$/,
  },
  {
    name: "a log without its file",
    prepare: (path) => {
      const run = new StateRun(`${path}.whole`);
      Deno.copyFileSync(`${path}.whole-wal`, `${path}-wal`);
      run.keeper.stop();
      for (const end of [".lock", ".lock.sqlite"]) Deno.renameSync(`${path}.whole${end}`, path + end);
    },
    want:
      /is not there, but its log is \(-wal\); put the file back beside its log, or move the log away to begin anew$/,
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
      assert.deepEqual(listFolder(path), before, "nothing was moved, made or changed");
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
    fillState(path, 100);
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

for (const version of [1, 2]) {
  Deno.test(
    `StateFile.open() brings a file of version ${version} up to date, and keeps what it holds`,
    withStatePath((path) => {
      withDatabase(path, `${OLD_SCHEMA.slice(0, version).join("\n")} PRAGMA user_version = ${version}`);
      assert.throws(
        () => StateFile.open(path, { readOnly: true }),
        /is of an older version; start the tracker/,
      );
      const file = StateFile.open(path);
      assert.deepEqual([...file.rows()], [ROW]);
      assert.equal(file.meta("connection_id_time"), "[5,6]");
      assert.equal(file.handedOver(0).rows.length, version - 1);
      assert.deepEqual([file.summary().schema, file.history.summary().minutes], [SCHEMA_VERSION, 0]);
      file.history.add({ minute: 29_000_000, figures: FIGURES.map(() => 1) });
      file.close();
      const again = StateFile.open(path, { readOnly: true });
      assert.deepEqual([again.history.summary(), again.problems()], [{ minutes: 1, firstMinute: 29_000_000 }, []]);
      again.close();
    }),
  );
}

/** By version: what it added, as it stood then, with something in it. Not taken from schema.ts, which may change. */
const OLD_SCHEMA: readonly string[] = [
  `PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA application_id = 1464290353;
   CREATE TABLE torrents (
     info_hash BLOB PRIMARY KEY NOT NULL, completed INTEGER NOT NULL, touched INTEGER NOT NULL,
     seeders4 INTEGER NOT NULL, peers4 BLOB, seeders6 INTEGER NOT NULL, peers6 BLOB
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO torrents VALUES (x'${HASH.toHex()}', ${ROW.completed}, ${ROW.touched}, ${ROW.seeders4},
     x'${ROW.peers4!.toHex()}', ${ROW.seeders6}, x'${ROW.peers6!.toHex()}');
   INSERT INTO meta VALUES ('connection_id_time', '[5,6]');`,
  `CREATE TABLE handover (
     number INTEGER PRIMARY KEY AUTOINCREMENT, info_hash BLOB NOT NULL, completed INTEGER NOT NULL,
     touched INTEGER NOT NULL, seeders4 INTEGER NOT NULL, peers4 BLOB, seeders6 INTEGER NOT NULL, peers6 BLOB
   ) STRICT;
   INSERT INTO handover (info_hash, completed, touched, seeders4, seeders6) VALUES (x'${HASH.toHex()}', 9, 9, 0, 0);`,
];

Deno.test(
  "StateFile gives back what was saved, and removes what has nothing to remember",
  withStatePath((path) => {
    const file = StateFile.open(path);
    file.save(ROW);
    assert.deepEqual([...file.rows()], [ROW]);
    file.save({ ...ROW, ...NOTHING });
    assert.deepEqual([...file.rows()], []);
    file.close();
  }),
);

Deno.test(
  "StateFile.shrink() gives thousands of free pages back at once",
  withStatePath((path) => {
    const random = seededRandom("shrink"), hashes = Array.from({ length: 40_000 }, () => random.bytes(20));
    const file = StateFile.open(path), bytes = () => file.summary().bytes;
    file.transaction(() => hashes.forEach((infoHash) => file.save({ ...ROW, infoHash })));
    const full = bytes();
    file.transaction(() => hashes.forEach((infoHash) => file.save({ ...ROW, infoHash, ...NOTHING })));
    assert.equal(bytes(), full, "free pages are kept until then");
    file.shrink();
    assert.ok(bytes() < full / 2, `${bytes()} of ${full} bytes`);
    file.close();
  }),
);

Deno.test(
  "StateFile.rows() holds up no writer's log while it is read, and takes nothing that is written for damage",
  withStatePath((path) => {
    fillState(path, 300);
    const writer = StateFile.open(path), reader = StateFile.open(path, { readOnly: true }), seen = new Set<string>();
    const checkpoint = new DatabaseSync(path), rows = reader.rows();
    const before = [...writer.rows()];
    for (const [i, row] of before.entries()) {
      const { value } = rows.next();
      if (value) seen.add(value.infoHash.toHex());
      if (i % 100 !== 0) continue;
      writer.transaction(() => {
        writer.save({ ...ROW, infoHash: row.infoHash.map((byte) => byte ^ 0xff) });
        writer.save({ ...before[before.length - 1 - i]!, completed: 0, peers4: null, seeders4: 0 });
      });
      assert.equal(checkpoint.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()!["busy"], 0, "the log can be cut back");
    }
    for (const row of rows) seen.add(row.infoHash.toHex());
    const stayed = new Set([...writer.rows()].map(({ infoHash }) => infoHash.toHex()));
    for (const { infoHash } of before) assert.ok(!stayed.has(infoHash.toHex()) || seen.has(infoHash.toHex()));
    for (const each of [checkpoint, reader, writer]) each.close();
  }),
);

Deno.test(
  "Keeper has what it saved first in the file itself, so that a copy without the log is not an empty one",
  withStatePath((path) => {
    const run = new StateRun(path), copy = `${path}.copy`;
    run.announce(HASH, Uint8Array.of(10, 0, 0, 1), 1, true, EVENT_COMPLETED);
    run.keeper.pass();
    Deno.copyFileSync(path, copy);
    run.keeper.stop();
    const file = StateFile.open(copy);
    assert.equal([...file.rows()].length, 1);
    file.close();
  }),
);
