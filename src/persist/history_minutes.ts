/**
 * The minutes of the history as figures, and a block of them as the bytes that stand in the state file. Figures of
 * neighbouring minutes are alike, so that each is kept as its difference to the minute before: one to three bytes.
 *
 *   block   1 byte: figures a minute
 *           then for each minute of the block there is, in order, each 7 bits a byte, the low ones first, the high bit
 *           set in all bytes but the last:
 *             minutes after the one before it here; for the first, after the one before the block
 *             each figure less the same figure of the one before it here (0 for the first), zigzag
 */
import { COUNTER } from "../stats/counters.ts";

/**
 * The figures of a minute, in the order they lie in the file: only ever added to, at the end. `seconds`: how much time
 * the others are about, 60 unless the tracker was started or stopped or the wall clock set within the minute. The next
 * five are of the minute's end. The rest are counts of the minute, which stats/counters.ts explains.
 */
export const FIGURES = [
  "seconds",
  "torrents",
  "seeders4",
  "leechers4",
  "seeders6",
  "leechers6",
  "tcpAnnounces",
  "tcpAnnounces6",
  "udpAnnounces",
  "udpAnnounces6",
  "tcpScrapes",
  "tcpScrapes6",
  "udpScrapes",
  "udpScrapes6",
  "udpConnects",
  "tcpAccepts",
  "completed",
  "refusals",
  "httpErrors",
  "udpMismatches",
  "udpDrops",
  "udpKernelDrops",
  "notStored",
  "fullScrapes",
  "restarts",
  "faults",
  "stateFaults",
] as const;

/** Name of a figure. */
export type Figure = typeof FIGURES[number];

/** Figures of a minute's end: the others are added up when a minute comes in parts. */
export const LEVELS: readonly Figure[] = ["torrents", "seeders4", "leechers4", "seeders6", "leechers6"];

/** Figures that are counters. */
export const COUNTS = FIGURES.filter((name) =>
  Object.hasOwn(COUNTER, name)
) as readonly (Figure & keyof typeof COUNTER)[];

/** One minute. */
export interface HistoryMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  /** By FIGURES. */
  readonly figures: readonly number[];
}

/**
 * Minutes that a block is about: six hours. It is written anew each minute; long enough, some 20 KB of a busy tracker,
 * that little of the file's last page of it is empty.
 */
export const BLOCK_MINUTES = 360;
/** Higher figures are kept as this: twice it is a whole number of a double. None is below 0. */
const FIGURE_MAX = 2 ** 51;

const IS_LEVEL = FIGURES.map((name) => LEVELS.includes(name));

/** Two parts of the same minute as one, with the levels of `levels`, one of the two. */
export function mergeFigures(one: readonly number[], other: readonly number[], levels: readonly number[]): number[] {
  return one.map((value, i) => IS_LEVEL[i] ? levels[i]! : value + other[i]!);
}

/** First minute of the block that `minute` is in. */
export function blockOf(minute: number): number {
  return minute - minute % BLOCK_MINUTES;
}

/** The bytes of a block. `minutes`: of that block, in order. */
export function encodeBlock(minutes: readonly HistoryMinute[]): Uint8Array {
  const bytes: number[] = [FIGURES.length];
  let before: readonly number[] = FIGURES.map(() => 0), last = -1;
  for (const { minute, figures } of minutes) {
    const offset = minute % BLOCK_MINUTES;
    appendNumber(bytes, offset - last);
    last = offset;
    const bounded = figures.map((value) => Math.max(0, Math.min(value, FIGURE_MAX)));
    for (const [i, value] of bounded.entries()) appendNumber(bytes, zigzag(value - before[i]!));
    before = bounded;
  }
  return Uint8Array.from(bytes);
}

function zigzag(difference: number): number {
  return difference < 0 ? -difference * 2 - 1 : difference * 2;
}

function appendNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push(rest % 128 + 128);
  bytes.push(rest);
}

/** The minutes of the block that begins at minute `first`, or null when `bytes` are none. Never throws. */
export function decodeBlock(first: number, bytes: Uint8Array): HistoryMinute[] | null {
  const minutes: HistoryMinute[] = [], reader = new ByteReader(bytes), length = reader.byte();
  let before: readonly number[] = [], last = -1;
  while (!reader.isAtEnd) {
    const offset = last + reader.number();
    if (offset === last || !(offset < BLOCK_MINUTES)) return null;
    const read = Array.from({ length }, (_, i) => (before[i] ?? 0) + reader.difference());
    if (!read.every((value) => value >= 0 && value <= FIGURE_MAX)) return null;
    // Written when there were fewer figures: those that came later are 0.
    const figures = FIGURES.map((_, i) => read[i] ?? 0);
    minutes.push({ minute: first + offset, figures });
    before = read;
    last = offset;
  }
  return reader.isCut || minutes.length === 0 ? null : minutes;
}

/** Takes bytes one after the other; past the end they are 0, and it is noted. */
class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** More was taken than there was. */
  get isCut(): boolean {
    return this.#at > this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  number(): number {
    let value = 0, scale = 1, byte: number;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte > 0x7f);
    return value;
  }

  difference(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
