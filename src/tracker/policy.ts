/**
 * How often a client shall come back and how many peers it is given: the operator's figures and a little chance, so
 * that clients do not come back all at once.
 */

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
  #random: number;

  /** `seed`: any number. */
  constructor(settings: PolicySettings, seed: number) {
    this.intervalSeconds = settings.intervalSeconds;
    this.numwantMax = settings.numwantMax;
    this.#numwantDefault = Math.min(settings.numwantDefault, settings.numwantMax);
    this.#jitterSeconds = Math.floor(settings.intervalSeconds * JITTER_SHARE);
    this.#random = seed | 1;
  }

  /** Peers for a client that asks for `numwant`; negative = it leaves the number to us. */
  peersFor(numwant: number): number {
    if (numwant < 0) return this.#numwantDefault;
    return numwant < this.numwantMax ? numwant : this.numwantMax;
  }

  /** Seconds until this client shall announce again. */
  nextInterval(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    const spread = 2 * this.#jitterSeconds;
    return this.intervalSeconds - this.#jitterSeconds + Math.floor((x >>> 0) * spread / 0x100000000);
  }
}
