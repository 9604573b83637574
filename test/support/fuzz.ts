/** Feeds a decoder with broken input for a while: random bytes, and packets that began well. */
import { type Random, seededRandom } from "./random.ts";

/** How long each fuzz test runs. Set FUZZ_SECONDS to search longer. */
const SECONDS = Number(Deno.env.get("FUZZ_SECONDS") ?? 2);
/** A decoder that takes longer over one input than this hangs as far as a tracker is concerned. */
const INPUT_MS_MAX = 1000;

/** Calls `decode` with inputs until the time is up. `seeds`: packets to start from. */
export function fuzz(
  name: string,
  seeds: readonly Uint8Array[],
  bytesMax: number,
  decode: (bytes: Uint8Array, random: Random) => void,
): void {
  const random = seededRandom(name), end = performance.now() + SECONDS * 1000;
  let inputs = 0;
  for (let before = performance.now(); before < end; inputs++) {
    const input = random.oneIn(4) ? randomBytes(random, bytesMax) : mutate(random, seeds, bytesMax);
    try {
      decode(input, random);
    } catch (error) {
      throw new Error(`input ${inputs}: ${input.toHex()}`, { cause: error });
    }
    const after = performance.now();
    if (after - before > INPUT_MS_MAX) throw new Error(`input ${inputs} took ${after - before} ms: ${input.toHex()}`);
    before = after;
  }
  if (inputs < 1000) throw new Error(`only ${inputs} inputs were tried`);
}

function randomBytes(random: Random, bytesMax: number): Uint8Array {
  // Few letters make more sense by accident than many.
  const letters = random.oneIn(2) ? random.bytes(1 + random.below(8)) : null;
  const bytes = random.bytes(random.below(random.oneIn(50) ? bytesMax : 200));
  return letters === null ? bytes : bytes.map((byte) => letters[byte % letters.length]!);
}

function mutate(random: Random, seeds: readonly Uint8Array[], bytesMax: number): Uint8Array {
  let bytes: Uint8Array = seeds[random.below(seeds.length)]!.slice();
  for (let changes = random.below(6); changes >= 0; changes--) bytes = change(random, bytes, seeds);
  return bytes.subarray(0, bytesMax);
}

function change(random: Random, bytes: Uint8Array, seeds: readonly Uint8Array[]): Uint8Array {
  const at = random.below(bytes.length + 1), to = at + random.below(bytes.length + 1 - at);
  switch (random.below(7)) {
    case 0: // a byte set
      bytes[at] = random.below(256);
      return bytes;
    case 1: // a bit flipped
      bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 2: // cut off
      return bytes.slice(0, at);
    case 3: // a piece taken out
      return join(bytes.subarray(0, at), bytes.subarray(to));
    case 4: // a piece twice
      return join(bytes.subarray(0, to), bytes.subarray(at));
    case 5: // random bytes put in
      return join(bytes.subarray(0, at), random.bytes(random.below(20)), bytes.subarray(at));
    default: { // the tail of another
      const other = seeds[random.below(seeds.length)]!;
      return join(bytes.subarray(0, at), other.subarray(random.below(other.length + 1)));
    }
  }
}

function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
