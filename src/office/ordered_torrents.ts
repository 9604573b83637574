/**
 * The store's torrents in ascending order of their hashes, as a full scrape lists them. They are collected in passes of
 * about PASS_TORRENTS at most, each over a range of hashes, so that the memory it takes does not grow with the store.
 * One pass of a million torrents: 36 MB for the rows, 4 MB for their order.
 */
import { readTotals } from "../swarm/totals.ts";
import { torrentBatches, TorrentRows, type TorrentSource } from "./torrent_batches.ts";

/** Torrents collected at a time. */
const PASS_TORRENTS = 1 << 20;
/** Torrents of a batch: half a megabyte of a full scrape. */
const BATCH_TORRENTS = 8192;
/** Hashes are told apart by their first 16 bits; a pass is a range of these. */
const PREFIXES = 1 << 16;
/** A list as long as this is sorted by the engine; a shorter one quicker by insertion. */
const INSERTION_MAX = 48;

/** Every torrent that is there all along, once, in order. The batch is overwritten by the next. */
export async function* orderedTorrents(
  source: TorrentSource,
  passTorrents = PASS_TORRENTS,
): AsyncGenerator<TorrentRows> {
  const { torrents } = readTotals(new Int32Array(source.arena)), out = new TorrentRows(BATCH_TORRENTS);
  for (const { from, to, count } of await passes(source, torrents, passTorrents)) {
    // A little room for those that come meanwhile.
    let rows = takeRows(count + (count >> 5) + 1024);
    for await (const batch of torrentBatches(source)) {
      while (rows.length + batch.length > rows.room) rows = rows.grown();
      for (let i = 0; i < batch.length; i++) {
        const prefix = prefixOf(batch, i);
        if (prefix >= from && prefix < to) rows.copyFrom(batch, i);
      }
    }
    const order = await sortRows(rows, source.breathe);
    for (let at = 0; at < rows.length;) {
      out.length = 0;
      while (at < rows.length && out.length < BATCH_TORRENTS) out.copyFrom(rows, order[at++]!);
      yield out;
      await source.breathe();
    }
    spare = new WeakRef(rows);
  }
}

/** The rows of the last pass, if nobody needed their memory meanwhile: another full scrape need not take as much again. */
let spare: WeakRef<TorrentRows> | undefined;

function takeRows(room: number): TorrentRows {
  const rows = spare?.deref();
  spare = undefined;
  if (rows === undefined || rows.room < room || rows.room > room * 2) return new TorrentRows(room);
  rows.length = 0;
  return rows;
}

interface Pass {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

// Ranges of prefixes that hold about as many torrents as a pass shall take, by counting them first. A single prefix
// with more than that is a pass of its own.
async function passes(source: TorrentSource, torrents: number, passTorrents: number): Promise<readonly Pass[]> {
  if (torrents <= passTorrents) return [{ from: 0, to: PREFIXES, count: torrents }];
  const counts = new Uint32Array(PREFIXES);
  for await (const batch of torrentBatches(source)) {
    for (let i = 0; i < batch.length; i++) counts[prefixOf(batch, i)]!++;
  }
  const ranges: Pass[] = [];
  let from = 0, count = 0;
  for (let prefix = 0; prefix < PREFIXES; prefix++) {
    if (count > 0 && count + counts[prefix]! > passTorrents) {
      ranges.push({ from, to: prefix, count });
      from = prefix;
      count = 0;
    }
    count += counts[prefix]!;
  }
  return [...ranges, { from, to: PREFIXES, count }];
}

function prefixOf({ infoHashes }: TorrentRows, row: number): number {
  return infoHashes[row * 20]! << 8 | infoHashes[row * 20 + 1]!;
}

/** Numbers of the rows in the order of their hashes. */
async function sortRows(rows: TorrentRows, breathe: () => Promise<void>): Promise<Uint32Array> {
  const ends = new Uint32Array(PREFIXES + 1), order = new Uint32Array(rows.length);
  for (let row = 0; row < rows.length; row++) ends[prefixOf(rows, row) + 1]!++;
  for (let prefix = 0; prefix < PREFIXES; prefix++) ends[prefix + 1]! += ends[prefix]!;
  // What begins as a prefix's start is its end when all its rows are placed.
  for (let row = 0; row < rows.length; row++) order[ends[prefixOf(rows, row)]!++] = row;
  for (let prefix = 0, from = 0; prefix < PREFIXES; prefix++) {
    const to = ends[prefix]!;
    if (to - from > INSERTION_MAX) order.subarray(from, to).sort((a, b) => compareRows(rows, a, b));
    else if (to - from > 1) sortByInsertion(rows, order, from, to);
    from = to;
    if ((prefix & 0xfff) === 0) await breathe();
  }
  return order;
}

function sortByInsertion(rows: TorrentRows, order: Uint32Array, from: number, to: number): void {
  for (let next = from + 1; next < to; next++) {
    const row = order[next]!;
    let at = next;
    for (; at > from && compareRows(rows, order[at - 1]!, row) > 0; at--) order[at] = order[at - 1]!;
    order[at] = row;
  }
}

function compareRows({ infoHashes }: TorrentRows, a: number, b: number): number {
  const atA = a * 20, atB = b * 20;
  for (let i = 2; i < 20; i++) {
    const difference = infoHashes[atA + i]! - infoHashes[atB + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
