/**
 * How often a client shall come back and how many peers it is given: the operator's figures and a little chance, so
 * that clients do not come back all at once; and less of both while the tracker is behind.
 */
import { SHED_STEPS, type ShedStep, stretchInterval } from "../shield/shed_steps.ts";

/** Part of the interval that chance adds or takes: ±10 %, opentracker's ±180 s of 1800 s. */
const JITTER_SHARE = 0.1;

/** The operator's figures. */
export interface PolicySettings {
  readonly intervalSeconds: number;
  readonly numwantDefault: number;
  readonly numwantMax: number;
}

/** One thread's policy. */
export class Policy {
  readonly intervalSeconds: number;
  readonly numwantMax: number;
  readonly #numwantDefault: number;
  readonly #jitterSeconds: number;
  /** Most peers and length of intervals of the step in force. */
  #peersMax: number;
  #stretch = 1;
  #random: number;

  /** `seed`: any number. */
  constructor(settings: PolicySettings, seed: number) {
    this.intervalSeconds = settings.intervalSeconds;
    this.numwantMax = this.#peersMax = settings.numwantMax;
    this.#numwantDefault = Math.min(settings.numwantDefault, settings.numwantMax);
    this.#jitterSeconds = Math.floor(settings.intervalSeconds * JITTER_SHARE);
    this.#random = seed | 1;
  }

  /** Peers for a client that asks for `numwant`; negative = it leaves the number to us. */
  peersFor(numwant: number): number {
    const peersMax = this.#peersMax, wanted = numwant < 0 ? this.#numwantDefault : numwant;
    return wanted < peersMax ? wanted : peersMax;
  }

  /** Serves as `step` of shedding says, until the next call. */
  shed(step: ShedStep = SHED_STEPS[0]!): void {
    this.#stretch = step.stretch;
    this.#peersMax = Math.min(this.numwantMax, step.peersMax);
  }

  /** An interval as long as the step in force makes it. */
  stretched(seconds: number): number {
    return this.#stretch === 1 ? seconds : stretchInterval(seconds, this.#stretch);
  }

  /** Seconds until this client shall announce again. */
  nextInterval(): number {
    return this.stretched(this.nextPlainInterval());
  }

  /** The same, whatever step is in force. */
  nextPlainInterval(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    const spread = 2 * this.#jitterSeconds;
    return this.intervalSeconds - this.#jitterSeconds + Math.floor((x >>> 0) * spread / 0x100000000);
  }
}
