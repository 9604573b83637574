/**
 * Binds the listeners of Linux fronts, in the supervisor: one socket a front and address, sharing the port by
 * SO_REUSEPORT. The supervisor keeps them, so that a front that fails finds its sockets, and what has queued in them,
 * when it comes back, even if the right to bind the port is gone by then.
 *
 * A bound socket takes nothing until it is opened: a tracker that gives up root binds first and loads its swarms later,
 * and what queued meanwhile would be answered when nobody waits for it any more. TCP does not listen yet, and clients are
 * refused as before; UDP sockets get a filter that lets nothing pass, and clients ask again, as after any loss.
 */
import { parseAddress } from "../../bittorrent/address.ts";
import { BindFault, type FrontSocket } from "../front_start.ts";
import {
  AF_INET,
  AF_INET6,
  BIND_SYMBOLS,
  constantFilter,
  FILTER_BYTES,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  LIBC,
  RLIMIT_NOFILE,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  systemError,
  TCP_DEFER_ACCEPT,
} from "./libc.ts";

/** Connections that may wait to be accepted; the kernel's own limit (somaxconn) is usually lower. */
export const BACKLOG = 4096;
/** Kernel buffers of a UDP socket: a tenth of a second at 200,000 requests a second. */
export const UDP_BUFFER_BYTES = 4 * 1024 * 1024;
/**
 * How long a connection may take to send its first byte before the kernel gives it up. That the kernel waits for it
 * saves a fifth of what a connection with one request costs: it is accepted, read and answered in one go.
 */
const FIRST_BYTE_SECONDS = 10;
/**
 * Kernel buffers of a connection, which doubles them: some longest requests, a dozen longest replies. Left to itself it
 * keeps megabytes for each client that asks and does not read, and TCP as a whole has one limit (net.ipv4.tcp_mem).
 */
export const TCP_RECEIVE_BYTES = 96 * 1024, TCP_SEND_BYTES = 128 * 1024;

type BindCalls = Deno.DynamicLibrary<typeof BIND_SYMBOLS>["symbols"];

/** Raises the soft limit of open files to the hard one. Returns the limit as it is then. */
export function raiseFileLimit(): number {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), limit = new BigUint64Array(2), bytes = new Uint8Array(limit.buffer);
  const { getrlimit, setrlimit } = library.symbols;
  if (getrlimit(RLIMIT_NOFILE, bytes) < 0) return Infinity;
  limit[0] = limit[1]!;
  setrlimit(RLIMIT_NOFILE, bytes);
  getrlimit(RLIMIT_NOFILE, bytes);
  library.close();
  return Number(limit[0]);
}

/**
 * Binds `sockets` for each of `fronts` fronts. `inherited`: sockets of the process before this one, which are open, used
 * where they fit and closed where nothing wants them. Returns each front's own. Throws a BindFault, also where another
 * tracker would share the port.
 */
export function bindLinuxSockets(
  sockets: readonly FrontSocket[],
  fronts: number,
  inherited: readonly FrontSocket[] = [],
): (readonly FrontSocket[])[] {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), opened: number[] = [];
  try {
    refuseTaken(library.symbols, sockets, inherited);
    let ports = sockets;
    const left = [...inherited];
    const perFront: FrontSocket[][] = Array.from({ length: fronts }, () => {
      const own = ports.map((socket) => takeInherited(socket, left) ?? bindOne(library.symbols, socket, opened, true));
      // Ports the kernel chose for the first front are everyone's.
      ports = own;
      return own;
    });
    // The process before this one had more fronts: what queues in their sockets has to be read by somebody.
    for (const [index, socket] of left.entries()) {
      const wanted = ports.find((port) => isSame(port, socket));
      if (wanted === undefined) library.symbols.close(socket.descriptor);
      else perFront[index % fronts]!.push({ ...wanted, descriptor: socket.descriptor });
    }
    return perFront;
  } catch (error) {
    for (const descriptor of opened) library.symbols.close(descriptor);
    throw error;
  } finally {
    library.close();
  }
}

/** Lets `sockets` take what comes for them; those that are open already stay so. Throws a BindFault. */
export function openLinuxSockets(sockets: readonly FrontSocket[]): void {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), { listen, setsockopt } = library.symbols;
  try {
    for (const socket of sockets) {
      const { protocol, descriptor } = socket;
      // One without the filter is open: that it cannot be taken away is no fault.
      if (protocol === "udp") setsockopt(descriptor, SOL_SOCKET, SO_DETACH_FILTER, new Uint8Array(4), 4);
      else if (listen(descriptor, BACKLOG) < 0) throw new BindFault(socket, systemError(library.symbols));
    }
  } finally {
    library.close();
  }
}

/** Closes sockets that were bound here: those of a process that has them too, or of a front that runs, stay. */
export function closeLinuxSockets(sockets: readonly FrontSocket[]): void {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS);
  for (const { descriptor } of sockets) library.symbols.close(descriptor);
  library.close();
}

// Sockets that share a port by SO_REUSEPORT share it with any other of the same user, and so with another tracker: each
// would have a part of every swarm. Where nobody hands a port down, one that shares with nobody has to have it first.
function refuseTaken(calls: BindCalls, sockets: readonly FrontSocket[], inherited: readonly FrontSocket[]): void {
  const opened: number[] = [];
  try {
    for (const wanted of sockets) {
      const isOurs = inherited.some(({ protocol, port }) => protocol === wanted.protocol && port === wanted.port);
      if (wanted.port !== 0 && !isOurs) bindOne(calls, wanted, opened, false);
      // At once: the next may be the same port of all addresses.
      for (const descriptor of opened.splice(0)) calls.close(descriptor);
    }
  } finally {
    for (const descriptor of opened) calls.close(descriptor);
  }
}

// Takes a socket for `wanted` out of those that are left.
function takeInherited(wanted: FrontSocket, left: FrontSocket[]): FrontSocket | undefined {
  const index = left.findIndex((socket) => isSame(wanted, socket));
  if (index < 0) return undefined;
  const [{ port, descriptor }] = left.splice(index, 1) as [FrontSocket];
  return { ...wanted, port, descriptor };
}

function isSame(wanted: FrontSocket, { protocol, address, port }: FrontSocket): boolean {
  return wanted.protocol === protocol && wanted.address === address && (wanted.port === port || wanted.port === 0);
}

function bindOne(calls: BindCalls, wanted: FrontSocket, opened: number[], isShared: boolean): FrontSocket {
  const check = (result: number) => {
    if (result < 0) throw new BindFault(wanted, systemError(calls));
    return result;
  };
  const isTcp = wanted.protocol === "tcp", is4 = !wanted.address.includes(":");
  const type = (isTcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const descriptor = check(calls.socket(is4 ? AF_INET : AF_INET6, type, 0));
  opened.push(descriptor);
  const set = (level: number, option: number, value: number) =>
    calls.setsockopt(descriptor, level, option, new Uint8Array(Int32Array.of(value).buffer), 4);
  const share = () => {
    check(set(SOL_SOCKET, SO_REUSEADDR, 1));
    check(set(SOL_SOCKET, SO_REUSEPORT, 1));
  };
  if (isShared && wanted.port !== 0) share();
  // Connections of an earlier run that linger are no listener; over UDP the same option would share the port.
  else if (isTcp) check(set(SOL_SOCKET, SO_REUSEADDR, 1));
  // `::` serves IPv4 as well, whatever the system's default.
  if (!is4) check(set(IPPROTO_IPV6, IPV6_V6ONLY, 0));
  if (isTcp) prepareTcp(set);
  else prepareUdp(wanted, set);
  if (!isTcp) check(calls.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, constantFilter(0), FILTER_BYTES));
  const address = encodeAddress(wanted, is4);
  check(calls.bind(descriptor, address, address.length));
  // Before, the kernel would choose a port that another tracker has: one that may be shared.
  if (isShared && wanted.port === 0) share();
  check(calls.getsockname(descriptor, address, new Uint8Array(Int32Array.of(address.length).buffer)));
  return { ...wanted, port: address[2]! << 8 | address[3]!, descriptor };
}

// Connections have of their listener what is set here.
function prepareTcp(set: (l: number, o: number, v: number) => number): void {
  set(IPPROTO_TCP, TCP_DEFER_ACCEPT, FIRST_BYTE_SECONDS);
  set(SOL_SOCKET, SO_RCVBUF, TCP_RECEIVE_BYTES);
  set(SOL_SOCKET, SO_SNDBUF, TCP_SEND_BYTES);
}

function prepareUdp({ address }: FrontSocket, set: (l: number, o: number, v: number) => number): void {
  if (set(SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER_BYTES) < 0) set(SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
  if (set(SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER_BYTES) < 0) set(SOL_SOCKET, SO_SNDBUF, UDP_BUFFER_BYTES);
  // Bound to all addresses, an answer has to leave from the one that was asked.
  if (address === "0.0.0.0") set(IPPROTO_IP, IP_PKTINFO, 1);
  else if (address === "::") set(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

function encodeAddress({ address, port }: FrontSocket, is4: boolean): Uint8Array<ArrayBuffer> {
  const mapped = new Uint8Array(16), bytes = new Uint8Array(is4 ? 16 : 28);
  parseAddress(address, mapped);
  bytes[0] = is4 ? AF_INET : AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(is4 ? mapped.subarray(12) : mapped, is4 ? 4 : 8);
  return bytes;
}
