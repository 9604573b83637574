/**
 * What each part may touch, as Deno's worker permissions: all that is not named is denied. Nothing that reads bytes from
 * the network can open a file, and only a Linux front has native calls, until it has bound them (part.ts).
 */
import { SHIPPED } from "../plugins/mod.ts";
import { type FrontSocket, hostPort } from "./front/front_start.ts";
import type { FrontKind } from "./messages.ts";

/** Permissions of a front. */
export function frontPermissions(kind: FrontKind, sockets: readonly FrontSocket[]): Deno.PermissionOptionsObject {
  // Its sockets come from the supervisor; `ffi` is given back before the first packet.
  if (kind === "linux") return { ffi: true };
  // Deno checks every datagram's destination, and clients are anywhere: UDP needs it all, TCP only where it listens.
  const hasUdp = sockets.some(({ protocol }) => protocol === "udp");
  return { net: hasUdp ? true : sockets.map(({ address, port }) => hostPort(address, port)) };
}

/** The keeper has its state file and what lies beside it: the lock, SQLite's log, and damaged ones set aside. */
export function keeperPermissions(files: string[]): Deno.PermissionOptionsObject {
  return { read: files, write: files };
}

/**
 * A plugin's host has what the plugin was granted, and the program's own files, which its second thread is loaded from,
 * whenever that has to be started again.
 */
export function hostPermissions(grants: {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly net: readonly string[];
}): Deno.PermissionOptionsObject {
  return withOwnFiles({ read: [...grants.read], write: [...grants.write], net: [...grants.net] });
}

/** The program's own files; what else lies in the folder of shipped plugins is the operator's. */
const OWN_FILES = [
  "./",
  ...["mod.ts", "addresses/", "stats/", ...SHIPPED.map(({ name }) => `${name}.ts`)].map((name) => `../plugins/${name}`),
].map((path) => new URL(path, import.meta.url));

/**
 * The same, and the reading of the program's own files, which the second thread of a worker is loaded from. A part gives
 * it back before it loads a plugin (part.ts).
 */
export function withOwnFiles(permissions: Deno.PermissionOptionsObject): Deno.PermissionOptionsObject {
  return { ...permissions, read: [...OWN_FILES, ...(Array.isArray(permissions.read) ? permissions.read : [])] };
}

/** The office has shared memory and ports to the fronts, nothing else. */
export const OFFICE_PERMISSIONS: Deno.PermissionOptionsObject = {};
