/**
 * Binds the listeners of Linux fronts, in the supervisor: one socket a front and address, sharing the port by
 * SO_REUSEPORT. The supervisor keeps them, so that a front that fails finds its sockets, and what has queued in them,
 * when it comes back, even if the right to bind the port is gone by then.
 */
import { parseAddress } from "../../bittorrent/address.ts";
import { BindFault, type FrontSocket } from "../front_start.ts";
import {
  AF_INET,
  AF_INET6,
  BIND_SYMBOLS,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_RECVPKTINFO,
  IPV6_V6ONLY,
  LIBC,
  RLIMIT_NOFILE,
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
  TCP_DEFER_ACCEPT,
} from "./libc.ts";

/** Connections that may wait to be accepted; the kernel's own limit (somaxconn) is usually lower. */
const BACKLOG = 4096;
/** Kernel buffers of a UDP socket: a tenth of a second at 200,000 requests a second. */
const UDP_BUFFER_BYTES = 4 * 1024 * 1024;
/** How long a connection may take to send its first byte before the kernel gives it up. */
const FIRST_BYTE_SECONDS = 10;

type BindCalls = Deno.DynamicLibrary<typeof BIND_SYMBOLS>["symbols"];

/** Raises the soft limit of open files to the hard one. */
export function raiseFileLimit(): void {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), limit = new BigUint64Array(2), bytes = new Uint8Array(limit.buffer);
  if (library.symbols.getrlimit(RLIMIT_NOFILE, bytes) === 0) {
    limit[0] = limit[1]!;
    library.symbols.setrlimit(RLIMIT_NOFILE, bytes);
  }
  library.close();
}

/**
 * Binds `sockets` for each of `fronts` fronts. `inherited`: sockets of the process before this one, used where they fit
 * and closed where nothing wants them. Returns each front's own. Throws a BindFault.
 */
export function bindLinuxSockets(
  sockets: readonly FrontSocket[],
  fronts: number,
  inherited: readonly FrontSocket[] = [],
): (readonly FrontSocket[])[] {
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), opened: number[] = [];
  try {
    let ports = sockets;
    const left = [...inherited];
    const perFront: FrontSocket[][] = Array.from({ length: fronts }, () => {
      const own = ports.map((socket) => takeInherited(socket, left) ?? bindOne(library.symbols, socket, opened));
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

function bindOne(calls: BindCalls, wanted: FrontSocket, opened: number[]): FrontSocket {
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
  check(set(SOL_SOCKET, SO_REUSEADDR, 1));
  check(set(SOL_SOCKET, SO_REUSEPORT, 1));
  // `::` serves IPv4 as well, whatever the system's default.
  if (!is4) check(set(IPPROTO_IPV6, IPV6_V6ONLY, 0));
  if (isTcp) set(IPPROTO_TCP, TCP_DEFER_ACCEPT, FIRST_BYTE_SECONDS);
  else prepareUdp(wanted, set);
  const address = encodeAddress(wanted, is4);
  check(calls.bind(descriptor, address, address.length));
  if (isTcp) check(calls.listen(descriptor, BACKLOG));
  check(calls.getsockname(descriptor, address, new Uint8Array(Int32Array.of(address.length).buffer)));
  return { ...wanted, port: address[2]! << 8 | address[3]!, descriptor };
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

function systemError(calls: BindCalls): string {
  const errno = new Deno.UnsafePointerView(calls.__errno_location()!).getInt32();
  return new Deno.UnsafePointerView(calls.strerror(errno)!).getCString();
}
