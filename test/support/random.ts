/** Chance with a printed seed, so that every failure can be run again: set SEED to repeat one. */

/** A small generator of pseudo-random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    let t = this.#state = (this.#state + 0x6d2b79f5) | 0;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) % n;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** `length` random bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.below(256);
    return bytes;
  }

  /** Begins anew with another seed. */
  restart(seed: number): void {
    this.#state = seed | 0;
  }
}

/** A generator whose seed is the environment's SEED or the time's, printed under `name`. */
export function seededRandom(name: string): Random {
  const seed = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000_000);
  console.log(`${name}: SEED=${seed}`);
  return new Random(seed);
}
