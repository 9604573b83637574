/**
 * What each part may touch, as Deno's worker permissions: all that is not named is denied. Nothing that reads bytes from
 * the network can open a file, and only a Linux front has native calls, until it has bound them (part.ts).
 */
import { type FrontSocket, hostPort } from "./front/front_start.ts";
import type { FrontKind } from "./messages.ts";

/** Permissions of a front. */
export function frontPermissions(kind: FrontKind, sockets: readonly FrontSocket[]): Deno.PermissionOptions {
  // Its sockets come from the supervisor; `ffi` is given back before the first packet.
  if (kind === "linux") return { ffi: true };
  // Deno checks every datagram's destination, and clients are anywhere: UDP needs it all, TCP only where it listens.
  const hasUdp = sockets.some(({ protocol }) => protocol === "udp");
  return { net: hasUdp ? true : sockets.map(({ address, port }) => hostPort(address, port)) };
}

/** The office has shared memory and ports to the fronts, nothing else. */
export const OFFICE_PERMISSIONS: Deno.PermissionOptions = {};
