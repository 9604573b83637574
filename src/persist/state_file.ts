/**
 * The state file: one SQLite database in WAL mode. Opening checks that it is ours and brings it up to date; everything
 * that can be wrong comes back as a StateFault. Synchronous, like node:sqlite: for the keeper's thread and for tools.
 * Without an fsync a pass: a killed process loses nothing committed; a machine that loses power loses what the system
 * had not written yet, some half a minute, and the file stays sound.
 */
import { backup, DatabaseSync, type StatementSync } from "node:sqlite";
import { HistoryTable } from "./history_table.ts";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";
import { damagedRow, foreignFile, isDenied, newerFile, olderFile, StateFault, toStateFault } from "./state_fault.ts";
import { findDenied, isStateFile, makeSecret, placeStateFile } from "./state_making.ts";
import { StateLock } from "./state_lock.ts";

/** A torrent as it stands in the file; schema.ts has the columns. */
export interface StateRow {
  readonly infoHash: Uint8Array;
  readonly completed: number;
  readonly touched: number;
  readonly seeders4: number;
  readonly peers4: Uint8Array | null;
  readonly seeders6: number;
  readonly peers6: Uint8Array | null;
}

/** What the file holds. */
export interface StateSummary {
  readonly schema: number;
  readonly torrents: number;
  /** With peers. */
  readonly swarms: number;
  readonly peers4: number;
  readonly peers6: number;
  readonly completed: number;
  /** Minute since 1970 of the latest announce; 0 = none. */
  readonly touched: number;
  readonly bytes: number;
}

/** How a file is opened. */
export interface OpenWish {
  /** Only looked at: neither made nor brought up to date. */
  readonly readOnly?: boolean;
  /** Shared with the tracker that is leaving: see `tryHold`. */
  readonly isShared?: boolean;
  /** The caller has the lock. */
  readonly isLocked?: boolean;
  /** Most pages the file may have; without it, what the disk has room for. */
  readonly pagesMax?: number;
}

/** How long another connection's write is waited for. */
const BUSY_MS = 2000;
/** Pages kept in memory, in KiB: a pass over a large file comes back to the same pages. */
const CACHE_KIB = 65_536;
/** The write-ahead log is put into the file when it is this long: a page that changes in many passes goes there once. */
const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Free pages given back to the system in one go. */
const VACUUM_PAGES = 4000;
/** More than a database can have. A copy in one step is of one moment; by steps, each pass would make it begin anew. */
const PAGES_MAX = 2 ** 31 - 1;
/** Torrents read at once: some KiB, or with swarms of a million peers some hundred MiB. */
const ROWS_AT_ONCE = 64;
/** Bytes of a peer in the file. */
const PEER4_BYTES = 8, PEER6_BYTES = 20;

const COLUMNS = "info_hash, completed, touched, seeders4, peers4, seeders6, peers6";

/** Info hash and peers of both families in one; lengths of the first two; completed, touched, seeders. */
type PackedColumns = [Uint8Array, number, number, number, number, number, number];

type Columns = [Uint8Array, number, number, number, Uint8Array | null, number, Uint8Array | null];

/** An open state file. */
export class StateFile {
  readonly path: string;
  /** True when this opening made it. */
  readonly isFresh: boolean;
  /** The minutes it holds. */
  readonly history: HistoryTable;
  readonly #db: DatabaseSync;
  readonly #lock: StateLock | null;
  readonly #replace: StatementSync;
  readonly #remove: StatementSync;
  readonly #completedOf: StatementSync;
  readonly #handOver: StatementSync;

  private constructor(path: string, db: DatabaseSync, lock: StateLock | null, isFresh: boolean) {
    this.path = path;
    this.isFresh = isFresh;
    this.history = new HistoryTable(db, path);
    this.#db = db;
    this.#lock = lock;
    this.#replace = db.prepare(`INSERT OR REPLACE INTO torrents (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
    this.#remove = db.prepare("DELETE FROM torrents WHERE info_hash = ?");
    this.#completedOf = db.prepare("SELECT completed FROM torrents WHERE info_hash = ?");
    this.#handOver = db.prepare(`INSERT INTO handover (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Opens the file, making or migrating it if need be. Throws a StateFault. */
  static open(path: string, wish: OpenWish = {}): StateFile {
    const { readOnly = false, isShared = false, isLocked = false, pagesMax } = wish;
    let lock: StateLock | null = null, db: DatabaseSync | null = null;
    try {
      let isThere = isStateFile(path), isFresh = false;
      if (readOnly && !isThere) throw new StateFault(path, "does not exist", "name one that does");
      if (!readOnly && !isLocked) lock = StateLock.open(path, isShared);
      // Whoever had the lock may have made it meanwhile.
      isThere ||= isStateFile(path);
      if (!isThere) isFresh = placeStateFile(path);
      else if (!readOnly) makeSecret(path);
      db = new DatabaseSync(path, { readOnly });
      db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      prepareDatabase(path, db, readOnly, isShared);
      if (pagesMax !== undefined) db.exec(`PRAGMA max_page_count = ${pagesMax}`);
      return new StateFile(path, db, lock, isFresh);
    } catch (error) {
      try {
        db?.close();
      } finally {
        lock?.close();
      }
      throw toStateFault(!readOnly && isDenied(error) ? findDenied(path) : path, error, readOnly);
    }
  }

  /** Takes the file when the tracker that has it has left it. True when it is ours. After `open` with `isShared`. */
  tryHold(): boolean {
    return this.#lock?.tryHold() ?? false;
  }

  /** Notes that process `pid` keeps the file. */
  sign(pid: number): void {
    this.#lock?.sign(pid);
  }

  /** Closes the file. */
  close(): void {
    this.#db.close();
    this.#lock?.close();
  }

  /** Runs `work` in one transaction: all of it is in the file afterwards, or nothing. Throws a StateFault. */
  transaction<T>(work: () => T): T {
    return this.#attempt(() => {
      this.#db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#db.exec("COMMIT");
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  /** Writes a torrent. False: it has neither peers nor completed downloads, and is not in the file any more. */
  save(row: StateRow): boolean {
    const isKept = row.peers4 !== null || row.peers6 !== null || row.completed > 0;
    if (isKept) this.#replace.run(...columnsOf(row));
    else this.#remove.run(row.infoHash);
    return isKept;
  }

  /** Completed downloads the file remembers of a torrent; 0 if it does not know it. */
  completedOf(infoHash: Uint8Array): number {
    return Number(this.#completedOf.get(infoHash)?.["completed"] ?? 0);
  }

  /** The torrent of a hash, or null. */
  row(infoHash: Uint8Array): StateRow | null {
    return this.#read(`SELECT ${COLUMNS} FROM torrents WHERE info_hash = ?`, infoHash)[0] ?? null;
  }

  /**
   * Every torrent in the order of their hashes, read a few at a time: whoever takes them slowly holds up no writer's log.
   * One that is there all along comes once, whatever is written meanwhile. Throws a StateFault at the first bad row.
   */
  *rows(): Generator<StateRow> {
    const sql = `SELECT ${COLUMNS} FROM torrents WHERE info_hash > ? ORDER BY info_hash LIMIT ${ROWS_AT_ONCE}`;
    for (let after: Uint8Array = new Uint8Array(0);;) {
      const rows = this.#read(sql, after), last = rows.at(-1)?.infoHash;
      yield* rows;
      if (last === undefined || rows.length < ROWS_AT_ONCE) return;
      // Or a damaged file could be read for ever.
      if (last.toHex() <= after.toHex()) throw damagedRow(this.path, "its torrents are out of order");
      after = last;
    }
  }

  /**
   * Hands every torrent touched at minute `touchedMin` or later to `visit`: `rows` in less than half the time, since a
   * call from SQLite costs less than a row of a result. All of one moment. The bytes of a row are its own. Throws a
   * StateFault.
   */
  visitRows(touchedMin: number, visit: (row: StateRow) => void): void {
    let rows = 0;
    this.#db.function("visit_torrent", { varargs: true }, (...columns) => {
      rows++;
      visit(this.#toRow(unpackColumns(columns as PackedColumns)));
      return 0;
    });
    const packed = "CAST(info_hash || coalesce(peers4, x'') || coalesce(peers6, x'') AS BLOB)";
    const lengths = "length(info_hash), coalesce(length(peers4), 0)";
    const sql = `SELECT count(visit_torrent(${packed}, ${lengths}, completed, touched, seeders4, seeders6)) AS count
      FROM torrents WHERE touched >= ?`;
    const count = this.#attempt(() => this.#db.prepare(sql).get(touchedMin)?.["count"]);
    // A number too long for a double is not handed over.
    if (rows !== Number(count)) throw damagedRow(this.path, `${rows} of ${count} torrents can be read`);
  }

  /** Appends a torrent for the tracker that takes over. */
  handOver(row: StateRow): void {
    this.#handOver.run(...columnsOf(row));
  }

  /** What was handed over after number `last`, and the number of the last of it. */
  handedOver(last: number): { rows: StateRow[]; last: number } {
    return this.#attempt(() => {
      const end = Number(this.#db.prepare("SELECT max(number) AS last FROM handover").get()?.["last"] ?? 0);
      if (end <= last) return { rows: [], last };
      const sql = `SELECT ${COLUMNS} FROM handover WHERE number > ? AND number <= ? ORDER BY number`;
      return { rows: this.#read(sql, last, end), last: end };
    });
  }

  /** Forgets what was handed over. */
  clearHandover(): void {
    this.#attempt(() => this.#db.exec("DELETE FROM handover"));
  }

  /** A value of the table `meta`, or null. */
  meta(key: string): Uint8Array | string | number | null {
    const value = this.#attempt(() => this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"]);
    return (value ?? null) as Uint8Array | string | number | null;
  }

  /** Sets a value of the table `meta`; null removes it. */
  setMeta(key: string, value: Uint8Array | string | number | null): void {
    this.#attempt(() => {
      if (value === null) this.#db.prepare("DELETE FROM meta WHERE key = ?").run(key);
      else this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
    });
  }

  /**
   * Removes the dead among the torrents whose hash begins with a byte from `first` up to `end`: those without completed
   * downloads untouched since minute `peersDead`, those with untouched since minute `countsDead`; of the others untouched
   * since `peersDead`, the peers. A part of the file at a time, so that no pass is long.
   */
  purge(first: number, end: number, peersDead: number, countsDead: number): void {
    const from = Uint8Array.of(first), to = end > 255 ? new Uint8Array(21).fill(255) : Uint8Array.of(end);
    this.#attempt(() => {
      this.#db.prepare(
        "DELETE FROM torrents WHERE info_hash >= ? AND info_hash < ? AND touched < ? AND (completed = 0 OR touched < ?)",
      ).run(from, to, peersDead, countsDead);
      this.#db.prepare(
        "UPDATE torrents SET seeders4 = 0, peers4 = NULL, seeders6 = 0, peers6 = NULL WHERE info_hash >= ? " +
          "AND info_hash < ? AND touched < ? AND (peers4 IS NOT NULL OR peers6 IS NOT NULL)",
      ).run(from, to, peersDead);
    });
  }

  /** Gives some free pages back to the system, once there are many: the next pass may need a few. */
  shrink(): void {
    this.#attempt(() => {
      const sql = "SELECT freelist_count * 4 > page_count AS is_slack FROM pragma_freelist_count, pragma_page_count";
      if (this.#db.prepare(sql).get()?.["is_slack"] === 1) this.#vacuum(VACUUM_PAGES);
    });
  }

  /** Gives all free pages back to the system: of a file that nobody else has. */
  compact(): void {
    this.#attempt(() => this.#vacuum(PAGES_MAX));
  }

  /** Puts the log into the file as far as nobody reads it: what is in the file then is there without its log as well. */
  writeBack(): void {
    this.#attempt(() => this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)"));
  }

  /** Counts of what the file holds. Reads all of it. */
  summary(): StateSummary {
    const row = this.#attempt(() =>
      this.#db.prepare(
        `SELECT count(*) AS torrents, total(peers4 IS NOT NULL OR peers6 IS NOT NULL) AS swarms,
           total(length(peers4)) / ${PEER4_BYTES} AS peers4, total(length(peers6)) / ${PEER6_BYTES} AS peers6,
           total(completed) AS completed, coalesce(max(touched), 0) AS touched,
           (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes,
           (SELECT user_version FROM pragma_user_version) AS schema
         FROM torrents`,
      ).get()
    ) as unknown as StateSummary;
    return { ...row };
  }

  /** Problems SQLite finds in the file; none when it is sound. Reads all of it. */
  problems(): string[] {
    const rows = this.#attempt(() => this.#db.prepare("PRAGMA integrity_check").all());
    return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok");
  }

  /**
   * Copies every page to the empty file at `target`, free and damaged ones too; the file may be written to meanwhile. See
   * state_copy.ts. Throws the error.
   */
  async copyPages(target: string): Promise<void> {
    await backup(this.#db, target, { rate: PAGES_MAX });
  }

  // All at once: a number too long for a double is an error then, where it would end an iteration without a word.
  #read(sql: string, ...parameters: (number | Uint8Array)[]): StateRow[] {
    return this.#attempt(() => {
      // Deno's own declarations lack this method.
      const statement = this.#db.prepare(sql) as StatementSync & { setReturnArrays(enabled: boolean): void };
      statement.setReturnArrays(true);
      return statement.all(...parameters).map((row) => this.#toRow(row as unknown as Columns));
    });
  }

  #toRow([infoHash, completed, touched, seeders4, peers4, seeders6, peers6]: Columns): StateRow {
    const length4 = peers4?.length ?? 0, length6 = peers6?.length ?? 0;
    const isSound = infoHash.length === 20 && completed >= 0 && touched >= 0 && length4 % PEER4_BYTES === 0 &&
      length6 % PEER6_BYTES === 0 && seeders4 * PEER4_BYTES <= length4 && seeders6 * PEER6_BYTES <= length6;
    if (!isSound) throw damagedRow(this.path, "a torrent of it is not as it was written");
    return { infoHash, completed, touched, seeders4, peers4, seeders6, peers6 };
  }

  // A page a step: only `all` makes every step.
  #vacuum(pagesMax: number): void {
    this.#db.prepare(`PRAGMA incremental_vacuum(${pagesMax})`).all();
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toStateFault(this.path, error);
    }
  }

  // Some errors have ended the transaction already.
  #rollBack(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // Nothing left to roll back.
    }
  }
}

function unpackColumns([bytes, hashLength, length4, completed, touched, seeders4, seeders6]: PackedColumns): Columns {
  const end4 = hashLength + length4;
  return [
    bytes.subarray(0, hashLength),
    completed,
    touched,
    seeders4,
    length4 === 0 ? null : bytes.subarray(hashLength, end4),
    seeders6,
    bytes.length === end4 ? null : bytes.subarray(end4),
  ];
}

function columnsOf({ infoHash, completed, touched, seeders4, peers4, seeders6, peers6 }: StateRow): Columns {
  return [infoHash, completed, touched, seeders4, peers4, seeders6, peers6];
}

function prepareDatabase(path: string, db: DatabaseSync, readOnly: boolean, isShared: boolean): void {
  const number = (sql: string) => Number(Object.values(db.prepare(sql).get()!)[0]);
  const application = number("PRAGMA application_id"), version = number("PRAGMA user_version");
  if (application !== APPLICATION_ID) throw foreignFile(path);
  if (version > SCHEMA_VERSION) throw newerFile(path, version, SCHEMA_VERSION);
  // The tracker that has it writes it as it is, and must find it so if it is to go on after all.
  if (isShared && version < SCHEMA_VERSION) throw olderFile(path, version, SCHEMA_VERSION);
  if (readOnly) {
    if (version === SCHEMA_VERSION) return;
    throw new StateFault(path, "is of an older version", "start the tracker with it once");
  }
  const logPages = Math.ceil(LOG_BYTES_MAX / number("PRAGMA page_size"));
  db.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KIB};
     PRAGMA wal_autocheckpoint = ${logPages}; PRAGMA journal_size_limit = ${LOG_BYTES_MAX};
     PRAGMA cell_size_check = ON`,
  );
  if (version === SCHEMA_VERSION) return;
  const steps = MIGRATIONS.slice(version).join("\n");
  db.exec(
    `BEGIN IMMEDIATE; ${steps} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
  );
}
