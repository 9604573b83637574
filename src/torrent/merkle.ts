/**
 * The hash trees of BEP 52: SHA-256 over blocks of 16 KiB, joined in pairs; missing leaves are zeros. Pure.
 */
import { createHash } from "node:crypto";

/** Bytes under one leaf. */
export const BLOCK_BYTES = 16_384;

/** Bytes of one hash. */
export const SHA256_BYTES = 32;

/**
 * The root of a tree. `hashes`: one or more hashes of one layer, 32 bytes each. `widthMin`: leaves the layer must have,
 * a power of two; a wider layer is filled up to the next power of two. `filler`: the hash that stands for what is
 * missing: `zeroHash(0)` in the layer of blocks, `zeroHash(n)` n layers above it.
 */
export function merkleRoot(hashes: Uint8Array, widthMin: number, filler: Uint8Array): Uint8Array {
  const count = hashes.length / SHA256_BYTES;
  let layer = new Uint8Array(Math.max(widthMin, nextPowerOfTwo(count)) * SHA256_BYTES);
  layer.set(hashes);
  for (let at = hashes.length; at < layer.length; at += SHA256_BYTES) layer.set(filler, at);
  while (layer.length > SHA256_BYTES) {
    const above = new Uint8Array(layer.length / 2);
    for (let at = 0; at < above.length; at += SHA256_BYTES) {
      above.set(createHash("sha256").update(layer.subarray(2 * at, 2 * at + 2 * SHA256_BYTES)).digest(), at);
    }
    layer = above;
  }
  return layer;
}

/** The root over 2^`layers` leaves of zeros. */
export function zeroHash(layers: number): Uint8Array {
  let hash = new Uint8Array(SHA256_BYTES);
  for (let layer = 0; layer < layers; layer++) {
    hash = new Uint8Array(createHash("sha256").update(hash).update(hash).digest());
  }
  return hash;
}

/** The smallest power of two that is at least `count`; 1 for 0. */
export function nextPowerOfTwo(count: number): number {
  let power = 1;
  while (power < count) power *= 2;
  return power;
}
