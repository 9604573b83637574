/** What a difference from opentracker is, and patterns for what the suite sees of one. */

/** One intended difference. */
export interface Difference {
  /** What it is about. */
  readonly topic: string;
  readonly opentracker: string;
  readonly waggle: string;
  readonly because: string;
  /** What of it the suite sees. */
  readonly seen: readonly Sight[];
}

/** Fields of probes that differ for this reason. */
export interface Sight {
  /** Names of probes. */
  readonly probes: RegExp;
  /** Names of fields. */
  readonly fields: RegExp;
  /** What the two values are; any when left out. A field that is not there is "(none)". */
  readonly theirs?: RegExp;
  readonly ours?: RegExp;
  /** How the two belong together, where that can be said. */
  readonly agree?: (theirs: string, ours: string) => boolean;
}

/** Any name. */
export const ANY = /./;
/** A field that is not there. */
export const NONE = /^\(none\)$/;
/** Status lines. */
export const OK = /^HTTP\/1\.1 200 OK$/;
export const INVALID = /^HTTP\/1\.0 400 Invalid Request$/;
