/**
 * The tables of a state file, and how an older file becomes a newer one. A version is never edited once released: a
 * change is another step.
 *
 *   torrents   info_hash   20 bytes
 *              completed   count of completed downloads
 *              touched     minute of the last announce, since 1970
 *              seeders4    how many of peers4 are seeders: they come first
 *              peers4      8 bytes a peer: 4 address, 2 port, both as on the wire; 2 little endian: bit 15 its completed
 *                          event was counted, 15 bits minutes before `touched` at which it announced. NULL = none
 *              seeders6, peers6   the same with 16 bytes of address, 20 bytes a peer
 *   meta       connection_id_key   16 bytes, secret: connection ids stay good over a restart
 *              connection_id_time  [seconds of the ids' clock, wall clock in ms] when the last pass began, as JSON
 *              handover            how far it is handed over to another tracker: handover.ts
 *   handover   torrents as above, in the order they changed, from a tracker that leaves to the one that takes over
 *   stats_minute   the history (tracker.history), a row for each six hours
 *              minute      the first of them, since 1970
 *              minutes     how many of them there are
 *              figures     what was counted in each, as history_minutes.ts packs it
 */

/** Marks the file as ours: "WGL1". */
export const APPLICATION_ID = 0x57474c31;

/** Each step takes the file from the version of its index to the next. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE torrents (
     info_hash BLOB PRIMARY KEY NOT NULL,
     completed INTEGER NOT NULL,
     touched INTEGER NOT NULL,
     seeders4 INTEGER NOT NULL,
     peers4 BLOB,
     seeders6 INTEGER NOT NULL,
     peers6 BLOB
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value ANY NOT NULL) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE handover (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     info_hash BLOB NOT NULL,
     completed INTEGER NOT NULL,
     touched INTEGER NOT NULL,
     seeders4 INTEGER NOT NULL,
     peers4 BLOB,
     seeders6 INTEGER NOT NULL,
     peers6 BLOB
   ) STRICT;`,
  `CREATE TABLE stats_minute (
     minute INTEGER PRIMARY KEY NOT NULL,
     minutes INTEGER NOT NULL,
     figures BLOB NOT NULL
   ) STRICT;`,
];

/** Version of the schema this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;
