/** IPv6: whether there is any, and whether the listeners serve both families. */
import { formatAddress } from "../bittorrent/address.ts";
import { describeSocket } from "../front/front_start.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, problem, warning } from "./finding.ts";
import { setSysctl } from "./shell.ts";

/** Looks at the addresses, and at what the listeners make of them. */
export function checkIpv6(examined: Examined): Found[] {
  const { files, sockets, hasIpv6, portableBecause } = examined;
  const table = files.text("/proc/net/if_inet6");
  const addresses = table === null ? null : publicAddresses(table), isOff = isSwitchedOff(examined);
  const on6 = sockets.filter(({ address }) => address.includes(":"));
  if (!hasIpv6) {
    const why = isOff ? "net.ipv6.conf.all.disable_ipv6 is 1" : "[::] cannot be bound";
    const commands = isOff ? setSysctl("net.ipv6.conf.all.disable_ipv6", 0) : [];
    if (on6.length === 0) return [warning(`${why}: clients that have only IPv6 are not served`, ...commands)];
    return [problem(`${why}, and ${describeSocket(on6[0]!)} is to be listened on`, ...commands)];
  }
  const only6 = files.number("/proc/sys/net/ipv6/bindv6only") === 1;
  if (only6 && portableBecause !== null && on6.some(({ address }) => address === "::")) {
    const says = "bindv6only is 1: portable fronts on [::] are not reached over IPv4";
    return [problem(says, ...setSysctl("net.ipv6.bindv6only", 0))];
  }
  if (addresses === null) return [cannotTell("[::] can be bound; the system does not say which addresses it has")];
  const bound = `[::] can be bound, bindv6only is ${only6 ? 1 : 0}`;
  if (addresses.length === 0) {
    return [warning(`${bound}, and the machine has no public IPv6 address: only IPv4 clients reach it`)];
  }
  const has = addresses.length === 1 ? addresses[0]! : `${addresses[0]} and ${addresses.length - 1} more`;
  if (on6.length === 0) {
    return [
      warning(
        `the machine has ${has}, and no listener has an IPv6 address`,
        "listen.tcp_udp [::]:6969   # in its config",
      ),
    ];
  }
  return [ok(`${bound}, and the machine has ${has}`)];
}

function isSwitchedOff({ files }: Examined): boolean {
  return files.number("/proc/sys/net/ipv6/conf/all/disable_ipv6") === 1;
}

// address, interface, length of the prefix, scope, flags, name: those that the whole internet may reach, 2000::/3.
function publicAddresses(table: string): string[] {
  return table.split("\n").flatMap((line) => {
    const [hex = ""] = line.split(/\s+/, 1);
    if (!/^[23][0-9a-f]{31}$/.test(hex)) return [];
    return [formatAddress(Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16)))];
  });
}
