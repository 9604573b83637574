/**
 * Torrents as text or bytes, in every form that opentracker streams them: the bencoded full scrape, the five of
 * `mode=tpbs`, and the state dump. Pure: from batches of torrents to pieces of bytes.
 *
 *   ben        d5:filesd  20:HASH d8:completeiSe10:downloadediDe10:incompleteiLee …  ee
 *   bin        HASH (20)  S (4, big endian)  L (4)
 *   url        hash with percent signs : S : L LF
 *   txt        40 hex digits : S : L LF
 *   txtp       40 hex digits : S : L : D LF
 *   statedump  40 hex digits : minutes since 1970 of the last announce : D LF
 */
import type { TorrentBatch } from "waggle/plugin";

/** A form of output. */
export type TorrentFormat = "ben" | "bin" | "url" | "txt" | "txtp" | "statedump";

/** Bytes of the longest torrent in any form: a hash of 60 letters and three numbers of ten digits. */
const TORRENT_BYTES_MAX = 128;

const encoder = new TextEncoder();
const HASH_START = encoder.encode("20:"), COMPLETE = encoder.encode("d8:completei");
const DOWNLOADED = encoder.encode("e10:downloadedi"), INCOMPLETE = encoder.encode("e10:incompletei");
const TORRENT_END = encoder.encode("ee");
const COLON = 0x3a, LF = 0x0a, PERCENT = 0x25, ZERO = 0x30;
const UPPER_HEX = encoder.encode("0123456789ABCDEF"), LOWER_HEX = encoder.encode("0123456789abcdef");

/** Bytes that need no percent sign, as opentracker has them. */
const IS_PLAIN = new Uint8Array(256);
for (const letter of encoder.encode("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$/.=~-_")) {
  IS_PLAIN[letter] = 1;
}

/** Whether `text` is one of the forms of `mode=tpbs`. */
export function isTpbsFormat(text: string | undefined): text is TorrentFormat {
  return text !== undefined && ["ben", "bin", "url", "txt", "txtp"].includes(text);
}

/** The torrents in the form `format`, one piece of bytes a batch. A piece is overwritten by the next. */
export async function* encodeTorrents(
  format: TorrentFormat,
  batches: AsyncIterable<TorrentBatch>,
): AsyncGenerator<Uint8Array> {
  const write = WRITERS[format];
  let writer = new Writer(0);
  if (format === "ben") yield encoder.encode("d5:filesd");
  for await (const batch of batches) {
    if (writer.bytes.length < batch.length * TORRENT_BYTES_MAX) writer = new Writer(batch.length * TORRENT_BYTES_MAX);
    writer.end = 0;
    for (let i = 0; i < batch.length; i++) write(writer, batch, i);
    yield writer.bytes.subarray(0, writer.end);
  }
  if (format === "ben") yield encoder.encode("ee");
}

const WRITERS: Readonly<Record<TorrentFormat, (out: Writer, batch: TorrentBatch, i: number) => void>> = {
  ben: (out, batch, i) => {
    out.text(HASH_START);
    out.hash(batch.infoHashes, i);
    out.text(COMPLETE);
    out.number(batch.seeders[i]!);
    out.text(DOWNLOADED);
    out.number(batch.completed[i]!);
    out.text(INCOMPLETE);
    out.number(batch.leechers[i]!);
    out.text(TORRENT_END);
  },
  bin: (out, batch, i) => {
    out.hash(batch.infoHashes, i);
    out.word(batch.seeders[i]!);
    out.word(batch.leechers[i]!);
  },
  url: (out, batch, i) => {
    out.urlHash(batch.infoHashes, i);
    out.numbers(batch.seeders[i]!, batch.leechers[i]!);
  },
  txt: (out, batch, i) => {
    out.hexHash(batch.infoHashes, i);
    out.numbers(batch.seeders[i]!, batch.leechers[i]!);
  },
  txtp: (out, batch, i) => {
    out.hexHash(batch.infoHashes, i);
    out.numbers(batch.seeders[i]!, batch.leechers[i]!, batch.completed[i]!);
  },
  statedump: (out, batch, i) => {
    out.hexHash(batch.infoHashes, i);
    out.numbers(batch.minutes[i]!, batch.completed[i]!);
  },
};

class Writer {
  end = 0;
  readonly bytes: Uint8Array;

  constructor(bytesMax: number) {
    this.bytes = new Uint8Array(bytesMax);
  }

  text(text: Uint8Array): void {
    for (let i = 0; i < text.length; i++) this.bytes[this.end++] = text[i]!;
  }

  hash(infoHashes: Uint8Array, row: number): void {
    for (let i = 0; i < 20; i++) this.bytes[this.end++] = infoHashes[row * 20 + i]!;
  }

  hexHash(infoHashes: Uint8Array, row: number): void {
    for (let i = 0; i < 20; i++) {
      const byte = infoHashes[row * 20 + i]!;
      this.bytes[this.end++] = UPPER_HEX[byte >> 4]!;
      this.bytes[this.end++] = UPPER_HEX[byte & 15]!;
    }
  }

  urlHash(infoHashes: Uint8Array, row: number): void {
    for (let i = 0; i < 20; i++) {
      const byte = infoHashes[row * 20 + i]!;
      if (IS_PLAIN[byte]) this.bytes[this.end++] = byte;
      else {
        this.bytes[this.end++] = PERCENT;
        this.bytes[this.end++] = LOWER_HEX[byte >> 4]!;
        this.bytes[this.end++] = LOWER_HEX[byte & 15]!;
      }
    }
  }

  word(value: number): void {
    for (let shift = 24; shift >= 0; shift -= 8) this.bytes[this.end++] = value >>> shift & 0xff;
  }

  number(value: number): void {
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value;
    for (let at = this.end + digits - 1; at >= this.end; at--) {
      const next = Math.floor(rest / 10);
      this.bytes[at] = ZERO + rest - next * 10;
      rest = next;
    }
    this.end += digits;
  }

  numbers(...values: number[]): void {
    for (let i = 0; i < values.length; i++) {
      this.bytes[this.end++] = COLON;
      this.number(values[i]!);
    }
    this.bytes[this.end++] = LF;
  }
}
