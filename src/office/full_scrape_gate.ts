/**
 * Who may ask for everything, and how often: full scrapes, `tpbs` and `statedump` cost the tracker some seconds of one
 * core and as many megabytes as there are torrents. Source: opentracker's "modest full scrapes".
 */
import type { NetworkSet } from "../access/networks.ts";

/** Addresses remembered; the one that asked longest ago is forgotten first. */
const ADDRESSES_MAX = 16384;
/** Full scrapes under way at once: 40 MB each. */
const RUNNING_MAX = 4;

/** What the operator set. */
export interface FullScrapeRules {
  /** False: there is none. */
  readonly isOn: boolean;
  /** Seconds between two of one address; 0 = no limit. */
  readonly seconds: number;
  /** Only these, and as often as they like. Empty: everyone. */
  readonly networks: NetworkSet;
}

/** What a request for everything comes to. */
export type GateAnswer = "granted" | "off" | "denied" | "not modest" | "busy";

/** The gate of one tracker. */
export class FullScrapeGate {
  readonly #rules: FullScrapeRules;
  /** Second of the last grant by address, in the order of the grants. */
  readonly #granted = new Map<string, number>();
  #running = 0;

  constructor(rules: FullScrapeRules) {
    this.#rules = rules;
  }

  /**
   * Asks for one. `waits`: whether this kind is held to the limit. When "granted", `end` must be called when it is over.
   * A refusal does not lengthen the wait.
   */
  ask(address: string, second: number, waits: boolean): GateAnswer {
    const { isOn, seconds, networks } = this.#rules, isLimited = waits && networks.size === 0 && seconds > 0;
    if (!isOn) return "off";
    if (networks.size > 0 && !networks.hasText(address)) return "denied";
    const last = this.#granted.get(address);
    if (isLimited && last !== undefined && second - last < seconds) return "not modest";
    if (this.#running >= RUNNING_MAX) return "busy";
    this.#running++;
    if (isLimited) this.#note(address, second);
    return "granted";
  }

  /** One that was granted is over. */
  end(): void {
    this.#running--;
  }

  #note(address: string, second: number): void {
    this.#granted.delete(address);
    this.#granted.set(address, second);
    if (this.#granted.size > ADDRESSES_MAX) this.#granted.delete(this.#granted.keys().next().value!);
  }
}
