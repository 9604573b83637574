/**
 * What happened, counted: one row of numbers a thread in shared memory, written by that thread alone and read by anyone,
 * so that counting is a plain addition. Doubles hold whole numbers to 2^53. Counters start at 0 with the tracker and
 * outlive a restarted thread.
 */

/** Minutes of age at which re-announces are counted apart (`mode=renew`); older ones count in the last. */
export const RENEW_MINUTES_MAX = 180;
/** Room for refusals by reason (bittorrent/refusal.ts). */
export const REFUSALS_MAX = 32;
/** Numbers of peers wanted that are counted apart, 0 to 200 (`mode=numwants`). */
export const NUMWANTS = 201;
/** Durations of a front's turn that are counted apart: up to 1, 2, 4 … microseconds; longer ones in the last. */
export const TURN_BUCKETS = 20;

/** Where the counters of the shield and of shedding begin, after those that are rows; and how many they are. */
const SHIELD = 40 + RENEW_MINUTES_MAX + REFUSALS_MAX + NUMWANTS + TURN_BUCKETS, SHIELD_COUNTERS = 15;
/** Where those behind them begin: what became of requests (RESULT), and how many rows of that there are. */
const RESULTS_AT = SHIELD + SHIELD_COUNTERS;
/** Protocols, families and results. */
export const RESULTS = 2 * 2 * 3;

/** Index of each counter in a row. Names say what is counted once each. */
export const COUNTER = {
  tcpAccepts: 0,
  tcpAnnounces: 1,
  tcpScrapes: 2,
  udpPackets: 3,
  udpConnects: 4,
  udpAnnounces: 5,
  udpScrapes: 6,
  /** Wrong or expired connection ids. */
  udpMismatches: 7,
  /** Datagrams not answered: malformed, or the answer would have been longer. */
  udpDrops: 8,
  /** Replies the system did not take. */
  udpSendErrors: 9,
  completed: 10,
  /** Answered without being stored: the memory budget. */
  notStored: 11,
  /** HTTP requests handed to the office, and those it had no room for. */
  officeRequests: 12,
  officeRefused: 13,
  /** Peers received from other trackers. */
  livesyncPeers: 14,
  fullScrapes: 15,
  fullScrapeBytes: 16,
  /** Faults: exceptions of ours caught at a door. */
  faults: 17,
  /** Connections closed by a limit of time, and to make room. */
  tcpTimeouts: 18,
  tcpEvictions: 19,
  /** Accepts put off because file descriptors ran out. */
  acceptPauses: 20,
  /** Parts that failed and were started again. */
  restarts: 21,
  /** Announces and scrapes of IPv6 clients: they are in the counters above as well. */
  tcpAnnounces6: 22,
  udpAnnounces6: 23,
  tcpScrapes6: 33,
  udpScrapes6: 34,
  /** Datagrams the kernel had no room for: written by the supervisor, which asks the sockets. */
  udpKernelDrops: 35,
  /** Turns of the fronts' loops: microseconds in all. */
  turnMicroseconds: 36,
  /** Passes of the keeper that could not be written to the state file. */
  stateFaults: 37,
  /** Connections to a proxies' listener from outside access.proxy. */
  proxyRefused: 38,
  /** Requests that `mode=fulllog` should have shown and there was no room for. */
  requestLogDrops: 39,
  /** opentracker's nine HTTP errors, in its order: HTTP_ERROR names them. */
  httpErrors: 24,
  renews: 40,
  refusals: 40 + RENEW_MINUTES_MAX,
  /** Announces by the number of peers they were allowed. */
  numwants: 40 + RENEW_MINUTES_MAX + REFUSALS_MAX,
  /** Turns of the fronts' loops by how long they took. */
  turns: 40 + RENEW_MINUTES_MAX + REFUSALS_MAX + NUMWANTS,
  /** Datagrams of IPv6 clients: they are in udpPackets as well. */
  udpPackets6: SHIELD,
  /** The shield (src/shield): datagrams, requests and new connections of addresses over their limit, not served. */
  shieldDatagrams: SHIELD + 1,
  shieldRequests: SHIELD + 2,
  shieldConnections: SHIELD + 3,
  /** Of those over their limit, announces served all the same: stops, and first completed. */
  shieldSettled: SHIELD + 4,
  /** Errors about bad connection ids that were not sent, because the address has had too many. */
  shieldSilenced: SHIELD + 5,
  /** Datagrams, and connections or requests, of addresses in access.deny_networks. */
  deniedDatagrams: SHIELD + 6,
  deniedRequests: SHIELD + 7,
  /** Datagrams left unanswered because the tracker was behind. */
  shedDatagrams: SHIELD + 8,
  /** Steps in force of shedding (src/shield/shed_steps.ts), and how often one was changed: written by the supervisor. */
  shedHttp4Step: SHIELD + 9,
  shedHttp6Step: SHIELD + 10,
  shedUdp4Step: SHIELD + 11,
  shedUdp6Step: SHIELD + 12,
  shedChanges: SHIELD + 13,
  /** Milliseconds by which the timers of a front's loop came late, in all. */
  lateMilliseconds: SHIELD + 14,
  /** Announces, scrapes and connects by protocol, family and what became of them: RESULT names them. */
  results: RESULTS_AT,
  /** Of IPv6 clients: they are in udpConnects and udpMismatches as well. */
  udpConnects6: RESULTS_AT + RESULTS,
  udpMismatches6: RESULTS_AT + RESULTS + 1,
  /** Connections the kernel had no room for: written by the supervisor, which asks the listeners. */
  tcpKernelDrops: RESULTS_AT + RESULTS + 2,
} as const;

/** Counters of a row. */
export const COUNTERS = RESULTS_AT + RESULTS + 3;

/** Offsets from COUNTER.results: one of the protocol, one of the family if it is IPv6, and one of the result. */
export const RESULT = { http: 0, udp: 6, ipv6: 3, answered: 0, refused: 1, dropped: 2 } as const;

/** Offsets from COUNTER.httpErrors. */
export const HTTP_ERROR = {
  redirect: 0,
  parse: 1,
  parameter: 2,
  compact: 3,
  notModest: 4,
  unused: 5,
  accessDenied: 6,
  notFound: 7,
  internal: 8,
} as const;

/** Shared memory for the rows of `threads` threads. */
export function createCounters(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * COUNTERS * 8);
}

/** The row that thread `index` writes. */
export function counterRow(memory: SharedArrayBuffer, index: number): Float64Array {
  return new Float64Array(memory, index * COUNTERS * 8, COUNTERS);
}

/** Sums of all rows, a copy. */
export function sumCounters(memory: SharedArrayBuffer): Float64Array {
  const all = new Float64Array(memory), sums = new Float64Array(COUNTERS);
  for (let i = 0; i < all.length; i++) sums[i % COUNTERS] += all[i];
  return sums;
}
