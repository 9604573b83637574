/** The order of byte strings: the one bencode's dictionaries and BEP 52's file trees are sorted by. Pure. */

/** Compares byte by byte, unsigned; a prefix comes before the longer string. Returns a number for `Array.sort`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}
