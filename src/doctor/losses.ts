/** Counters of what the kernel threw away since the machine or the socket started. */
import { BACKLOG, UDP_BUFFER_BYTES } from "../front/linux/bind.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, formatCount, type Found, ok, problem, warning } from "./finding.ts";
import { setSysctl, sysctlPath } from "./shell.ts";
import { socketsAt } from "./socket_table.ts";

/** Share of what came in that may be lost before it counts as a problem: retries make up for less than this. */
const LOST_SHARE_MAX = 0.001;

const RMEM_MAX = "net.core.rmem_max", SOMAXCONN = "net.core.somaxconn";

/** A warning or a problem, by the share that was lost. `found` is said with the share behind it. */
export function gradeLoss(lost: number, of: number, found: string, commands: readonly string[]): Found {
  const share = of > 0 ? lost / of : 1, percent = share * 100;
  const says = `${found} (${percent < 0.001 ? "below 0.001" : percent.toFixed(3)} %)`;
  return share > LOST_SHARE_MAX ? problem(says, ...commands) : warning(says, ...commands);
}

/** Datagrams that found a socket's buffer full: those on our ports, and those of the whole machine. */
export function checkUdpLosses(examined: Examined): Found[] {
  const { files, sockets, table } = examined;
  const udp = readCounters(files.text("/proc/net/snmp"), "Udp"), udp6 = readPairs(files.text("/proc/net/snmp6"));
  if (udp === null || table === null) return [cannotTell("the system does not count lost datagrams")];
  const received = (udp.get("InDatagrams") ?? 0) + (udp6.get("Udp6InDatagrams") ?? 0);
  const full = (udp.get("RcvbufErrors") ?? 0) + (udp6.get("Udp6RcvbufErrors") ?? 0);
  const ports = sockets.filter(({ protocol, port }) => protocol === "udp" && port !== 0);
  const bound = new Map(ports.flatMap((socket) => socketsAt(table, socket)).map((socket) => [socket.inode, socket]));
  const drops = [...bound.values()].reduce((sum, socket) => sum + socket.drops, 0);
  const commands = makeRoom(examined, RMEM_MAX, UDP_BUFFER_BYTES);
  const found = `${drops} datagrams were dropped on the UDP ports: the buffers were full`;
  const ours = bound.size === 0
    ? ok("no socket is bound on the UDP ports: nothing can have been dropped there")
    : drops === 0
    ? ok(`no datagram was dropped on the UDP ports, by ${formatCount(bound.size, "socket")}`)
    : gradeLoss(drops, received + drops, found, commands);
  const all = `RcvbufErrors is ${full}, of ${received + full} datagrams since the machine started`;
  if (full === 0) return [ours, ok(all)];
  // Some other program's, perhaps, or those of a tracker that ran before.
  const { says } = gradeLoss(full, received + full, all, []), whose = bound.size === 0 ? "a tracker's or" : "these or";
  return [ours, warning(`${says}: ${whose} other programs'`, ...(bound.size === 0 ? commands : []))];
}

// Longer queues where the system allows less than is asked for, and more threads where there are cores for them.
function makeRoom({ files, fronts, cores, running }: Examined, key: string, wanted: number): readonly string[] {
  const allowed = files.number(sysctlPath(key)) ?? 0;
  return [
    ...(allowed < wanted ? setSysctl(key, wanted) : []),
    ...(fronts < cores ? [`tracker.workers ${cores}   # in its config: a front for each core`] : []),
    ...(running === null ? [] : [`top -H -p ${running.pid}   # shows whether its fronts are at their limit`]),
  ];
}

/** Connections that found the queue of a listener full, on the whole machine. */
export function checkListenLosses(examined: Examined): Found[] {
  const { files } = examined;
  const extended = readCounters(files.text("/proc/net/netstat"), "TcpExt");
  const tcp = readCounters(files.text("/proc/net/snmp"), "Tcp");
  if (extended === null || tcp === null) return [cannotTell("the system does not count refused connections")];
  const overflows = extended.get("ListenOverflows") ?? 0, drops = extended.get("ListenDrops") ?? 0;
  const accepted = tcp.get("PassiveOpens") ?? 0, lost = Math.max(overflows, drops);
  const found = `ListenOverflows is ${overflows} and ListenDrops ${drops}, with ${accepted} connections accepted`;
  if (lost === 0) return [ok(found)];
  return [gradeLoss(lost, accepted + lost, found, makeRoom(examined, SOMAXCONN, BACKLOG))];
}

// `Udp: InDatagrams ...` above `Udp: 17 ...`.
function readCounters(text: string | null, name: string): ReadonlyMap<string, number> | null {
  const [keys, values] = (text ?? "").split("\n").filter((line) => line.startsWith(`${name}: `))
    .map((line) => line.split(/\s+/).slice(1));
  return keys === undefined || values === undefined ? null : new Map(keys.map((key, i) => [key, Number(values[i])]));
}

// A name and a number a line.
function readPairs(text: string | null): ReadonlyMap<string, number> {
  return new Map(
    (text ?? "").trim().split("\n").map((line) => {
      const [key = "", value] = line.split(/\s+/);
      return [key, Number(value)];
    }),
  );
}
