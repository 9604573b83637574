/** Settings of access, plugins, state and cluster: who may, and what is kept or told. */
import type { Kind } from "./kind.ts";
import { type Entry, LIVESYNC_PORT_DEFAULT } from "./row.ts";

/** Rows of the table, in the order they are shown. */
export const RULE_SETTINGS = {
  "access.stats_path": {
    group: "Access",
    status: "works",
    kind: "page",
    default: "stats",
    explanation:
      "Path of the statistics, without the leading slash. It begins with neither a nor sc, which are for announces " +
      "and scrapes. A path nobody can guess keeps them to those told: with " +
      "another than stats, and no access.stats, the figures for Prometheus are at PATH?mode=metrics and no more at " +
      "/metrics.",
  },
  "access.stats": {
    group: "Access",
    status: "works",
    kind: "network",
    default: [],
    repeatable: true,
    option: "A",
    example: "192.0.2.0/24",
    explanation: "Only clients in these networks may read the statistics; each line adds one.",
  },
  "access.fullscrape": {
    group: "Access",
    status: "works",
    kind: "network",
    default: [],
    repeatable: true,
    example: "192.0.2.10",
    explanation:
      "Only clients in these networks may ask for the full scrape, and for the statistics tpbs and statedump " +
      "which list every torrent too; and as often as they like. Each line adds one.",
  },
  "access.fulllog": {
    group: "Access",
    status: "works",
    kind: "network",
    default: [],
    repeatable: true,
    example: "192.0.2.77",
    explanation:
      "HTTP requests from these networks are kept, about the last megabyte of them, and given out once by the " +
      "statistics' mode fulllog: for looking at a client that misbehaves. They carry addresses and passkeys, so that " +
      "the mode is there only where access.stats says for whom. Each line adds one.",
  },
  "access.proxy": {
    group: "Access",
    status: "works",
    kind: "network",
    default: [],
    repeatable: true,
    example: "10.1.0.0/16",
    explanation: "Proxies whose word on a client's address is taken; each line adds one.",
  },
  "access.whitelist": {
    group: "Access",
    status: "works",
    kind: "path",
    default: null,
    option: "w",
    example: "whitelist.txt",
    explanation:
      "File of the info hashes that are served, one a line in 40 hex digits, or folder of .torrent files; all " +
      "others are refused. A list takes 17 bytes a hash, and as much again from the first SIGHUP on, because the new " +
      "list is there before the old one goes.",
  },
  "access.unknown": {
    group: "Access",
    status: "works",
    kind: "choice",
    choices: ["refuse", "empty"],
    default: "refuse",
    explanation: "What a client is told whose info hash is not on the whitelist: a refusal, or that nobody else is " +
      "there. Hashes on the blacklist are always refused.",
  },
  "access.blacklist": {
    group: "Access",
    status: "works",
    kind: "path",
    default: null,
    option: "b",
    example: "blacklist.txt",
    explanation: "File of the info hashes that are refused, one a line in 40 hex digits, or folder of .torrent files.",
  },
  "access.fifo_add": {
    group: "Access",
    status: "works",
    kind: "path",
    default: null,
    example: "adder.fifo",
    explanation: "FIFO that takes info hashes to add to the list while the tracker runs.",
  },
  "access.fifo_delete": {
    group: "Access",
    status: "works",
    kind: "path",
    default: null,
    example: "deleter.fifo",
    explanation: "FIFO that takes info hashes to remove from the list while the tracker runs.",
  },
  "access.deny_networks": {
    group: "Access",
    status: "works",
    kind: "path",
    default: null,
    example: "denied_networks.txt",
    explanation:
      "File of the networks that are not served, one a line as 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7; # " +
      "begins a remark. Their datagrams are not answered and their connections closed at once. Read again on SIGHUP.",
  },
  "tracker.shield": {
    group: "Access",
    status: "works",
    kind: "boolean",
    default: true,
    explanation: "Limits how often an IPv4 address, or an IPv6 network of 64 bits, may ask. What is too much is not " +
      "answered over UDP, and refused over HTTP, where the connection is then closed. Clients on the machine itself are " +
      "not limited, nor proxies in access.proxy, whose clients are. Nobody's stop is.",
  },
  "tracker.shield_rate": {
    group: "Access",
    status: "works",
    kind: "integer",
    default: 200,
    min: 1,
    max: 10000,
    unit: "requests a second",
    explanation: "What an address may go on asking: over UDP, and as much again over HTTP. Carriers put thousands of " +
      "clients behind one address, which ask that often together; a single client asks once in many seconds.",
  },
  "tracker.shield_burst": {
    group: "Access",
    status: "works",
    kind: "integer",
    default: 20000,
    min: 10,
    max: 1000000,
    unit: "requests",
    explanation:
      "What an address may ask at once, when it has been quiet: a client with ten thousand torrents announces " +
      "them all when it starts.",
  },
  "tracker.shield_exempt": {
    group: "Access",
    status: "works",
    kind: "network",
    default: [],
    repeatable: true,
    example: "198.51.100.0/24",
    explanation: "Clients in these networks are not limited by tracker.shield; each line adds one.",
  },
  "tracker.shedding": {
    group: "Access",
    status: "works",
    kind: "boolean",
    default: true,
    explanation:
      "When the tracker cannot keep up, serves less, step by step: longer intervals, then fewer peers, then " +
      "not every datagram. Each step is logged, and is in the statistics.",
  },
  "plugins.dir": {
    group: "Plugins",
    status: "works",
    kind: "path",
    default: "plugins",
    explanation: "Directory plugins are loaded from: the one of this name beside the config file, or else in " +
      "tracker.rootdir; the start stops when it is set and is not there. A plugin's own settings are lines `plugin.NAME.KEY VALUE`; `plugin.NAME on` and `off` switch " +
      "one, and `plugin.NAME.allow read PATH`, `write PATH` or `net HOST` grants it what it wants.",
  },
  "tracker.state": {
    group: "State",
    status: "works",
    kind: "path",
    default: null,
    example: "tracker.sqlite",
    explanation:
      "Database that keeps torrents, peers and completed counts over a restart; made if it does not exist. " +
      "Nothing is kept without it. It holds a secret: it is readable to the tracker's user alone.",
  },
  "tracker.state_seconds": {
    group: "State",
    status: "works",
    kind: "integer",
    default: 5,
    min: 1,
    max: 3600,
    unit: "seconds",
    explanation:
      "How often what changed is written to tracker.state: what a crash can lose. Where swarms of more than 4096 peers " +
      "have more than 131072 peers together, some of these are written once a minute.",
  },
  "tracker.state_days": {
    group: "State",
    status: "works",
    kind: "integer",
    default: 90,
    min: 1,
    max: 36500,
    unit: "days",
    explanation: "How long tracker.state remembers the completed downloads of a torrent nobody announces any more.",
  },
  "tracker.state_repair": {
    group: "State",
    status: "works",
    kind: "boolean",
    default: false,
    option: "state-repair",
    explanation:
      "Salvages what is readable of a damaged tracker.state at the start, and sets the damaged file aside. " +
      "Meant for one start, as --state-repair on the command line.",
  },
  "tracker.history": {
    group: "State",
    status: "works",
    kind: "boolean",
    default: false,
    explanation:
      "Writes a line a minute into tracker.state, which it needs: torrents, peers, and how many announces, scrapes, " +
      "refusals and faults there were. Kept 400 days, which take up to 40 MB. `tracker state history FILE` prints it.",
  },
  "tracker.load_statedump": {
    group: "State",
    status: "works",
    kind: "path",
    default: null,
    option: "l",
    example: "statedump.txt",
    explanation: "State dump of opentracker or of this tracker to load at the start.",
  },
  "livesync.cluster.listen": {
    group: "Cluster",
    status: "later",
    kind: "address",
    default: null,
    portDefault: LIVESYNC_PORT_DEFAULT,
    option: "s",
    example: "192.0.2.1:9696",
    explanation: "IPv4 address of the interface over which opentracker's live sync runs.",
  },
  "livesync.cluster.node_ip": {
    group: "Cluster",
    status: "later",
    kind: "network",
    default: [],
    repeatable: true,
    option: "A",
    example: "192.0.2.2",
    explanation: "Trackers whose live sync packets are taken; each line adds one.",
  },
  "batchsync.cluster.admin_ip": {
    group: "Cluster",
    status: "later",
    kind: "network",
    default: [],
    repeatable: true,
    example: "192.0.2.3",
    explanation: "A key of opentracker's sample that opentracker itself no longer knows; each line adds one.",
  },
} as const satisfies Record<string, Kind & Entry>;
