/** What the tracker listens on: from the config's lines to bound sockets, shared out among the fronts. */
import type { Config } from "./config/config.ts";
import type { Settings } from "./config/schema.ts";
import { BindFault, type FrontSocket } from "./front/front_start.ts";
import { bindLinuxSockets, closeLinuxSockets, openLinuxSockets, raiseFileLimit } from "./front/linux/bind.ts";
import { defaultFronts, hasIpv6, refuseLinuxFronts } from "./machine.ts";
import type { FrontKind } from "./messages.ts";

/** The port of BitTorrent trackers when none is named. */
const PORT_DEFAULT = 6969;

/** Open files of an idle tracker, and more for each front: measured, and rounded up. */
export const FILES_BASE = 64, FILES_PER_FRONT = 16;
/** Fewest connections of a front, whatever the limits: below this it could not even say no. */
export const CONNECTIONS_MIN = 16;
/** Share of the operator's figure below which it is said that the system does not allow it. */
const CONNECTIONS_SHARE_SAID = 0.9;

/** The sockets that `config` names, not yet bound; without any, UDP and TCP port 6969 of all addresses. */
export function wantedSockets({ listeners }: Config): readonly FrontSocket[] {
  if (listeners.length > 0) return listeners.map(toSocket);
  const address = hasIpv6() ? "::" : "0.0.0.0";
  return (["tcp", "udp"] as const).map((protocol) => toSocket({ protocol, address, port: PORT_DEFAULT }));
}

/** How many fronts `config` asks for. */
export function countFronts({ settings, listeners }: Config): number {
  const udpWorkers = Math.max(0, ...listeners.map(({ udpWorkers }) => udpWorkers), settings["listen.udp.workers"]);
  return settings["tracker.workers"] || udpWorkers || defaultFronts();
}

/** The kind of front to run: the wanted one, or portable ones with a line that says why. */
export function chooseFrontKind(wanted: "auto" | FrontKind): FrontKind {
  if (wanted === "portable") return "portable";
  const refusal = refuseLinuxFronts();
  if (refusal === null) return "linux";
  console.error(`portable fronts: ${refusal}`);
  return "portable";
}

/**
 * Most connections of each of `fronts` fronts: the operator's figure, or what the limit of open files leaves, so that
 * files for lists and state can be opened whatever clients do. Linux fronts have that limit raised as far as it goes.
 */
export function connectionsPerFront(kind: FrontKind, settings: Settings, fronts: number): number {
  const wanted = settings["http.connections_max"], filesMax = kind === "linux" ? raiseFileLimit() : Infinity;
  const allowed = Math.max(CONNECTIONS_MIN * fronts, filesMax - FILES_BASE - FILES_PER_FRONT * fronts);
  if (allowed < wanted * CONNECTIONS_SHARE_SAID) {
    console.error(`http.connections_max is ${wanted}, and the limit of ${filesMax} open files allows ${allowed}`);
  }
  return Math.max(CONNECTIONS_MIN, Math.ceil(Math.min(wanted, allowed) / fronts));
}

/**
 * The sockets of each front. Linux fronts get bound ones, which are not open yet; portable ones bind for themselves.
 * `inherited`: of the process before this one. Returns the sentence that says why it cannot.
 */
export function shareSockets(
  kind: FrontKind,
  wanted: readonly FrontSocket[],
  fronts: number,
  inherited: readonly FrontSocket[],
): readonly (readonly FrontSocket[])[] | string {
  try {
    if (kind === "portable") {
      for (const socket of wanted) refuseTaken(socket);
      return Array.from({ length: fronts }, (_, index) => portableShare(wanted, index));
    }
    return bindLinuxSockets(wanted, fronts, inherited);
  } catch (error) {
    if (error instanceof BindFault) return error.message;
    throw error;
  }
}

/** Opens the sockets that were bound for Linux fronts, if any were. Returns null, or the sentence that says why it cannot. */
export function openSockets(bound: readonly FrontSocket[]): string | null {
  if (bound.length === 0) return null;
  try {
    openLinuxSockets(bound);
    return null;
  } catch (error) {
    if (error instanceof BindFault) return error.message;
    throw error;
  }
}

/** Closes what was bound for Linux fronts, when they have stopped. */
export function closeSockets(bound: readonly FrontSocket[]): void {
  if (bound.length > 0) closeLinuxSockets(bound);
}

// Fronts that share a TCP port would share it with another tracker. Deno's UDP sockets share with nobody.
function refuseTaken(socket: FrontSocket): void {
  const { protocol, address: hostname, port } = socket;
  if (protocol === "udp" || port === 0) return;
  try {
    Deno.listen({ hostname, port }).close();
  } catch (error) {
    throw new BindFault(socket, error instanceof Error ? error.message : String(error));
  }
}

// Portable fronts share TCP where the system lets them; UDP is the first one's.
function portableShare(sockets: readonly FrontSocket[], index: number): readonly FrontSocket[] {
  if (index === 0) return sockets;
  return Deno.build.os === "linux" ? sockets.filter(({ protocol }) => protocol === "tcp") : [];
}

function toSocket({ protocol, address, port, proxyProtocol }: Omit<FrontSocket, "descriptor">): FrontSocket {
  return { protocol, address, port, descriptor: -1, ...(proxyProtocol && { proxyProtocol }) };
}
