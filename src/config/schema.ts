/**
 * Every setting of the tracker, once: key, kind, default, limits and explanation. The types of the settings, the
 * reader, the command line, config/tracker.conf.sample and docs/settings.md all come from this table. Keys are
 * opentracker's where it has one.
 */
import type { Address, Network } from "./address.ts";
import type { Kind } from "./kind.ts";

/** What the table says of a setting beside its kind. */
export interface Entry {
  /** Heading it stands under in the sample file and the docs. */
  readonly group: Group;
  /** later: read and checked now, with a warning that it has no effect yet. */
  readonly status: "works" | "later";
  /** The command-line option that sets it too: its letter. */
  readonly option?: string;
  /** A value to show where there is no default. */
  readonly example?: string;
  /** One paragraph for operators. Neither range nor default, which are added to it. */
  readonly explanation: string;
}

/** Headings, in the order they are shown. */
export const GROUPS = ["Listeners", "Process", "Announces", "HTTP", "Access", "Plugins", "State", "Cluster"] as const;

/** A heading. */
export type Group = typeof GROUPS[number];

/** opentracker's port for TCP and UDP. */
export const PORT_DEFAULT = 6969;

/** Port of opentracker's live sync. */
export const LIVESYNC_PORT_DEFAULT = 9696;

/** The table, in the order it is shown. */
export const SETTINGS = {
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
      "one. The proxy's word on the client's address is taken, so nobody but proxies may reach it.",
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
    explanation: "Directory the tracker changes to at its start, once its config files are read. Other paths are " +
      "relative to it.",
  },
  "tracker.user": {
    group: "Process",
    status: "later",
    kind: "text",
    default: "nobody",
    option: "u",
    explanation: "User to become once the listeners are open, when started as root.",
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
    max: 14336,
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
  "access.stats_path": {
    group: "Access",
    status: "works",
    kind: "text",
    default: "stats",
    explanation: "Path of the statistics, without the leading slash. A path nobody can guess keeps them to those told.",
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
      "statistics' mode fulllog: for looking at a client that misbehaves. Each line adds one.",
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
    explanation: "File of the info hashes that are served, one a line in 40 hex digits; all others are refused.",
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
    explanation: "File of the info hashes that are refused, one a line in 40 hex digits.",
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
  "tracker.shield": {
    group: "Access",
    status: "later",
    kind: "boolean",
    default: true,
    explanation: "Limits how often one address may ask.",
  },
  "plugins.dir": {
    group: "Plugins",
    status: "works",
    kind: "path",
    default: "plugins",
    explanation: "Directory plugins are loaded from: the one of this name beside the config file, or else in " +
      "tracker.rootdir. A plugin's own settings are lines `plugin.NAME.KEY VALUE`; `plugin.NAME on` and `off` switch " +
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
    explanation: "How often what changed is written to tracker.state: what a crash can lose.",
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

/** Key of a setting, as written in a config file. */
export type SettingKey = keyof typeof SETTINGS;

/** Keys whose lines open listeners rather than set a value. */
export type ListenKey = { [K in SettingKey]: Row<K>["kind"] extends "listen" ? K : never }[SettingKey];

/** The value of every setting. A repeatable one is an array; null = not set. */
export type Settings = { readonly [K in Exclude<SettingKey, ListenKey>]: SettingValue<Row<K>> };

/** Every key, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** The row of `key`, as any row. */
export function rowOf(key: SettingKey): Kind & Entry {
  return SETTINGS[key];
}

/** Whether `text` is the key of a setting. Case matters. */
export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(SETTINGS, text);
}

type Row<K extends SettingKey> = typeof SETTINGS[K];

type SettingValue<R> = R extends { readonly repeatable: true } ? readonly One<R>[]
  : R extends { readonly default: null } ? One<R> | null
  : One<R>;

type One<R> = R extends { readonly kind: "integer" } ? number
  : R extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] } ? Choice
  : R extends { readonly kind: "boolean" } ? boolean
  : R extends { readonly kind: "network" } ? Network
  : R extends { readonly kind: "address" | "listen" } ? Address
  : string;
