/**
 * Who may ask for everything, and how often: full scrapes, `tpbs` and `statedump` cost the tracker some seconds of one
 * core and as many megabytes as there are torrents. Source: opentracker's "modest full scrapes".
 */
import { parseAddress } from "../bittorrent/address.ts";
import type { NetworkSet } from "../access/networks.ts";

/** Addresses remembered; the one that asked longest ago is forgotten first. */
const ADDRESSES_MAX = 16384;
/** Full scrapes under way at once: 40 MB each. */
const RUNNING_MAX = 4;
/** … and for one address: who reads slowly must not keep everyone else out. */
const RUNNING_OWN_MAX = 1;

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

/** The gate of one tracker. Addresses are IPv4 addresses and IPv6 networks of 64 bits, of which anyone has so many. */
export class FullScrapeGate {
  readonly #rules: FullScrapeRules;
  /** Second of the last grant by address, in the order of the grants. */
  readonly #granted = new Map<string, number>();
  /** By address, of each that is under way. */
  readonly #running: string[] = [];

  constructor(rules: FullScrapeRules) {
    this.#rules = rules;
  }

  /**
   * Asks for one. `waits`: whether this kind is held to the limit. When "granted", `end` must be called when it is over.
   * A refusal does not lengthen the wait.
   */
  ask(addressText: string, second: number, waits: boolean): GateAnswer {
    const { isOn, seconds, networks } = this.#rules, isOpen = networks.size === 0, address = siteOf(addressText);
    const isLimited = waits && isOpen && seconds > 0;
    if (!isOn) return "off";
    if (!isOpen && !networks.hasText(addressText)) return "denied";
    const last = this.#granted.get(address), running = this.#running;
    if (isLimited && last !== undefined && second - last < seconds) return "not modest";
    const own = isOpen ? running.filter((other) => other === address).length : 0;
    if (running.length >= RUNNING_MAX || own >= RUNNING_OWN_MAX) return "busy";
    running.push(address);
    if (isLimited) this.#note(address, second);
    return "granted";
  }

  /** One that was granted to the address is over. */
  end(addressText: string): void {
    const at = this.#running.indexOf(siteOf(addressText));
    if (at >= 0) this.#running.splice(at, 1);
  }

  #note(address: string, second: number): void {
    this.#granted.delete(address);
    this.#granted.set(address, second);
    if (this.#granted.size > ADDRESSES_MAX) this.#granted.delete(this.#granted.keys().next().value!);
  }
}

const bytes = new Uint8Array(16);

// What counts as one address.
function siteOf(address: string): string {
  return address.includes(":") && parseAddress(address, bytes) ? bytes.subarray(0, 8).toHex() : address;
}
