/**
 * The bencode decoder for files and answers that anyone may have written: it notes where every value stands in the
 * source, is bounded in depth and in values, and never throws. Source: BEP 3. It takes only canonical integers and
 * lengths (no leading zeros, no "-0"), refuses a key that stands twice, and accepts keys that are not sorted, which it
 * notes. Replies of the tracker are made elsewhere; nothing here is called per packet.
 *
 *   integer     i<digits>e         list        l<value>...e
 *   string      <length>:<bytes>   dictionary  d<string><value>...e
 */
import { compareBytes } from "./byte_order.ts";

/** Lists and dictionaries inside one another. File trees of BEP 52 are the deepest honest use: one level a folder. */
export const DEPTH_MAX = 256;

/** Values of one source, keys included: a torrent of 200,000 files has 1.6 million. Bounds memory to some 500 MB. */
export const VALUES_MAX = 2_000_000;

/** Digits of an integer or length: enough for any 64-bit number. */
const DIGITS_MAX = 20;

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const MINUS = 0x2d;
const LETTER_D = 0x64;
const LETTER_E = 0x65;
const LETTER_I = 0x69;
const LETTER_L = 0x6c;

interface Span {
  /** Offset of the first byte of the encoded value in the source. */
  readonly start: number;
  /** Offset after its last byte. */
  readonly end: number;
}

/** An integer. */
export interface BencodeInteger extends Span {
  readonly kind: "integer";
  readonly value: bigint;
}

/** A byte string; `bytes` is a view of the source. */
export interface BencodeBytes extends Span {
  readonly kind: "bytes";
  readonly bytes: Uint8Array;
}

/** A list. */
export interface BencodeList extends Span {
  readonly kind: "list";
  readonly items: readonly BencodeNode[];
}

/** A dictionary, its entries in the order of the source. */
export interface BencodeDictionary extends Span {
  readonly kind: "dictionary";
  readonly entries: readonly BencodeEntry[];
  /** Whether the keys stand in their order, as BEP 3 wants. */
  readonly isSorted: boolean;
}

/** One key and its value. */
export interface BencodeEntry {
  readonly key: BencodeBytes;
  readonly value: BencodeNode;
}

/** Any value of a source. */
export type BencodeNode = BencodeInteger | BencodeBytes | BencodeList | BencodeDictionary;

/** Why a source is not bencode. `reason` reads on after "at byte N ". */
export interface BencodeFault {
  readonly kind: "fault";
  readonly at: number;
  readonly reason: string;
}

/** Decodes the value at the start of `source`; bytes after it are left to the caller (`end`). Never throws. */
export function decodeBencode(source: Uint8Array): BencodeNode | BencodeFault {
  return new Decoder(source).value(0, 0);
}

/** Formats a fault: "at byte 12 a string of 40 bytes is cut off". */
export function formatBencodeFault({ at, reason }: BencodeFault): string {
  return `at byte ${at} ${reason}`;
}

/** The value of `name` (ASCII) in a dictionary, or undefined. One pass over the keys. */
export function entryOf(dictionary: BencodeDictionary, name: string): BencodeNode | undefined {
  return dictionary.entries.find(({ key }) => isAscii(key.bytes, name))?.value;
}

/** Whether `bytes` spell `text` (ASCII). */
export function isAscii(bytes: Uint8Array, text: string): boolean {
  if (bytes.length !== text.length) return false;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** The text of a string as UTF-8; bytes that are not UTF-8 become U+FFFD. */
export function textOf(node: BencodeBytes): string {
  return LOSSY_UTF8.decode(node.bytes);
}

const LOSSY_UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

class Decoder {
  readonly #source: Uint8Array;
  #valuesLeft = VALUES_MAX;

  constructor(source: Uint8Array) {
    this.#source = source;
  }

  value(start: number, depth: number): BencodeNode | BencodeFault {
    if (start >= this.#source.length) return fault(start, "a value is missing: the data ends");
    if (this.#valuesLeft-- === 0) return fault(start, `there are more than ${VALUES_MAX} values`);
    switch (this.#source[start]) {
      case LETTER_I:
        return this.#integer(start);
      case LETTER_L:
        return depth < DEPTH_MAX ? this.#list(start, depth + 1) : tooDeep(start);
      case LETTER_D:
        return depth < DEPTH_MAX ? this.#dictionary(start, depth + 1) : tooDeep(start);
      default:
        return this.#bytes(start);
    }
  }

  #integer(start: number): BencodeInteger | BencodeFault {
    const negative = this.#source[start + 1] === MINUS;
    const digits = this.#digits(start + (negative ? 2 : 1), LETTER_E, "an integer");
    if (digits.kind === "fault") return digits;
    if (negative && digits.text === "0") return fault(start, "an integer is -0");
    const value = negative ? -BigInt(digits.text) : BigInt(digits.text);
    return { kind: "integer", start, end: digits.end, value };
  }

  #bytes(start: number): BencodeBytes | BencodeFault {
    const first = this.#source[start];
    if (first < DIGIT_0 || first > DIGIT_9) return fault(start, "no value begins with this byte");
    const digits = this.#digits(start, COLON, "the length of a string");
    if (digits.kind === "fault") return digits;
    const length = Number(digits.text);
    const left = this.#source.length - digits.end;
    if (length > left) return fault(start, `a string claims ${length} bytes and ${left} are left`);
    const end = digits.end + length;
    return { kind: "bytes", start, end, bytes: this.#source.subarray(digits.end, end) };
  }

  /** Digits from `start` up to the byte `terminator`; `end` is after it. */
  #digits(
    start: number,
    terminator: number,
    what: string,
  ): { kind: "digits"; text: string; end: number } | BencodeFault {
    let text = "";
    for (let at = start; at < this.#source.length; at++) {
      const byte = this.#source[at];
      if (byte === terminator) {
        if (text === "") return fault(start, `${what} has no digits`);
        if (text.length > 1 && text[0] === "0") return fault(start, `${what} has a leading zero`);
        return { kind: "digits", text, end: at + 1 };
      }
      if (byte < DIGIT_0 || byte > DIGIT_9) return fault(at, `${what} has a byte that is not a digit`);
      if (text.length === DIGITS_MAX) return fault(start, `${what} has more than ${DIGITS_MAX} digits`);
      text += String.fromCharCode(byte);
    }
    return fault(start, `${what} is cut off`);
  }

  #list(start: number, depth: number): BencodeList | BencodeFault {
    const items: BencodeNode[] = [];
    let at = start + 1;
    while (this.#source[at] !== LETTER_E) {
      if (at >= this.#source.length) return fault(start, "a list is cut off");
      const item = this.value(at, depth);
      if (item.kind === "fault") return item;
      items.push(item);
      at = item.end;
    }
    return { kind: "list", start, end: at + 1, items };
  }

  #dictionary(start: number, depth: number): BencodeDictionary | BencodeFault {
    const entries: BencodeEntry[] = [];
    let isSorted = true;
    let at = start + 1;
    while (this.#source[at] !== LETTER_E) {
      if (at >= this.#source.length) return fault(start, "a dictionary is cut off");
      if (this.#valuesLeft-- === 0) return fault(at, `there are more than ${VALUES_MAX} values`);
      const key = this.#bytes(at);
      if (key.kind === "fault") return key;
      const value = this.value(key.end, depth);
      if (value.kind === "fault") return value;
      const previous = entries.at(-1);
      if (previous !== undefined && compareBytes(previous.key.bytes, key.bytes) >= 0) isSorted = false;
      entries.push({ key, value });
      at = value.end;
    }
    const repeated = isSorted ? undefined : repeatedKey(entries);
    if (repeated !== undefined) {
      return fault(repeated.start, `the key ${JSON.stringify(textOf(repeated))} stands twice`);
    }
    return { kind: "dictionary", start, end: at + 1, entries, isSorted };
  }
}

function repeatedKey(entries: readonly BencodeEntry[]): BencodeBytes | undefined {
  const keys = entries.map(({ key }) => key).sort((a, b) => compareBytes(a.bytes, b.bytes) || a.start - b.start);
  return keys.find((key, i) => i > 0 && compareBytes(keys[i - 1].bytes, key.bytes) === 0);
}

function tooDeep(at: number): BencodeFault {
  return fault(at, `values nest deeper than ${DEPTH_MAX}`);
}

function fault(at: number, reason: string): BencodeFault {
  return { kind: "fault", at, reason };
}
