/**
 * What the tracker leaves out when it cannot keep up, step by step, and the word through which the supervisor tells the
 * fronts how far they shall go. Each class of requests has a step of its own.
 *
 *   word 0  HTTP over IPv4   word 1  HTTP over IPv6   word 2  UDP over IPv4   word 3  UDP over IPv6
 *   word 4  age in minutes at which peers are forgotten
 */

/** Requests that are served, or not, alike. */
export const SHED_CLASSES = ["http4", "http6", "udp4", "udp6"] as const;

/** A class of requests. */
export type ShedClass = typeof SHED_CLASSES[number];

/** One step. Each leaves out at least what the step before does. */
export interface ShedStep {
  /** Intervals are this many times as long: what costs clients least, and is felt an interval later. */
  readonly stretch: number;
  /** Most peers of a reply: shorter replies cost less, and ten are enough to find the others by. */
  readonly peersMax: number;
  /** Of eight connects over UDP, so many are not looked at: a client without a connection id has lost nothing yet. */
  readonly connectEighths: number;
  /** Of eight other datagrams, but not of announces that say stopped or completed and have a good connection id. */
  readonly otherEighths: number;
}

/** The steps, the first of which leaves out nothing. */
export const SHED_STEPS: readonly ShedStep[] = [
  { stretch: 1, peersMax: Infinity, connectEighths: 0, otherEighths: 0 },
  { stretch: 1.5, peersMax: Infinity, connectEighths: 0, otherEighths: 0 },
  { stretch: 2, peersMax: Infinity, connectEighths: 0, otherEighths: 0 },
  { stretch: 2, peersMax: 25, connectEighths: 0, otherEighths: 0 },
  { stretch: 2, peersMax: 10, connectEighths: 0, otherEighths: 0 },
  { stretch: 2, peersMax: 10, connectEighths: 4, otherEighths: 0 },
  { stretch: 2, peersMax: 10, connectEighths: 7, otherEighths: 0 },
  { stretch: 2, peersMax: 10, connectEighths: 7, otherEighths: 4 },
];

/** The last step that answers everyone: HTTP goes no further, and UDP only when datagrams are lost anyway. */
export const ANSWERING_STEP_MAX = 4;

/**
 * No interval is made longer than this: a swarm whose peers are heard of more seldom is full of peers that have gone. One
 * that the operator or a plugin has set longer stays as it is.
 */
export const STRETCHED_SECONDS_MAX = 7200;

/** An interval made `stretch` times as long, within its limit. */
export function stretchInterval(seconds: number, stretch: number): number {
  return Math.max(seconds, Math.min(STRETCHED_SECONDS_MAX, Math.floor(seconds * stretch)));
}

const PEER_AGE = SHED_CLASSES.length, WORDS = SHED_CLASSES.length + 1;
const HTTP4 = 0, HTTP6 = 1, UDP4 = 2, UDP6 = 3;

/** Shared memory for the steps in force: none. */
export function createShedControl(peerAgeMinutesMax: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(WORDS * 4);
  new Int32Array(memory)[PEER_AGE] = peerAgeMinutesMax;
  return memory;
}

/** The steps in force, as one thread reads them; the supervisor writes them. */
export class ShedControl {
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  /** Whether anything is left out. */
  get isOn(): boolean {
    const words = this.#words;
    return (words[HTTP4]! | words[HTTP6]! | words[UDP4]! | words[UDP6]!) !== 0;
  }

  /** The step for HTTP of an address family. */
  http(family: number): ShedStep {
    return SHED_STEPS[this.#words[family === 4 ? HTTP4 : HTTP6]!]!;
  }

  /** The step for UDP of an address family. */
  udp(family: number): ShedStep {
    return SHED_STEPS[this.#words[family === 4 ? UDP4 : UDP6]!]!;
  }

  /** Age in minutes at which peers are forgotten: longer while clients come back later. */
  get peerAgeMinutesMax(): number {
    return this.#words[PEER_AGE]!;
  }

  /** Puts steps into force: numbers of SHED_STEPS by class. */
  set(steps: Readonly<Record<ShedClass, number>>, peerAgeMinutesMax: number): void {
    for (const [i, name] of SHED_CLASSES.entries()) Atomics.store(this.#words, i, steps[name]);
    Atomics.store(this.#words, PEER_AGE, peerAgeMinutesMax);
  }
}
