/** Each listener: whether a tracker answers there, and if not, who has the port or why it could not be bound. */
import { askScrape } from "../client/ask_tracker.ts";
import { openUdp } from "../client/udp_ask.ts";
import { describeSocket, type FrontSocket, hostPort } from "../front/front_start.ts";
import type { Examined } from "./examined.ts";
import { type Found, ok, problem, warning } from "./finding.ts";
import { describeProcess, type Process } from "./processes.ts";
import { type KernelSocket, socketsAt } from "./socket_table.ts";

/** Time a tracker on this machine has to answer. */
const TIMEOUT_SECONDS = 2;
/** An info hash that nobody has: a scrape for it changes nothing. */
const NO_TORRENT = new Uint8Array(20);
const OPTIONS = { timeoutSeconds: TIMEOUT_SECONDS, userAgent: "tracker doctor" } as const;

/** Asks all listeners at once. */
export async function checkListeners(examined: Examined): Promise<Found[]> {
  return await Promise.all(examined.sockets.map((socket) => checkListener(examined, socket)));
}

async function checkListener(examined: Examined, socket: FrontSocket): Promise<Found> {
  const name = describeSocket(socket);
  if (socket.port === 0) return ok(`${name} takes any free port`);
  const held = socketsAt(examined.table ?? [], socket), holders = holdersOf(examined, held), [holder] = holders;
  // Where the system says that nobody listens, nobody need be asked.
  if (examined.table !== null && held.length === 0) return describeFree(examined, socket, tryToBind(socket));
  const replies = await Promise.all(hostsOf(examined, socket).map((host) => ask(socket, host)));
  const silent = replies.filter(({ refusal }) => refusal !== null);
  if (silent.length === 0 && holders.length > 1) return describeShared(socket, holders);
  if (silent.length === 0) return describeAnswer(examined, socket, replies, holder);
  const why = silent.map(({ host, refusal }) => `${host}: ${refusal}`).join("; ");
  const look = `ss -lnp 'sport = :${socket.port}'   # shows who listens there`;
  if (silent.length < replies.length) return problem(`${name} answers on part of its addresses only: ${why}`, look);
  const refused = tryToBind(socket);
  if (held.length === 0 && !(refused instanceof Deno.errors.AddrInUse)) return describeFree(examined, socket, refused);
  const who = held.length > 0 ? describeProcess(holder) : "another program";
  return problem(`${name} is taken by ${who}, and no tracker answers (${why})`, look);
}

// Those of them that may be looked into, each once. In a restart without a gap both processes have the same sockets.
function holdersOf({ holders }: Examined, held: readonly KernelSocket[]): readonly Process[] {
  const found = held.flatMap(({ inode }) => holders.get(inode) ?? []);
  return [...new Map(found.map((process) => [process.pid, process])).values()];
}

// No tracker of ours takes a port that another has, unless it listens on another address, or is of an earlier version.
function describeShared(socket: FrontSocket, holders: readonly Process[]): Found {
  const who = holders.map(describeProcess).join(" and ");
  return problem(
    `${describeSocket(socket)} is shared by ${who}: each knows only the peers that come to it`,
    ...holders.map(({ pid }) => `kill ${pid}   # one of them is to stay`),
  );
}

function describeAnswer(
  { running }: Examined,
  socket: FrontSocket,
  replies: readonly Reply[],
  holder: Process | undefined,
): Found {
  const hosts = replies.map(({ host }) => host).join(" and ");
  const what = socket.proxyProtocol ? "connections of proxies are taken" : "a tracker answers";
  const who = holder === undefined ? "" : `: ${describeProcess(holder)}`;
  const found = `${describeSocket(socket)}: ${what} on ${hosts}${who}`;
  if (holder === undefined || holder.pid === running?.pid) return ok(found);
  const whose = holder.name === running?.name
    ? `: not the tracker that has other listeners of this config, process ${running.pid}`
    : ", which is not this program";
  return warning(`${found}${whose}`, `kill ${holder.pid}   # before this one is started`);
}

// Where a listener can be reached from this machine.
function hostsOf({ hasIpv6 }: Examined, { address }: FrontSocket): readonly string[] {
  if (address === "0.0.0.0") return ["127.0.0.1"];
  if (address === "::") return hasIpv6 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  return [address];
}

interface Reply {
  readonly host: string;
  /** Null: a tracker answers. */
  readonly refusal: string | null;
}

async function ask({ protocol, port, proxyProtocol }: FrontSocket, host: string): Promise<Reply> {
  if (protocol === "udp") return await askUdp(host, port);
  if (proxyProtocol) return await askConnection(host, port);
  const { outcome } = await askScrape(`http://${hostPort(host, port)}/announce`, [NO_TORRENT], {
    ...OPTIONS,
    family: undefined,
  });
  const refusal = outcome.kind === "noAnswer" ? outcome.reason : null;
  return { host, refusal };
}

async function askUdp(host: string, port: number): Promise<Reply> {
  const tracker = { kind: "udp", host, port, target: "", auth: undefined } as const;
  const conversation = await openUdp(tracker, { ...OPTIONS, family: host.includes(":") ? 6 : 4 });
  if (conversation.kind === "open") conversation.close();
  const refusal = conversation.kind === "noAnswer" ? conversation.reason : null;
  return { host, refusal };
}

// Only a proxy may say more there.
async function askConnection(hostname: string, port: number): Promise<Reply> {
  const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
  try {
    (await Deno.connect({ hostname, port, signal })).close();
    return { host: hostname, refusal: null };
  } catch {
    return { host: hostname, refusal: "it takes no connection" };
  }
}

// Null: it can be bound.
function tryToBind({ protocol, address: hostname, port }: FrontSocket): Error | null {
  try {
    const socket = protocol === "tcp"
      ? Deno.listen({ hostname, port })
      : Deno.listenDatagram({ transport: "udp", hostname, port });
    socket.close();
    return null;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

// Ports below it are for those who have the right.
function firstFreePort({ files }: Examined): number {
  return files.number("/proc/sys/net/ipv4/ip_unprivileged_port_start") ?? 1024;
}

// `refused`: why it cannot be bound; null = it can.
function describeFree(examined: Examined, socket: FrontSocket, refused: Error | null): Found {
  const name = describeSocket(socket), { privileges, portableBecause } = examined, from = firstFreePort(examined);
  const lower = `sysctl -w net.ipv4.ip_unprivileged_port_start=${socket.port}   #`;
  // Whoever looks may be root, and binds; the portable fronts of a tracker that gives it up are not.
  if (refused === null && portableBecause !== null && "user" in privileges && socket.port < from) {
    const { user } = privileges;
    return problem(
      `${name}: portable fronts bind as ${user.name}, who may not bind ports below ${from}`,
      `${lower} for every user`,
    );
  }
  if (refused === null) return warning(`${name}: no tracker runs there; the port is free`);
  if (refused instanceof Deno.errors.PermissionDenied) {
    return problem(
      `${name}: this user may not bind ports below ${from}`,
      "AmbientCapabilities=CAP_NET_BIND_SERVICE   # in [Service] of its systemd unit",
      `${lower} or for every user`,
    );
  }
  if (refused instanceof Deno.errors.AddrNotAvailable) {
    return problem(`${name}: the machine has no such address`, "ip address   # shows those it has");
  }
  return problem(`${name} cannot be bound: ${refused.message}`);
}
