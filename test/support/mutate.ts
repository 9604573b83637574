/** Broken input for decoders: random bytes, and inputs that began well and were changed a little. Bounded in memory. */
import type { Random } from "./random.ts";

/** Inputs that led somewhere new and are kept to start from; past it one makes room for another. */
const KEPT_MAX = 512;
/** A longer input is not kept: it would slow down all that come of it. */
const KEPT_BYTES_MAX = 2048;
/** Numbers at which decoders break. */
const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const DECIMALS = ["0", "-1", "00", "255", "256", "65535", "65536", "4294967295", "4294967296", "9007199254740993"];
const DIGIT_0 = 0x30, DIGIT_9 = 0x39;
/** How often a piece is repeated, unless it is to fill the whole input. */
const REPEATS_MAX = 2000;

const encoder = new TextEncoder();

/** Makes inputs out of seeds. */
export class Mutator {
  readonly #random: Random;
  readonly #seeds: readonly Uint8Array[];
  readonly #kept: Uint8Array[] = [];
  readonly #words: readonly Uint8Array[];
  readonly #bytesMax: number;

  /** `seeds`: at least one. `words`: what the format is made of, as text. */
  constructor(random: Random, seeds: readonly Uint8Array[], words: readonly string[], bytesMax: number) {
    this.#random = random;
    this.#seeds = seeds;
    this.#words = words.map((word) => encoder.encode(word));
    this.#bytesMax = bytesMax;
  }

  /** The next input, at most `bytesMax` long, a copy of its own. */
  next(): Uint8Array {
    const random = this.#random;
    if (random.oneIn(16)) return this.#randomBytes();
    let bytes: Uint8Array = this.#seed().slice();
    for (let changes = random.below(6); changes >= 0; changes--) bytes = this.#change(bytes);
    return bytes.length > this.#bytesMax ? bytes.slice(0, this.#bytesMax) : bytes;
  }

  /** Starts from this input too from now on. */
  keep(input: Uint8Array): void {
    if (input.length > KEPT_BYTES_MAX) return;
    if (this.#kept.length < KEPT_MAX) this.#kept.push(input.slice());
    else this.#kept[this.#random.below(KEPT_MAX)] = input.slice();
  }

  #seed(): Uint8Array {
    const from = this.#kept.length > 0 && !this.#random.oneIn(3) ? this.#kept : this.#seeds;
    return from[this.#random.below(from.length)]!;
  }

  #randomBytes(): Uint8Array {
    const random = this.#random;
    // Few letters make more sense by accident than many.
    const letters = random.oneIn(2) ? random.bytes(1 + random.below(8)) : null;
    const bytes = random.bytes(random.below(random.oneIn(50) ? this.#bytesMax : Math.min(200, this.#bytesMax)));
    return letters === null ? bytes : bytes.map((byte) => letters[byte % letters.length]!);
  }

  #change(bytes: Uint8Array): Uint8Array {
    const random = this.#random, at = random.below(bytes.length + 1), to = at + random.below(bytes.length + 1 - at);
    switch (random.below(11)) {
      case 0: // a byte set
        if (at < bytes.length) bytes[at] = random.below(256);
        return bytes;
      case 1: // a bit flipped
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        return bytes;
      case 2: // cut off
        return bytes.slice(0, at);
      case 3: // a piece taken out
        return join(bytes.subarray(0, at), bytes.subarray(to));
      case 4: // a piece twice
        return join(bytes.subarray(0, to), bytes.subarray(at));
      case 5: // random bytes put in
        return join(bytes.subarray(0, at), random.bytes(random.below(20)), bytes.subarray(at));
      case 6: { // the tail of another
        const other = this.#seed();
        return join(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)));
      }
      case 7: // a number at which things break
        return setNumber(bytes, at, NUMBERS[random.below(NUMBERS.length)]!, 1 << random.below(3));
      case 8: // the same in digits
        return this.#setDecimal(bytes, at);
      case 9: // a piece many times, now and then
        return random.oneIn(20) ? this.#repeat(bytes, at, Math.min(to, at + 8)) : bytes;
      default:
        return this.#putWord(bytes, at);
    }
  }

  #putWord(bytes: Uint8Array, at: number): Uint8Array {
    if (this.#words.length === 0) return bytes;
    const word = this.#words[this.#random.below(this.#words.length)]!;
    const over = this.#random.oneIn(2) ? Math.min(bytes.length, at + word.length) : at;
    return join(bytes.subarray(0, at), word, bytes.subarray(over));
  }

  #setDecimal(bytes: Uint8Array, from: number): Uint8Array {
    let at = from, to: number;
    while (at < bytes.length && !isDigit(bytes[at]!)) at++;
    for (to = at; to < bytes.length && isDigit(bytes[to]!);) to++;
    const decimal = encoder.encode(DECIMALS[this.#random.below(DECIMALS.length)]);
    return at === to ? bytes : join(bytes.subarray(0, at), decimal, bytes.subarray(to));
  }

  #repeat(bytes: Uint8Array, at: number, to: number): Uint8Array {
    const most = Math.floor(this.#bytesMax / Math.max(1, to - at));
    const times = this.#random.below(this.#random.oneIn(4) ? most : Math.min(most, REPEATS_MAX));
    const piece = bytes.subarray(at, to), many = new Uint8Array(piece.length * times);
    for (let i = 0; i < times; i++) many.set(piece, i * piece.length);
    return join(bytes.subarray(0, at), many, bytes.subarray(at));
  }
}

function isDigit(byte: number): boolean {
  return byte >= DIGIT_0 && byte <= DIGIT_9;
}

// Big endian, as far as there is room.
function setNumber(bytes: Uint8Array, at: number, value: number, length: number): Uint8Array {
  for (let i = 0; i < length && at + i < bytes.length; i++) bytes[at + i] = value >>> (length - 1 - i) * 8;
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  let length = 0, at = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
