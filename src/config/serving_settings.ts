/** Settings of listeners, threads, announces and connections: what the tracker serves, and how. */
import type { Kind } from "./kind.ts";
import { type Entry, PORT_DEFAULT } from "./row.ts";

/** Rows of the table, in the order they are shown. */
export const SERVING_SETTINGS = {
  "listen.tcp_udp": {
    group: "Listeners",
    status: "works",
    kind: "listen",
    protocols: ["tcp", "udp"],
    portDefault: PORT_DEFAULT,
    default: null,
    repeatable: true,
    example: "0.0.0.0:6969",
    explanation: "Address and port to answer on, over HTTP and over UDP; each line adds one. IPv6 is written " +
      "[::1]:6969 or ::1.6969. Without any listener, here or on the command line, the tracker answers on [::]:6969, " +
      "which serves IPv4 as well (0.0.0.0:6969 where there is no IPv6).",
  },
  "listen.tcp": {
    group: "Listeners",
    status: "works",
    kind: "listen",
    protocols: ["tcp"],
    portDefault: PORT_DEFAULT,
    default: null,
    repeatable: true,
    example: "0.0.0.0:80",
    explanation: "Address and port to answer on over HTTP alone; each line adds one.",
  },
  "listen.udp": {
    group: "Listeners",
    status: "works",
    kind: "listen",
    protocols: ["udp"],
    portDefault: PORT_DEFAULT,
    default: null,
    repeatable: true,
    example: "0.0.0.0:6969",
    explanation: "Address and port to answer on over UDP alone; each line adds one.",
  },
  "listen.proxy_protocol": {
    group: "Listeners",
    status: "works",
    kind: "listen",
    protocols: ["tcp"],
    proxyProtocol: true,
    portDefault: PORT_DEFAULT,
    default: null,
    repeatable: true,
    example: "127.0.0.1:6970",
    explanation:
      "Address and port for proxies that speak the PROXY protocol, version 1 or 2, over HTTP; each line adds " +
      "one. The proxy's word on the client's address is taken: with access.proxy, connections from elsewhere are " +
      "closed; without it, nobody but proxies may be able to reach this listener.",
  },
  "listen.udp.workers": {
    group: "Listeners",
    status: "works",
    kind: "integer",
    default: 0,
    min: 0,
    max: 64,
    zero: "tracker.workers decides",
    explanation: "Threads that serve the UDP listeners of the lines after this one. May be set again between them.",
  },
  "tracker.rootdir": {
    group: "Process",
    status: "works",
    kind: "path",
    default: ".",
    option: "d",
    explanation: "Directory the tracker changes to at its start, once its config files are read, and as root is " +
      "confined to: all other paths are then seen from inside, where / is this directory. Otherwise relative ones are " +
      "relative to it.",
  },
  "tracker.user": {
    group: "Process",
    status: "works",
    kind: "text",
    default: "nobody",
    option: "u",
    explanation:
      "User to become when started as root, once the ports are bound and before anything else is opened: a " +
      "name of /etc/passwd or a number. Whatever the tracker reads and writes must be this user's to read and write. " +
      "From its sources, the tracker becomes that user only if this or tracker.rootdir is set.",
  },
  "tracker.workers": {
    group: "Process",
    status: "works",
    kind: "integer",
    default: 0,
    min: 1,
    max: 64,
    zero: "one per core, at most 8",
    explanation: "Fronts: threads that answer clients.",
  },
  "tracker.front": {
    group: "Process",
    status: "works",
    kind: "choice",
    choices: ["auto", "linux", "portable"],
    default: "auto",
    explanation: "How fronts talk to the network. linux batches system calls and is the faster; portable runs " +
      "everywhere; auto takes linux where it works.",
  },
  "tracker.memory": {
    group: "Process",
    status: "works",
    kind: "integer",
    default: 0,
    min: 16,
    max: 8192,
    unit: "MiB",
    zero: "half of the machine's or the container's memory, at most 8192 MiB",
    explanation:
      "Memory for torrents and peers. Reserved at the start and used as they come; never exceeded: when it " +
      "is full, the announces that would need more are answered without being stored.",
  },
  "tracker.interval": {
    group: "Announces",
    status: "works",
    kind: "integer",
    default: 1800,
    min: 60,
    max: 86400,
    unit: "seconds",
    explanation:
      "Time clients are asked to wait between announces. Each is told a time up to 10 % shorter or longer, " +
      "so that they do not return together.",
  },
  "tracker.peer_timeout": {
    group: "Announces",
    status: "works",
    kind: "integer",
    default: 45,
    min: 2,
    max: 10080,
    unit: "minutes",
    explanation: "A peer that has not announced for this long is forgotten. Keep it above tracker.interval.",
  },
  "tracker.numwant": {
    group: "Announces",
    status: "works",
    kind: "integer",
    default: 50,
    min: 1,
    max: 200,
    unit: "peers",
    explanation: "Peers given to a client that does not say how many it wants. Never more than tracker.numwant_max.",
  },
  "tracker.numwant_max": {
    group: "Announces",
    status: "works",
    kind: "integer",
    default: 200,
    min: 1,
    max: 200,
    unit: "peers",
    explanation: "Most peers given to any client.",
  },
  "tracker.connection_id_seconds": {
    group: "Announces",
    status: "works",
    kind: "integer",
    default: 3600,
    min: 120,
    max: 43200,
    unit: "seconds",
    explanation:
      "How long the connection id that a UDP client was given may be used, from the address it was given to.",
  },
  "tracker.fullscrape": {
    group: "HTTP",
    status: "works",
    kind: "boolean",
    default: true,
    explanation:
      "Whether every torrent is listed to those who ask: by GET /scrape without a hash, and by the statistics " +
      "tpbs and statedump.",
  },
  "tracker.fullscrape_seconds": {
    group: "HTTP",
    status: "works",
    kind: "integer",
    default: 300,
    min: 1,
    max: 86400,
    unit: "seconds",
    zero: "no limit",
    explanation:
      "Least time between two full scrapes (GET /scrape) of one address. Those in access.fullscrape need not wait.",
  },
  "tracker.redirect_url": {
    group: "HTTP",
    status: "works",
    kind: "url",
    default: null,
    option: "r",
    example: "https://example.org/",
    explanation: "Where a browser that asks for / is sent.",
  },
  "http.idle_seconds": {
    group: "HTTP",
    status: "works",
    kind: "integer",
    default: 30,
    min: 1,
    max: 3600,
    unit: "seconds",
    explanation: "A kept-alive connection without a request for this long is closed.",
  },
  "http.request_seconds": {
    group: "HTTP",
    status: "works",
    kind: "integer",
    default: 30,
    min: 1,
    max: 3600,
    unit: "seconds",
    explanation: "A request that is not complete this long after its first byte is ended.",
  },
  "http.connections_max": {
    group: "HTTP",
    status: "works",
    kind: "integer",
    default: 20000,
    min: 16,
    max: 1000000,
    unit: "connections",
    explanation: "Most connections open at once, over all fronts.",
  },
} as const satisfies Record<string, Kind & Entry>;
