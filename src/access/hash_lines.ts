/**
 * Reads a text with an info hash a line, in pieces as they come: 40 hex digits at the start of a line, then anything
 * that is not a hex digit, or the end. The rest of a line says nothing; other lines are counted and left out. Lines end
 * in LF, CR before it or not, and the last needs no end. Source: opentracker's list files.
 */

const LF = 0x0a, CR = 0x0d, HASH_SIGN = 0x23;
const HEX_DIGITS = 40;
/** What a byte is as a hex digit; -1 = none. */
const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  HEX["0123456789abcdef".charCodeAt(i)] = i;
  HEX["0123456789ABCDEF".charCodeAt(i)] = i;
}

/** A line was a hash: five words, good until the next. */
export type OnHash = (words: Int32Array) => void;

/** One text being read. */
export class HashLines {
  /** Lines that were no hash, not empty, and did not begin with `#`. */
  badLines = 0;
  readonly #onHash: OnHash;
  readonly #words = new Int32Array(5);
  readonly #bytes = new Uint8Array(this.#words.buffer);
  /** Digits of the line so far; more than 40 = a 41st came, -1 = the line is no hash. */
  #digits = 0;
  /** Whether the hash of the line is complete and its rest is passed over. */
  #isDone = false;
  #isEmpty = true;
  #isComment = false;

  constructor(onHash: OnHash) {
    this.#onHash = onHash;
  }

  /** Takes the next piece. */
  take(text: Uint8Array): void {
    const length = text.length;
    for (let at = 0; at < length;) {
      // The common case in one go: a line that lies in the piece whole.
      if (this.#digits === 0 && this.#isEmpty && at + HEX_DIGITS < length && this.#takeWhole(text, at)) {
        at += HEX_DIGITS + 1;
      } else this.#takeByte(text[at++]);
    }
  }

  /** The text is over. */
  end(): void {
    this.#endLine();
  }

  // 40 digits and a line feed at `at`. False when it is something else, and nothing is taken.
  #takeWhole(text: Uint8Array, at: number): boolean {
    if (text[at + HEX_DIGITS] !== LF) return false;
    const bytes = this.#bytes;
    let bad = 0;
    for (let i = 0; i < 20; i++) {
      const high = HEX[text[at + i * 2]], low = HEX[text[at + i * 2 + 1]];
      bad |= high | low;
      bytes[i] = high << 4 | low;
    }
    if (bad < 0) return false;
    this.#onHash(this.#words);
    return true;
  }

  #takeByte(byte: number): void {
    if (byte === LF) return this.#endLine();
    if (this.#isEmpty && byte !== CR) {
      this.#isEmpty = false;
      this.#isComment = byte === HASH_SIGN;
    }
    if (this.#isDone || this.#digits < 0) return;
    const digit = HEX[byte];
    if (digit >= 0 && this.#digits < HEX_DIGITS) {
      const index = this.#digits >> 1;
      this.#bytes[index] = (this.#digits & 1) === 0 ? digit << 4 : this.#bytes[index] | digit;
      this.#digits++;
    } else if (digit < 0 && this.#digits === HEX_DIGITS) this.#isDone = true;
    else this.#digits = -1;
  }

  #endLine(): void {
    if (this.#isDone || this.#digits === HEX_DIGITS) this.#onHash(this.#words);
    else if (!this.#isEmpty && !this.#isComment) this.badLines++;
    this.#digits = 0;
    this.#isDone = this.#isComment = false;
    this.#isEmpty = true;
  }
}
