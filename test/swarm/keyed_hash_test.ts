/** The keyed hash is HalfSipHash-1-3. */
import assert from "node:assert/strict";
import { keyedHash } from "../../src/swarm/keyed_hash.ts";

/** Bytes 00, 01, 02 … as words. */
const COUNTING = new Int32Array(Uint8Array.from({ length: 64 }, (_, i) => i).buffer);

Deno.test("keyedHash() agrees with known vectors of HalfSipHash-1-3", () => {
  // Messages 00, 01, 02 … of whole words under the key 00 01 … 07, as Linux tests its hsiphash with on 32-bit machines.
  const rows: [bytes: number, want: number][] = [
    [0, 0x5814c896],
    [4, 0x7e059ea6],
    [8, 0x577999b1],
    [12, 0x6b28096c],
    [16, 0x8b31d501],
    [20, 0x911bb605],
    [60, 0x88b4c4cc],
  ];
  for (const [bytes, want] of rows) {
    assert.equal(keyedHash(0x03020100, 0x07060504, COUNTING, 0, bytes / 4) >>> 0, want, `${bytes} bytes`);
  }
});

Deno.test("keyedHash() reads from where it is told", () => {
  assert.equal(keyedHash(1, 2, COUNTING, 3, 5), keyedHash(1, 2, COUNTING.slice(3, 8), 0, 5));
});

Deno.test("keyedHash() changes with each bit of key and message", () => {
  const words = Int32Array.of(1, 2, 3, 4, 5), seen = new Set([keyedHash(1, 2, words, 0, 5)]);
  for (let bit = 0; bit < 32; bit++) {
    seen.add(keyedHash(1 ^ 1 << bit, 2, words, 0, 5)).add(keyedHash(1, 2 ^ 1 << bit, words, 0, 5));
    for (let i = 0; i < 5; i++) {
      seen.add(keyedHash(1, 2, words.map((word, k) => k === i ? word ^ 1 << bit : word), 0, 5));
    }
  }
  assert.equal(seen.size, 1 + 7 * 32);
});
