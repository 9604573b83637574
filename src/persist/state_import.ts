/**
 * Reads exported lines into a state file that no tracker uses: JSON lines and opentracker's state dump, mixed if need
 * be. What is there already stays if it is the newer; of two counts the higher is kept, so that importing twice
 * changes nothing. Times of the future are taken for now.
 */
import { parseJsonLine } from "./json_lines.ts";
import type { StateFile, StateRow } from "./state_file.ts";
import { parseDumpLine } from "./statedump.ts";

/** Torrents a transaction holds. */
const BATCH = 10_000;

/** What came of an import. */
export interface ImportCounts {
  /** That are in the file now. */
  readonly torrents: number;
  /** That are not: without peers, and without completed downloads. */
  readonly empty: number;
  /** Lines that were neither empty nor a torrent. */
  readonly refused: number;
}

/** Puts the torrents of `lines` into `file`. `unixMinute`: now, since 1970. Throws a StateFault. */
export async function importLines(
  file: StateFile,
  lines: AsyncIterable<string> | Iterable<string>,
  unixMinute: number,
): Promise<ImportCounts> {
  let torrents = 0, empty = 0, refused = 0, batch: StateRow[] = [];
  const save = () => {
    const kept = file.transaction(() => batch.filter((row) => file.save(merged(file.row(row.infoHash), row)))).length;
    torrents += kept;
    empty += batch.length - kept;
    batch = [];
  };
  for await (const line of lines) {
    if (line.trim() === "") continue;
    const row = parseLine(line);
    if (row === null) {
      refused++;
      continue;
    }
    batch.push({ ...row, touched: Math.min(row.touched, unixMinute) });
    if (batch.length >= BATCH) save();
  }
  save();
  return { torrents, empty, refused };
}

function parseLine(line: string): StateRow | null {
  if (line.startsWith("{")) return parseJsonLine(line);
  const dumped = parseDumpLine(line);
  return dumped === null ? null : { ...dumped, seeders4: 0, peers4: null, seeders6: 0, peers6: null };
}

function merged(known: StateRow | null, given: StateRow): StateRow {
  if (known === null) return given;
  const completed = Math.max(known.completed, given.completed);
  // A state dump knows no peers: it must not take those away that are known, nor make them younger.
  const hasPeers = given.peers4 !== null || given.peers6 !== null;
  const knownPeers = known.peers4 !== null || known.peers6 !== null;
  const newer = given.touched > known.touched && (hasPeers || !knownPeers) ? given : known;
  return { ...newer, completed };
}
