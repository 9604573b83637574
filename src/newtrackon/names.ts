/** What DNS and this machine say: the addresses and TXT records of a host, and the families that lead outside. */
import { lookup } from "node:dns/promises";
import { isPublicAddress } from "./rules.ts";

/** Where names lead. */
export interface Names {
  /** Addresses of a host in the system's order; none when it cannot be resolved. */
  readonly addresses: (host: string) => Promise<readonly HostAddress[]>;
  /** Its TXT records, each the strings it consists of; null when DNS does not answer. */
  readonly txtRecords: (host: string, timeoutSeconds: number) => Promise<readonly (readonly string[])[] | null>;
  /** Whether this machine has an address from which `address` could be reached. */
  readonly leadsTo: (address: HostAddress) => boolean;
}

/** One address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** DNS and the interfaces of this machine. */
export const SYSTEM_NAMES: Names = {
  addresses: async (host) => {
    try {
      return (await lookup(host, { all: true })).map(({ address, family }) => ({
        address,
        family: family === 6 ? 6 : 4,
      }));
    } catch {
      // There is no such name, or no DNS.
      return [];
    }
  },
  txtRecords: (host, timeoutSeconds) => readTxtRecords(host, timeoutSeconds),
  leadsTo: ({ address, family }) => !isPublicAddress(address) || hasWayOut(family),
};

/** Asks DNS for the TXT records of `host`: the system's server, or the one at `nameServer`. */
export async function readTxtRecords(
  host: string,
  timeoutSeconds: number,
  nameServer?: { readonly ipAddr: string; readonly port: number },
): Promise<readonly (readonly string[])[] | null> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  try {
    return await Deno.resolveDns(host, "TXT", { signal, ...(nameServer && { nameServer }) });
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? [] : null;
  }
}

// IPv4 leads out from private addresses too.
function hasWayOut(family: 4 | 6): boolean {
  const wanted = family === 4 ? "IPv4" : "IPv6";
  return Deno.networkInterfaces().some(({ family, address }) =>
    family === wanted && (family === "IPv4" ? !address.startsWith("127.") : isPublicAddress(address))
  );
}
