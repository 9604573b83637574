/**
 * Feeds what reads foreign bytes with broken input, and tells what does not stand it. An input fails when its check
 * throws, or when it takes longer than a second. The same seed gives the same inputs; chance inside a check comes from
 * the input alone, so that a find fails again by itself.
 */
import { Mutator } from "./mutate.ts";
import { Random } from "./random.ts";

/** What a check saw: something short that tells one way through the code from another. An input with a new one is kept
 * to start from. */
export type Outcome = string | number;

/** Throws when the input is not stood. Must not change `input`. `chance` is the same for the same input. */
export type Check = (input: Uint8Array, chance: Random) => Outcome | Promise<Outcome>;

/** Something that reads foreign bytes. */
export interface FuzzTarget {
  /** Its folder in test/fuzz/corpus. */
  readonly name: string;
  /** Half a line on what is fed, for the list of targets. */
  readonly summary: string;
  /** Longest input: a little above the longest that is read. */
  readonly bytesMax: number;
  /** What its format is made of. */
  readonly words: readonly string[];
  /** Inputs to start from besides the corpus. */
  readonly seeds?: () => Iterable<Uint8Array>;
  /** A fresh world for the inputs of one run. */
  readonly open: () => Check;
}

/** An input that failed. */
export interface Find {
  readonly target: string;
  readonly input: Uint8Array;
  /** What is wrong, with its stack. */
  readonly reason: string;
  /** Its number in the run, from 1. */
  readonly number: number;
  /** False: it fails only after the inputs before it, and can only be repeated by the whole run. */
  readonly isAlone: boolean;
}

/** Told of each input before it is tried, and when it has been. */
export interface InputWatch {
  begin(input: Uint8Array): void;
  end(): void;
}

/** A decoder that takes longer over one input than this hangs as far as a tracker is concerned. */
export const INPUT_MS_MAX = 1000;
/** Outcomes that are told apart; the number bounds memory. */
const OUTCOMES_MAX = 10_000;
/** The slowest inputs that are remembered, and how often each is timed again. */
const SLOW_KEPT = 8, TIMED_AGAIN = 3;
/** How much is tried to make a find shorter. */
const SHRINK_TRIES_MAX = 2000, SHRINK_MS_MAX = 5000;

/** One run of one target. */
export class Fuzzer {
  /** Inputs tried, the corpus included. */
  tried = 0;
  readonly #target: FuzzTarget;
  readonly #corpus: readonly Uint8Array[];
  readonly #mutator: Mutator;
  readonly #watch: InputWatch | undefined;
  readonly #check: Check;
  readonly #inputMsMax: number;
  readonly #chance = new Random(0);
  readonly #outcomes = new Set<Outcome>();
  /** The slowest inputs, the slowest first. */
  readonly #slow: { input: Uint8Array; ms: number }[] = [];

  /** `corpus`: tried first, each as it is. At least one of it or of the target's seeds must be there. */
  constructor(
    target: FuzzTarget,
    seed: number,
    corpus: readonly Uint8Array[],
    watch?: InputWatch,
    inputMsMax: number = INPUT_MS_MAX,
  ) {
    this.#target = target;
    this.#inputMsMax = inputMsMax;
    this.#corpus = corpus;
    this.#mutator = new Mutator(
      new Random(seed),
      [...corpus, ...target.seeds?.() ?? []],
      target.words,
      target.bytesMax,
    );
    this.#watch = watch;
    this.#check = target.open();
  }

  /** Different outcomes seen. */
  get outcomes(): number {
    return this.#outcomes.size;
  }

  /** Tries `inputsMax` more inputs, or as many as fit `msMax`; the corpus in any case. Resolves to the first find. */
  async run(inputsMax: number, msMax: number): Promise<Find | null> {
    const end = performance.now() + msMax, last = this.tried + inputsMax;
    for (let now = performance.now(); this.tried < this.#corpus.length || this.tried < last && now < end;) {
      const input = this.#corpus[this.tried] ?? this.#mutator.next();
      const reason = await this.#try(input, now);
      if (reason !== null) return await this.#found(input, reason);
      now = performance.now();
    }
    return null;
  }

  async #try(input: Uint8Array, startMs: number): Promise<string | null> {
    this.tried++;
    this.#watch?.begin(input);
    try {
      const result = attempt(this.#check, input, this.#chance),
        outcome = result instanceof Promise ? await result : result;
      if (!this.#outcomes.has(outcome) && this.#outcomes.size < OUTCOMES_MAX) {
        this.#outcomes.add(outcome);
        this.#mutator.keep(input);
      }
    } catch (error) {
      return reasonOf(error);
    } finally {
      this.#watch?.end();
    }
    const ms = performance.now() - startMs;
    this.#noteTime(input, ms);
    // Only what is slow again is slow: the machine may have been busy.
    const limit = this.#inputMsMax;
    return ms > limit && await timeOf(this.#target.open(), input) > limit ? slow(ms) : null;
  }

  /**
   * The slowest input and its time, for the end of a run. The machine may have been busy: the slowest few are timed
   * anew, each at its best.
   */
  async slowest(): Promise<{ input: Uint8Array; ms: number }> {
    let slowest = { input: new Uint8Array(0) as Uint8Array, ms: 0 };
    for (const { input } of this.#slow) {
      let best = Infinity;
      for (let i = 0; i < TIMED_AGAIN; i++) best = Math.min(best, await timeOf(this.#check, input));
      if (best > slowest.ms) slowest = { input, ms: best };
    }
    return slowest;
  }

  #noteTime(input: Uint8Array, ms: number): void {
    const slow = this.#slow;
    if (slow.length === SLOW_KEPT && ms <= slow.at(-1)!.ms) return;
    slow.push({ input, ms });
    slow.sort((a, b) => b.ms - a.ms);
    slow.length = Math.min(slow.length, SLOW_KEPT);
  }

  async #found(input: Uint8Array, reason: string): Promise<Find> {
    const target = this.#target, limit = this.#inputMsMax, isAlone = await reasonAlone(target, input, limit) !== null;
    const short = isAlone ? await shrink(target, input, limit) : input;
    return {
      target: target.name,
      input: short,
      reason: isAlone ? await reasonAlone(target, short, limit) ?? reason : reason,
      number: this.tried,
      isAlone,
    };
  }
}

/** The reason that a hang is given. */
export function slow(ms: number): string {
  return `one input took ${Math.round(ms)} ms`;
}

// Chance from the bytes (FNV-1a), so that an input always meets the same.
function attempt(check: Check, input: Uint8Array, chance: Random): Outcome | Promise<Outcome> {
  let hash = 0x811c9dc5;
  for (let i = 0; i < input.length; i++) hash = Math.imul(hash ^ input[i]!, 0x01000193);
  chance.restart(hash);
  return check(input, chance);
}

/** Why `input` fails in a world of its own, or null when it does not. */
async function reasonAlone(target: FuzzTarget, input: Uint8Array, msMax: number): Promise<string | null> {
  const startMs = performance.now();
  try {
    await attempt(target.open(), input, new Random(0));
  } catch (error) {
    return reasonOf(error);
  }
  const ms = performance.now() - startMs;
  return ms > msMax ? slow(ms) : null;
}

/** Milliseconds that one check takes, whether it fails or not. */
async function timeOf(check: Check, input: Uint8Array): Promise<number> {
  const startMs = performance.now();
  try {
    await attempt(check, input, new Random(0));
  } catch {
    // Judged by its time alone.
  }
  return performance.now() - startMs;
}

/** The shortest input that was found to fail still, by taking out ever smaller pieces. */
async function shrink(target: FuzzTarget, input: Uint8Array, limit: number): Promise<Uint8Array> {
  const end = performance.now() + SHRINK_MS_MAX;
  let best = input, tries = 0;
  for (let piece = best.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at + piece <= best.length;) {
      if (++tries > SHRINK_TRIES_MAX || performance.now() > end) return best;
      const shorter = new Uint8Array(best.length - piece);
      shorter.set(best.subarray(0, at));
      shorter.set(best.subarray(at + piece), at);
      if (await reasonAlone(target, shorter, limit) === null) at += piece;
      else best = shorter;
    }
  }
  return best;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
