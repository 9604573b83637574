/** What a front is started with, and what it says back: the same for every kind of front. */
import type { NetworkRange } from "../access/networks.ts";
import type { PolicySettings } from "../tracker/policy.ts";
import type { Tracker } from "../tracker/tracker.ts";
import type { ShieldStart } from "../shield/shield.ts";
import type { FrontRules } from "./rules.ts";

/** One address a front answers on. */
export interface FrontSocket {
  readonly protocol: "tcp" | "udp";
  /** Textual IP, no brackets. */
  readonly address: string;
  /** 0 = chosen by the kernel, by the first front to bind. */
  readonly port: number;
  /** Linux fronts: the descriptor the supervisor bound. Portable fronts bind by themselves: -1. */
  readonly descriptor: number;
  /** TCP: each connection begins with a header of the PROXY protocol. */
  readonly proxyProtocol?: true;
}

/** Limits of a front's HTTP connections. */
export interface HttpLimits {
  /** A kept connection without a request is closed after this. */
  readonly idleSeconds: number;
  /** A request slower than this from its first byte, or a reply read slower, is ended. */
  readonly requestSeconds: number;
  /** Most connections of this front; the oldest idle one makes room. */
  readonly connectionsMax: number;
}

/** Everything a front needs; plain data and shared memory, so that it can be sent to a worker. */
export interface FrontStart {
  /** Number of this front, from 0, and how many there are. */
  readonly index: number;
  readonly fronts: number;
  readonly sockets: readonly FrontSocket[];
  readonly arena: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly clock: SharedArrayBuffer;
  /** Tables of busy networks: stats/network_counts.ts. */
  readonly networks: SharedArrayBuffer;
  /** HTTP requests from these networks are handed to the office, to be looked at. */
  readonly logNetworks: readonly NetworkRange[];
  /**
   * Proxies. From where connections to their listeners are taken; none = from everywhere. And whose clients count for the
   * shield, and not they themselves, where a plugin finds out who the client is.
   */
  readonly proxyNetworks: readonly NetworkRange[];
  /** Descriptors a Linux front has open, so that its successor can close them. Unused by portable fronts. */
  readonly descriptors: SharedArrayBuffer;
  /** Where it shows that it lives: plugin/life.ts. */
  readonly life: SharedArrayBuffer;
  readonly policy: PolicySettings;
  readonly peerAgeMinutesMax: number;
  /** Four secret words, the same for every front: an id made by one is good at all. */
  readonly connectionIdKey: Int32Array;
  readonly connectionIdSeconds: number;
  /** Seconds the ids' clock is ahead of ours: it has run since an earlier run that had the same key. */
  readonly connectionIdAheadSeconds: number;
  /** Random, different for each front. */
  readonly seed: number;
  readonly http: HttpLimits;
  /** Access lists and plugins; absent = none. */
  readonly rules?: FrontRules;
  /** How often an address may ask; absent = as often as it likes. */
  readonly shield?: ShieldStart;
  /** From createShedControl: what is left out while the tracker is behind; absent = nothing. */
  readonly shedding?: SharedArrayBuffer;
}

/** A running front, as part.ts sees it. */
export interface Front {
  /** Its deciding part. */
  readonly tracker: Tracker;
  /** The sockets as bound: with their real ports. */
  readonly sockets: readonly FrontSocket[];
  /** Resolves when the front has stopped by itself, which it only does by failing. */
  readonly running: Promise<void>;
  /** Takes a port to a new office. What the old one had not answered is given up, unless that one finishes it. */
  linkOffice(port: MessagePort, oldFinishes: boolean): void;
  /** Takes nothing new, and resolves when the connections it has are answered and closed. Linux fronts only. */
  drain?(): Promise<void>;
  /** Takes what comes again after all; `drain` does not resolve then. */
  resume?(): void;
  /** Stops answering and closes what this front opened. */
  stop(): Promise<void>;
}

/** A socket could not be bound: the operator's to mend. The message is a sentence. */
export class BindFault extends Error {
  /** `where`: protocol, address and port; `why`: the system's words. */
  constructor(where: FrontSocket, why: string) {
    super(`Cannot listen on ${describeSocket(where)}: ${why}`);
  }
}

/** A socket as operators write it: `tcp [::]:6969`. */
export function describeSocket({ protocol, address, port }: FrontSocket): string {
  return `${protocol} ${hostPort(address, port)}`;
}

/** An address and port as text: `127.0.0.1:80`, `[::1]:80`. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
