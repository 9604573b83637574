/** Targets with faults on purpose, to see that each kind is found. */
import type { FuzzTarget } from "../support/fuzz.ts";

const BYTES_MAX = 64;
const LETTER_X = 0x78;
/** Long against the limits that the tests set, and still an end: a thread cannot be stopped. */
const BUSY_MS = 3000;

function target(name: string, open: FuzzTarget["open"]): FuzzTarget {
  const seeds = () => [new TextEncoder().encode("hello world")];
  return { name, summary: "faulty on purpose", bytesMax: BYTES_MAX, words: ["x"], seeds, open };
}

/** The targets, as in targets.ts. */
export const TARGETS: readonly FuzzTarget[] = [
  target("sound", () => (bytes) => bytes.length),
  target("throws", () => (bytes) => {
    if (bytes.includes(LETTER_X)) throw new Error("an x");
    return 0;
  }),
  target("rejects", () => async (bytes) => {
    await Promise.resolve();
    if (bytes.includes(LETTER_X)) throw new Error("an x, later");
    return 0;
  }),
  // Fails at the hundredth input, whatever that is.
  target("remembers", () => {
    let inputs = 0;
    return () => {
      if (++inputs === 100) throw new Error("one too many");
      return 0;
    };
  }),
  target("hangs", () => (bytes) => {
    const end = performance.now() + BUSY_MS;
    while (bytes.includes(LETTER_X) && performance.now() < end);
    return 0;
  }),
];
