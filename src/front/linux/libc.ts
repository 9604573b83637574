/**
 * The Linux calls a front makes, their constants, and errno. Numbers are the same on x86-64 and arm64 unless said.
 * Lengths travel inside structures in memory wherever a call is hot: a 64-bit argument costs more than the call.
 */

/** The C library of glibc systems. */
export const LIBC = "libc.so.6";

/** Calls of the packet and connection loops. */
export const LOOP_SYMBOLS = {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  epoll_wait_async: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  recvmmsg: { parameters: ["i32", "buffer", "u32", "i32", "pointer"], result: "i32" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  usleep: { parameters: ["u32"], result: "i32" },
  __errno_location: { parameters: [], result: "usize" },
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "void" },
} as const;

/** Calls by which a thread says how it wants to be scheduled. */
export const THREAD_SYMBOLS = {
  prctl: { parameters: ["i32", "u64"], result: "i32" },
} as const;

/** Calls that say what went wrong in the last one. */
export const ERROR_SYMBOLS = {
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

/** Calls with which the supervisor prepares listeners. */
export const BIND_SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  ...ERROR_SYMBOLS,
} as const;

/** Loop calls as bound. */
export type LoopCalls = Deno.DynamicLibrary<typeof LOOP_SYMBOLS>["symbols"];

/** Address families. */
export const AF_INET = 2, AF_INET6 = 10;
/** Socket types and flags. */
export const SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
/** setsockopt levels and options. */
export const SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_REUSEPORT = 15;
/** What the kernel says of a socket's memory, and of what it dropped. */
export const SO_MEMINFO = 55;
/** Privileged forms, above the system's limit. */
export const SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33;
/** A program that decides what a socket takes. */
export const SO_ATTACH_FILTER = 26, SO_DETACH_FILTER = 27;
/** IP level: where a datagram was sent to. */
export const IPPROTO_IP = 0, IP_PKTINFO = 8;
/** IPv6 level: the same, and whether IPv4 is served as well. */
export const IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26, IPV6_RECVPKTINFO = 49, IPV6_PKTINFO = 50;
/** TCP level: a connection is handed over with its first bytes; what the kernel knows of a socket. */
export const IPPROTO_TCP = 6, TCP_DEFER_ACCEPT = 9, TCP_INFO = 11;
/** Message flags. */
export const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_TRUNC = 0x20, MSG_CTRUNC = 8;
/** epoll. */
export const EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3;
/** epoll events. */
export const EPOLLIN = 1, EPOLLOUT = 4;
/** shutdown: no more is sent. */
export const SHUT_WR = 1;
/** prctl: how much longer than asked for a sleep of this thread may take, in nanoseconds; 50,000 unless said. */
export const PR_SET_TIMERSLACK = 29;
/** Errors told apart. */
export const EINTR = 4, EAGAIN = 11, EMFILE = 24;
/** The system is short of memory, of descriptors or of buffers: it passes. */
export const SHORTAGES: readonly number[] = [12, /* ENOMEM */ 23, /* ENFILE */ EMFILE, 105 /* ENOBUFS */];
/** The limit on open files. */
export const RLIMIT_NOFILE = 7;
/** The instruction that ends a filter with a value: for packets, how many bytes of each are let through. */
const BPF_RET = 6;

/** The system's words for the error of the last call that failed. To be asked at once. */
export function systemError(calls: Deno.DynamicLibrary<typeof ERROR_SYMBOLS>["symbols"]): string {
  const errno = new Deno.UnsafePointerView(calls.__errno_location()!).getInt32();
  return new Deno.UnsafePointerView(calls.strerror(errno)!).getCString();
}

/** Bytes of a struct sock_fprog. */
export const FILTER_BYTES = 16;

/**
 * A filter of one instruction, which ends it with `value`: a struct sock_fprog, FILTER_BYTES long, and behind it what it
 * points to.
 *
 *   struct sock_fprog   0 instructions (2)   8 address of the first (8)                       16 bytes
 *   struct sock_filter  0 code (2)   2 jump if true (1)   3 jump if false (1)   4 value (4)    8 bytes
 */
export function constantFilter(value: number): Uint8Array<ArrayBuffer> {
  const program = new Uint8Array(FILTER_BYTES + 8), view = new DataView(program.buffer);
  view.setUint16(FILTER_BYTES, BPF_RET, true);
  view.setUint32(FILTER_BYTES + 4, value, true);
  view.setUint16(0, 1, true);
  const address = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(program)));
  view.setBigUint64(8, address + BigInt(FILTER_BYTES), true);
  return program;
}
