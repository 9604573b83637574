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
/**
 * Seconds that one is waited for by then, without a break, when all places are taken: it gives way to a new one. A client
 * at the least pace (full_scrape_pace.ts) takes a piece in 8.
 */
const GIVE_WAY_SECONDS = 10;

/** What the operator set. */
export interface FullScrapeRules {
  /** False: there is none. */
  readonly isOn: boolean;
  /** Seconds between two of one address; 0 = no limit. */
  readonly seconds: number;
  /** Only these, and as often as they like. Empty: everyone. */
  readonly networks: NetworkSet;
}

/** Why a request for everything is refused. */
export type GateRefusal = "off" | "denied" | "not modest" | "busy";

/** One that is sent: full_scrape_pace.ts. */
export interface SentFullScrape {
  /** Seconds since when its client is waited for; 0 while it is not. */
  readonly waitingSeconds: () => number;
  /** Ends it. */
  readonly giveWay: () => void;
}

/** The place of one that was granted. */
export interface Place {
  /** What takes it, as soon as that is sent. */
  sent: SentFullScrape | undefined;
  /** It is over: must be called. */
  readonly end: () => void;
}

/** The gate of one tracker. Addresses are IPv4 addresses and IPv6 networks of 64 bits, of which anyone has so many. */
export class FullScrapeGate {
  readonly #rules: FullScrapeRules;
  /** Second of the last grant by address, in the order of the grants. */
  readonly #granted = new Map<string, number>();
  /** By its place, of each that is under way: the address. */
  readonly #running = new Map<Place, string>();

  constructor(rules: FullScrapeRules) {
    this.#rules = rules;
  }

  /**
   * Asks for one. `waits`: whether this kind is held to the limit. A refusal does not lengthen the wait. Where all places
   * are taken, one that has waited for its client for long is ended.
   */
  ask(addressText: string, second: number, waits: boolean): Place | GateRefusal {
    const { isOn, seconds, networks } = this.#rules, isOpen = networks.size === 0, address = siteOf(addressText);
    const isLimited = waits && isOpen && seconds > 0;
    if (!isOn) return "off";
    if (!isOpen && !networks.hasText(addressText)) return "denied";
    const last = this.#granted.get(address), running = this.#running;
    if (isLimited && last !== undefined && second - last < seconds) return "not modest";
    const own = isOpen ? running.values().filter((other) => other === address).toArray().length : 0;
    if (own >= RUNNING_OWN_MAX || running.size >= RUNNING_MAX && !this.#makeRoom()) return "busy";
    const place: Place = { sent: undefined, end: () => running.delete(place) };
    running.set(place, address);
    if (isLimited) this.#note(address, second);
    return place;
  }

  // Four that read next to nothing would keep everyone else out.
  #makeRoom(): boolean {
    let slowest: Place | undefined, longest = GIVE_WAY_SECONDS;
    for (const place of this.#running.keys()) {
      const seconds = place.sent?.waitingSeconds() ?? 0;
      if (seconds <= longest) continue;
      slowest = place;
      longest = seconds;
    }
    if (slowest === undefined) return false;
    slowest.sent!.giveWay();
    slowest.end();
    return true;
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
