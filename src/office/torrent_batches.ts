/**
 * The store's torrents as batches, for statistics and full scrapes. Read a slice at a time (swarm/torrent_reader.ts), so
 * that no announce waits for long; between slices the office's other requests get their turn.
 */
import type { TorrentBatch } from "../plugin/api.ts";
import {
  READ_WORDS_MIN,
  RECORD_COMPLETED,
  RECORD_COUNTS,
  RECORD_MINUTE,
  RECORD_PEERS,
  RECORD_WORDS,
  recordWords,
  TorrentReader,
} from "../swarm/torrent_reader.ts";

/** Slices read before others get their turn: about a millisecond. */
const SLICES_A_TURN = 16;
/** Torrents of the longest slice: what its buffer takes. */
const SLICE_TORRENTS_MAX = READ_WORDS_MIN / RECORD_WORDS;

/** Where torrents come from. */
export interface TorrentSource {
  readonly arena: SharedArrayBuffer;
  /** The number under which locks in it are taken. */
  readonly storeOwner: number;
  /** Minute of now on the tracker's clock, and since 1970. */
  readonly minute: () => number;
  readonly unixMinute: () => number;
  /** Lets other requests have their turn. */
  readonly breathe: () => Promise<void>;
}

/** Torrents of a batch, with room for as many as it is made for. */
export class TorrentRows implements TorrentBatch {
  length = 0;
  readonly infoHashes: Uint8Array;
  readonly hashWords: Int32Array;
  readonly seeders: Uint32Array;
  readonly leechers: Uint32Array;
  readonly completed: Uint32Array;
  readonly minutes: Uint32Array;

  constructor(readonly room: number) {
    this.hashWords = new Int32Array(room * 5);
    this.infoHashes = new Uint8Array(this.hashWords.buffer);
    this.seeders = new Uint32Array(room);
    this.leechers = new Uint32Array(room);
    this.completed = new Uint32Array(room);
    this.minutes = new Uint32Array(room);
  }

  /** Copies row `from` of other rows behind the last. */
  copyFrom(rows: TorrentRows, from: number): void {
    const to = this.length++;
    for (let i = 0; i < 5; i++) this.hashWords[to * 5 + i] = rows.hashWords[from * 5 + i]!;
    this.seeders[to] = rows.seeders[from]!;
    this.leechers[to] = rows.leechers[from]!;
    this.completed[to] = rows.completed[from]!;
    this.minutes[to] = rows.minutes[from]!;
  }

  /** The same rows with room for half as many again. */
  grown(): TorrentRows {
    const larger = new TorrentRows(Math.ceil(this.room * 1.5));
    larger.length = this.length;
    larger.hashWords.set(this.hashWords);
    larger.seeders.set(this.seeders);
    larger.leechers.set(this.leechers);
    larger.completed.set(this.completed);
    larger.minutes.set(this.minutes);
    return larger;
  }
}

/** Every torrent in no order. The batch is overwritten by the next. */
export async function* torrentBatches(source: TorrentSource): AsyncGenerator<TorrentRows> {
  const rows = new TorrentRows(SLICE_TORRENTS_MAX);
  for await (const { records, end } of slices(source, false)) {
    const unixMinute = source.unixMinute(), minute = source.minute();
    rows.length = 0;
    for (let at = 0; at < end; at += RECORD_WORDS) {
      const to = rows.length++, counts = at + RECORD_COUNTS;
      for (let i = 0; i < 5; i++) rows.hashWords[to * 5 + i] = records[at + i]!;
      rows.seeders[to] = records[counts]! + records[counts + 2]!;
      rows.leechers[to] = records[counts + 1]! + records[counts + 3]!;
      rows.completed[to] = records[at + RECORD_COMPLETED]!;
      rows.minutes[to] = unixMinute - ((minute - records[at + RECORD_MINUTE]!) & 0xffff);
    }
    yield rows;
  }
}

/** Every IPv4 peer's address as a number, in no order. Overwritten by the next. */
export async function* addressBatches4(source: TorrentSource): AsyncGenerator<Uint32Array> {
  const addresses = new Uint32Array(READ_WORDS_MIN >> 1);
  for await (const { records, end } of slices(source, true)) {
    let length = 0;
    for (let at = 0; at < end; at += recordWords(records, at)) {
      const peers = records[at + RECORD_PEERS]! + records[at + RECORD_PEERS + 1]!, first = at + RECORD_WORDS;
      for (let i = 0; i < peers; i++) addresses[length++] = swapped(records[first + i * 2]!);
    }
    if (length > 0) yield addresses.subarray(0, length);
  }
}

// A word of network order as the number it stands for.
function swapped(word: number): number {
  return (word & 0xff) << 24 | (word & 0xff00) << 8 | word >>> 8 & 0xff00 | word >>> 24;
}

async function* slices(
  { arena, storeOwner, breathe }: TorrentSource,
  peers: boolean,
): AsyncGenerator<{ readonly records: Int32Array; readonly end: number }> {
  const reader = new TorrentReader(arena, storeOwner, { peers, changesOnly: false });
  const records = new Int32Array(READ_WORDS_MIN);
  let turns = 0;
  for (let shard = 0; shard < TorrentReader.shards; shard++) {
    reader.begin(shard);
    while (!reader.isDone) {
      const end = reader.read(records);
      if (end > 0) yield { records, end };
      if (++turns % SLICES_A_TURN === 0) await breathe();
    }
  }
}
