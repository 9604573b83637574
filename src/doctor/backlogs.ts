/** Where packets and connections wait before the tracker sees them. */
import { BACKLOG } from "../front/linux/bind.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, warning } from "./finding.ts";
import { gradeLoss } from "./losses.ts";
import { setSysctl, sysctlPath } from "./shell.ts";

/** Packets that may wait for a core; a core that is away for 10 ms at 500,000 packets a second is this far behind. */
const PACKETS_WANTED = 5000;

/** Looks at the queue of each core: a short one is only a fault once it has overflowed. */
export function checkPacketBacklog({ files }: Examined): Found[] {
  const key = "net.core.netdev_max_backlog", packets = files.number(sysctlPath(key));
  const table = files.text("/proc/net/softnet_stat");
  if (packets === null || table === null) return [cannotTell(`the system does not say ${key}`)];
  const rows = table.trim().split("\n").map((line) => line.split(/\s+/).map((hex) => parseInt(hex, 16)));
  const [processed = 0, dropped = 0] = [0, 1].map((column) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 0));
  const found = `${key} is ${packets}; the cores' queues dropped ${dropped} of ${processed + dropped} packets`;
  if (dropped === 0) return [ok(found)];
  return [gradeLoss(dropped, processed + dropped, found, setSysctl(key, Math.max(PACKETS_WANTED, packets * 4)))];
}

/** Looks at how many connections may wait to be accepted, and to be completed. */
export function checkListenBacklog({ files, sockets }: Examined): Found[] {
  if (!sockets.some(({ protocol }) => protocol === "tcp")) return [ok("no TCP listener")];
  return [checkAccept(files.number(sysctlPath(SOMAXCONN))), checkSyn(files)];
}

const SOMAXCONN = "net.core.somaxconn", SYN_BACKLOG = "net.ipv4.tcp_max_syn_backlog";

function checkAccept(connections: number | null): Found {
  if (connections === null) return cannotTell(`the system does not say ${SOMAXCONN}`);
  const found = `${SOMAXCONN} is ${connections}; the tracker asks for ${BACKLOG}`;
  if (connections >= BACKLOG) return ok(found);
  return warning(`${found}: a burst of new connections is turned away sooner`, ...setSysctl(SOMAXCONN, BACKLOG));
}

function checkSyn(files: Examined["files"]): Found {
  const connections = files.number(sysctlPath(SYN_BACKLOG));
  if (connections === null) return cannotTell(`the system does not say ${SYN_BACKLOG}`);
  const hasCookies = files.number("/proc/sys/net/ipv4/tcp_syncookies") !== 0;
  const found = `${SYN_BACKLOG} is ${connections}`;
  if (hasCookies) return ok(`${found}; with SYN cookies on, nobody is turned away above it`);
  if (connections >= BACKLOG) return ok(found);
  const cookies = setSysctl("net.ipv4.tcp_syncookies", 1);
  return warning(`${found}, and SYN cookies are off: above it connections are turned away`, ...cookies);
}
