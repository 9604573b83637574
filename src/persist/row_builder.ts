/**
 * Between the store and the file: puts the pieces a TorrentReader reads together into rows, and turns rows back into
 * torrents for a TorrentLoader. Ages are the only difference: the store has minutes of its monotonic clock, the file
 * the wall clock's minute of the last announce, and for each peer the minutes before that.
 */
import { PEER4_WORDS, PEER6_WORDS, PEER_COMPLETED, PEER_MINUTE_MASK } from "../swarm/layout.ts";
import { ageMinutes, idleMinutes } from "../swarm/minutes.ts";
import type { KeptTorrent } from "../swarm/torrent_loader.ts";
import {
  RECORD_COMPLETED,
  RECORD_FIRST,
  RECORD_FLAGS,
  RECORD_LAST,
  RECORD_MINUTE,
  RECORD_NEW,
  RECORD_PEERS,
  RECORD_WORDS,
} from "../swarm/torrent_reader.ts";
import type { StateRow } from "./state_file.ts";

const KINDS = 4;
const NO_PEERS = new Int32Array(0);

/** Words that grow. */
class Words {
  words: Int32Array<ArrayBuffer> = new Int32Array(256);
  end = 0;

  append(from: Int32Array, start: number, length: number): void {
    if (this.end + length > this.words.length) {
      const longer = new Int32Array(Math.max(this.words.length * 2, this.end + length));
      longer.set(this.words);
      this.words = longer;
    }
    for (let i = 0; i < length; i++) this.words[this.end + i] = from[start + i]!;
    this.end += length;
  }
}

/** Makes rows of what is read. The row at hand is good until the next `add`. */
export class RowBuilder implements StateRow {
  readonly infoHash: Uint8Array = new Uint8Array(20);
  completed = 0;
  touched = 0;
  seeders4 = 0;
  peers4: Uint8Array | null = null;
  seeders6 = 0;
  peers6: Uint8Array | null = null;
  /** The count does not have yet what the file remembers. */
  isNew = false;
  /** Words of the info hash. */
  readonly infoHashWords = new Int32Array(this.infoHash.buffer);
  /** Minute of now on the store's clock, and on the wall's: set them after each read, which no record is later than. */
  minute = 0;
  wallMinute = 0;

  // Seeders and leechers of IPv4, then of IPv6, as read so far.
  readonly #kinds = Array.from({ length: KINDS }, () => new Words());
  readonly #packed = [new Words(), new Words()];

  /** Peers of the row. */
  get peers(): number {
    return (this.peers4?.length ?? 0) / (PEER4_WORDS * 4) + (this.peers6?.length ?? 0) / (PEER6_WORDS * 4);
  }

  /** Takes the record at `at`. Returns true when the row is whole. */
  add(records: Int32Array, at: number): boolean {
    const flags = records[at + RECORD_FLAGS]!;
    if (flags & RECORD_FIRST) {
      for (const kind of this.#kinds) kind.end = 0;
      this.isNew = (flags & RECORD_NEW) !== 0;
    }
    let from = at + RECORD_WORDS;
    for (let kind = 0; kind < KINDS; kind++) {
      const length = records[at + RECORD_PEERS + kind]! * (kind < 2 ? PEER4_WORDS : PEER6_WORDS);
      this.#kinds[kind]!.append(records, from, length);
      from += length;
    }
    if ((flags & RECORD_LAST) === 0) return false;
    for (let i = 0; i < 5; i++) this.infoHashWords[i] = records[at + i]!;
    const touched = records[at + RECORD_MINUTE]!;
    this.completed = records[at + RECORD_COMPLETED]! >>> 0;
    this.touched = this.wallMinute - idleMinutes(touched, this.minute);
    this.seeders4 = this.#kinds[0]!.end / PEER4_WORDS;
    this.seeders6 = this.#kinds[2]!.end / PEER6_WORDS;
    this.peers4 = this.#pack(0, PEER4_WORDS, touched);
    this.peers6 = this.#pack(1, PEER6_WORDS, touched);
    return true;
  }

  #pack(family: number, peerWords: number, touched: number): Uint8Array | null {
    const packed = this.#packed[family]!;
    packed.end = 0;
    for (const kind of [this.#kinds[family * 2]!, this.#kinds[family * 2 + 1]!]) {
      packed.append(kind.words, 0, kind.end);
    }
    if (packed.end === 0) return null;
    const { words } = packed;
    for (let at = peerWords - 1; at < packed.end; at += peerWords) {
      words[at] = withMinute(words[at]!, ageMinutes(words[at]!, touched));
    }
    return new Uint8Array(words.buffer, 0, packed.end * 4);
  }
}

/** `row` as a torrent for the loader, at `wallMinute`. A clock that was set back makes nobody younger than new. */
export function toKept(row: StateRow, wallMinute: number): KeptTorrent {
  const ageMinutes = Math.max(0, wallMinute - row.touched);
  return {
    infoHash: wordsOf(row.infoHash),
    completed: row.completed,
    ageMinutes,
    peers4: agedPeers(row.peers4, PEER4_WORDS, ageMinutes),
    seeders4: row.seeders4,
    peers6: agedPeers(row.peers6, PEER6_WORDS, ageMinutes),
    seeders6: row.seeders6,
  };
}

function agedPeers(bytes: Uint8Array | null, peerWords: number, ageMinutes: number): Int32Array {
  if (bytes === null) return NO_PEERS;
  const words = wordsOf(bytes);
  for (let at = peerWords - 1; at < words.length; at += peerWords) {
    const age = (words[at]! >>> 16 & PEER_MINUTE_MASK) + ageMinutes;
    words[at] = withMinute(words[at]!, Math.min(age, PEER_MINUTE_MASK));
  }
  return words;
}

// The last word of a peer with another minute in it.
function withMinute(word: number, minute: number): number {
  return word & (0xffff | PEER_COMPLETED) | (minute & PEER_MINUTE_MASK) << 16;
}

// The same bytes as words; SQLite's are usually aligned, those of others may not be.
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
