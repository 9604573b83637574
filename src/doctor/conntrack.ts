/** Connection tracking of the kernel's firewall: each UDP client fills a place of its table for half a minute. */
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, problem, warning } from "./finding.ts";
import { setSysctl } from "./shell.ts";

const MAX = "net.netfilter.nf_conntrack_max";
/** Shares of the table in use: from the first a busy hour can fill it, from the second an ordinary one. */
const WARNING_SHARE = 0.5, PROBLEM_SHARE = 0.8;

/** Looks at how full the table is, and whether it has been full. */
export function checkConntrack({ files, sockets }: Examined): Found[] {
  const used = files.number("/proc/sys/net/netfilter/nf_conntrack_count");
  const most = files.number("/proc/sys/net/netfilter/nf_conntrack_max");
  if (used === null || most === null) {
    return [
      files.names("/proc/sys/net") === null
        ? cannotTell("the system does not say whether it tracks connections")
        : ok("connections are not tracked here"),
    ];
  }
  const ports = sockets.filter(({ protocol, port }) => protocol === "udp" && port !== 0).map(({ port }) => port);
  const timesFull = readTimesFull(files.text("/proc/net/stat/nf_conntrack"));
  const share = used / Math.max(1, most), percent = Math.round(share * 100);
  const found = `${used} of ${most} places in the table of connections are taken (${percent} %)`;
  const commands = [...untrack([...new Set(ports)]), ...setSysctl(MAX, most * 4)];
  if (timesFull > 0) {
    return [problem(`${found}; it was full ${timesFull} times, and clients were dropped`, ...commands)];
  }
  if (share >= PROBLEM_SHARE) return [problem(`${found}: when it is full, clients are dropped`, ...commands)];
  if (share >= WARNING_SHARE) return [warning(`${found}: when it is full, clients are dropped`, ...commands)];
  return [ok(found)];
}

// Lines that keep the tracker's UDP out of the table.
function untrack(ports: readonly number[]): readonly string[] {
  if (ports.length === 0) return [];
  const set = ports.length === 1 ? `${ports[0]}` : `'{ ${ports.join(", ")} }'`;
  const match = (side: "d" | "s") =>
    ports.length === 1 ? `--${side}port ${ports[0]}` : `-m multiport --${side}ports ${ports.join(",")}`;
  const iptables = ["iptables", "ip6tables"].flatMap((program) => [
    `${program} -t raw -A PREROUTING -p udp ${match("d")} -j CT --notrack`,
    `${program} -t raw -A OUTPUT -p udp ${match("s")} -j CT --notrack`,
  ]);
  return [
    "nft add table inet tracker",
    "nft 'add chain inet tracker in { type filter hook prerouting priority raw; }'",
    "nft 'add chain inet tracker out { type filter hook output priority raw; }'",
    `nft add rule inet tracker in udp dport ${set} notrack`,
    `nft add rule inet tracker out udp sport ${set} notrack   # so that it lasts: nft list table inet tracker >> /etc/nftables.conf`,
    `${iptables[0]}   # these four where iptables is in use`,
    ...iptables.slice(1),
    "# a firewall that accepts by state has to accept these ports by number: what is not tracked has no state",
  ];
}

// Rows of hexadecimal counters, one a core, under a row of their names.
function readTimesFull(text: string | null): number {
  const [names = [], ...rows] = (text ?? "").trim().split("\n").map((line) => line.trim().split(/\s+/));
  const columns = ["drop", "early_drop"].map((name) => names.indexOf(name)).filter((column) => column >= 0);
  return rows.reduce((sum, row) => sum + columns.reduce((part, at) => part + parseInt(row[at] ?? "0", 16), 0), 0);
}
