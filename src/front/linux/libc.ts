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
  __errno_location: { parameters: [], result: "usize" },
  memcpy: { parameters: ["buffer", "usize", "usize"], result: "void" },
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
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
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
/** IP level: where a datagram was sent to. */
export const IPPROTO_IP = 0, IP_PKTINFO = 8;
/** IPv6 level: the same, and whether IPv4 is served as well. */
export const IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26, IPV6_RECVPKTINFO = 49, IPV6_PKTINFO = 50;
/** TCP level: a connection is handed over with its first bytes. */
export const IPPROTO_TCP = 6, TCP_DEFER_ACCEPT = 9;
/** Message flags. */
export const MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_TRUNC = 0x20, MSG_CTRUNC = 8;
/** epoll. */
export const EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3;
/** epoll events. */
export const EPOLLIN = 1, EPOLLOUT = 4;
/** shutdown: no more is sent. */
export const SHUT_WR = 1;
/** Errors told apart. */
export const EINTR = 4, EAGAIN = 11;
/** The system is short of memory, of descriptors or of buffers: it passes. */
export const SHORTAGES: readonly number[] = [12, /* ENOMEM */ 23, /* ENFILE */ 24, /* EMFILE */ 105 /* ENOBUFS */];
/** The limit on open files. */
export const RLIMIT_NOFILE = 7;
