/**
 * All that a plugin sees of the tracker: types, and nothing else. A plugin is one file whose default export is a
 * `Plugin`: a name and the slots it fills. `import type { Plugin } from "waggle/plugin"` is erased before the file is
 * run, so a plain object without it works as well. docs/plugins.md is the page for authors.
 *
 * Each slot runs in one kind of thread, and the module is loaded anew in every thread that runs one of its slots: what
 * it keeps in variables is that thread's own.
 *
 *   slot                          thread   may wait   when it throws
 *   prepare                       each     no         the plugin does not load
 *   clientAddress                 front    no         the request is refused, and counted
 *   admitAnnounce, admitScrape    front    no         the request is refused, and counted
 *   shapeAnnounce                 front    no         skipped for this request, and counted
 *   stats, routes                 office   yes        the page answers 500, and it is counted
 *   accessList                    host     yes        the list of before stays
 *   start                         host     yes        the plugin does not start
 *   afterAnnounce, reload, stop   host     yes        logged and counted
 *
 * A slot that may not wait must not return a promise either: that is a fault as if it had thrown. What is thrown outside
 * of any slot, in a timer or a promise that nothing waits for, is logged and counted as the plugin's; in a host it ends the
 * plugin's thread, which is started again.
 *
 * A front answers a hundred thousand requests a second: what its slots are given are registers that the next request
 * overwrites. Copy what shall be kept (`bytes.slice()`), and keep slots short; one that takes long is counted and shown.
 */

/** A plugin: its name, and the slots it fills. Every slot may be left out. */
export interface Plugin {
  /** Lower case letters, digits and `_`, a letter first, at most 32; the file's name without its ending. */
  readonly name: string;
  /** Half a line on what it does, for `tracker plugins`. */
  readonly summary?: string;
  /**
   * What may stand in the config as `plugin.NAME.KEY VALUE`. Unknown keys and bad values stop the start. A key is lower
   * case letters, digits and `_`, a letter first.
   */
  readonly settings?: Readonly<Record<string, PluginSetting>>;
  /** What its host needs to reach. The config grants it, line by line: `plugin.NAME.allow read lists/`. */
  readonly permissions?: PluginPermissions;

  /** Once in each thread, before any other slot: turn settings into what the slots need. */
  prepare?(context: PluginContext): void;

  /**
   * The client's address, where the socket's is not it. Text of an IP address; nothing (undefined, null or an empty text)
   * = no opinion. Anything else is a fault. HTTP only.
   */
  clientAddress?(request: AddressQuestion): string | undefined;
  /**
   * Refuses an announce by returning the text the client is told; nothing (undefined, null or an empty text) = no
   * objection. Anything else, `false` and promises too, is a fault. `stopped` is carried out whatever it says; who is
   * refused is told counts of 0.
   */
  admitAnnounce?(announce: AnnounceQuestion): string | undefined;
  /** Refuses a scrape, as above. */
  admitScrape?(scrape: ScrapeQuestion): string | undefined;
  /** Changes `shape` for this client. */
  shapeAnnounce?(announce: AnnounceQuestion, shape: AnnounceShape): void;

  /** Modes of the stats page by name: `GET /stats?mode=NAME`. */
  readonly stats?: Readonly<Record<string, StatsMode>>;
  /**
   * Pages by path. `top` is /plugin/NAME/top; `/metrics`, with its slash, is that very path. `/`, the path of the stats and
   * all that begins with `/a`, which are announces, never come to a page and are refused. What begins with `/sc` does
   * without a query alone: with one it is a scrape.
   */
  readonly routes?: Readonly<Record<string, Page>>;

  /**
   * Loads the lists of info hashes: at the start, before the first client is answered, and on SIGHUP. What it publishes
   * comes into force when it is done, all at once.
   */
  accessList?(lists: AccessLists, context: HostContext): void | Promise<void>;
  /** What was announced, a little later and many at a time. */
  afterAnnounce?(announces: readonly Announced[], context: HostContext): void | Promise<void>;
  /** Once, when the host has started. */
  start?(context: HostContext): void | Promise<void>;
  /** SIGHUP, after `accessList`. */
  reload?(context: HostContext): void | Promise<void>;
  /** Before the host ends; it has a second. */
  stop?(context: HostContext): void | Promise<void>;
}

/**
 * One setting of a plugin. `from` names a setting of the tracker whose values count as this one's as well; `example` is
 * a value to show where there is no default.
 */
export type PluginSetting =
  & { readonly explanation: string; readonly from?: string; readonly example?: string }
  & (
    | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly default: number }
    | { readonly kind: "boolean"; readonly default: boolean }
    | { readonly kind: "choice"; readonly choices: readonly string[]; readonly default: string }
    /** One line of text. `null`: not set. */
    | { readonly kind: "text"; readonly default: string | null }
    /** Each line adds one. */
    | { readonly kind: "texts" }
    /**
     * A file or folder. Naming it in the config grants its reading, and its writing where `write` is true; a default or
     * what comes `from` elsewhere grants nothing (`plugin.NAME.allow` does). A `fifo` is made by the tracker where there
     * is none, and granted for both.
     */
    | { readonly kind: "path"; readonly default: string | null; readonly write?: boolean; readonly fifo?: boolean }
    /** Addresses or networks; each line adds one. */
    | { readonly kind: "networks" }
  );

/** What a host needs to reach, by `Deno`'s own API. Fronts and the office reach nothing. */
export interface PluginPermissions {
  /** Files and folders. */
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  /** `host` or `host:port`. */
  readonly net?: readonly string[];
}

/** What every slot can rely on. */
export interface PluginContext {
  /** Every setting of the schema by its key: what the config says, or the default. */
  readonly settings: PluginSettings;
}

/** The checked values of a plugin's settings. A key that is not in the schema throws. */
export interface PluginSettings {
  integer(key: string): number;
  boolean(key: string): boolean;
  /** text, choice, path; null = not set. */
  text(key: string): string | null;
  texts(key: string): readonly string[];
  networks(key: string): Networks;
}

/** A set of address ranges. */
export interface Networks {
  /** How many there are. */
  readonly size: number;
  /** Whether one of them holds the address of 4 or 16 bytes. Allocates nothing. */
  has(address: Uint8Array): boolean;
  /** The same of an address in text; false when it is none. */
  hasText(address: string): boolean;
}

/** What a front knows of a request. Registers: the next request overwrites them. */
export interface ClientQuestion {
  readonly protocol: "http" | "udp";
  /** Path of the URL, percent signs as they came: `/announce`. UDP: of the BEP 41 data, or empty. */
  readonly path: string;
  /** What follows the question mark, as it came. UDP: of the BEP 41 data, or empty. */
  readonly query: string;
  /** The first query parameter of this name, percent-decoded, one character a byte. */
  parameter(name: string): string | undefined;
  /** The client's address: 4 or 16 bytes. After `clientAddress`, what it gave. */
  readonly address: Uint8Array;
  /** The same as text. */
  readonly addressText: string;
}

/** A client whose address is asked for. */
export interface AddressQuestion extends ClientQuestion {
  /** Every value of the header of this name (any case), joined by commas as RFC 9110 has it. One character a byte. */
  header(name: string): string | undefined;
}

/** An announce. */
export interface AnnounceQuestion extends ClientQuestion {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 bytes; zeros when the client sent none. */
  readonly peerId: Uint8Array;
  /** 0: the client takes no connections; it is given peers, and not stored. */
  readonly port: number;
  /** left = 0. */
  readonly seeder: boolean;
  readonly event: "" | "started" | "completed" | "paused" | "stopped";
  /** Peers the client asks for; -1 = it does not say. */
  readonly numwant: number;
}

/** A scrape. */
export interface ScrapeQuestion extends ClientQuestion {
  readonly count: number;
  /** Info hash number `index`: 20 bytes. */
  infoHash(index: number): Uint8Array;
}

/** What a client will be told. Set what shall be different. */
export interface AnnounceShape {
  /** Seconds until it shall come back. */
  intervalSeconds: number;
  /** Most peers it is given. Larger than the tracker's own limit means nothing. */
  numwant: number;
}

/** Text or bytes of a stats mode, or a whole response: with a status, headers, or a body that is streamed. */
export type StatsMode = (snapshot: StatsSnapshot, request: Request) => PageBody | Promise<PageBody>;

/** A page. */
export type Page = (request: Request, page: PageContext) => PageBody | Promise<PageBody>;

/**
 * Text goes out as text/plain, bytes as application/octet-stream. The body of a Response that is a stream goes out as it
 * comes, in pieces of up to a MiB, and is cancelled when the client goes; with the header `transfer-encoding` it is
 * compressed where the client allows. Anything else is a fault, as if the page had thrown.
 */
export type PageBody = string | Uint8Array | Response;

/** What a page can ask. */
export interface PageContext extends PluginContext {
  /** The state of now. */
  snapshot(): StatsSnapshot;
  /**
   * Whether the client may see the tracker's figures here: access.stats, and access.stats_path where that hides them. A
   * page of figures answers 403 when it may not.
   */
  readonly mayReadStats: boolean;
}

/** Figures of one moment: of shared memory, read and not held. */
export interface StatsSnapshot {
  readonly torrents: number;
  readonly peers: number;
  readonly seeders: number;
  readonly leechers: number;
  /** The same of each family. */
  readonly seeders4: number;
  readonly leechers4: number;
  readonly seeders6: number;
  readonly leechers6: number;
  /** Downloads completed since the start. */
  readonly completed: number;
  readonly uptimeSeconds: number;
  /** `waggle 0.1.0`. */
  readonly version: string;
  /** A random number of this run. */
  readonly trackerId: number;
  /** Minutes after which a peer that is silent is forgotten. */
  readonly peerMinutesMax: number;
  /** Bytes of the store in use, and at most. */
  readonly bytesUsed: number;
  readonly bytesMax: number;
  /** Times a thread had to wait for a part of the store. */
  readonly stalls: number;
  /** Counters since the start by name: src/stats/counters.ts says what each counts. A name that is none throws. */
  count(name: string): number;
  /** The same of counters that are rows: httpErrors, renews, numwants, turns, refusals. */
  counts(name: string): readonly number[];
  /** Texts of the refusals, in the order of `counts("refusals")`. */
  readonly refusalTexts: readonly string[];
  /** Networks by how often their addresses announced lately, roughly: `busy`; soon after the last time: `hasty`. */
  networkCounts(which: "busy" | "hasty"): readonly NetworkCount[];
  /** What the slots of each plugin that is on did since the start, over all threads. */
  pluginCounts(): readonly PluginCount[];
  /**
   * Requests of the networks in access.fulllog since this was last called: each is given out once. null while access.stats
   * is empty, because then anyone may ask.
   */
  takeRequestLog(): readonly LoggedRequest[] | null;
  /** Every torrent, a batch at a time, in no order. Cheap. Overwritten by the next batch. */
  torrentBatches(): AsyncIterable<TorrentBatch>;
  /** Every torrent in ascending order of its hash: a batch at a time, 40 MB of memory at most. */
  torrentBatchesInOrder(): AsyncIterable<TorrentBatch>;
  /** Every IPv4 peer's address as a number, a batch at a time. Overwritten by the next batch. */
  addressBatches4(): AsyncIterable<Uint32Array>;
}

/** Some torrents. */
export interface TorrentBatch {
  readonly length: number;
  /** Info hashes, 20 bytes each. */
  readonly infoHashes: Uint8Array;
  readonly seeders: Uint32Array;
  readonly leechers: Uint32Array;
  /** Completed downloads. */
  readonly completed: Uint32Array;
  /** Minutes since 1970 of the last announce. */
  readonly minutes: Uint32Array;
}

/** A network of one count. */
export interface NetworkCount {
  /** `192.0.2.0`, `2001:db8:1::`. */
  readonly address: string;
  readonly bits: number;
  readonly count: number;
}

/** A plugin's slots, counted. */
export interface PluginCount {
  readonly name: string;
  /** Slots called; of `routes` and `stats`, pages made. */
  readonly calls: number;
  /** Announces and scrapes refused. */
  readonly refused: number;
  /** Slots that threw. */
  readonly faults: number;
  /** Calls that held up everybody else: a front for a millisecond, the office for a tenth of a second. */
  readonly slow: number;
  /** The longest of them, in milliseconds. */
  readonly slowestMs: number;
  /** Announces that afterAnnounce was not told. */
  readonly lost: number;
  /** Threads that were ended because of it: it never returned, or took too much memory. */
  readonly ended: number;
}

/** A request as it came, one character a byte. */
export interface LoggedRequest {
  /** Seconds since 1970. */
  readonly second: number;
  readonly address: string;
  readonly text: string;
}

/** The lists of one plugin. A hash is served when no plugin denies it and, if any plugin allows, one allows it. */
export interface AccessLists {
  /** Begins a new list. Nothing changes until it is published. `expected`: entries, as a guess. */
  begin(kind: "allow" | "deny", expected: number): AccessListBuilder;
  /** Adds one hash (20 bytes) to the published list; fronts see it at once. While lists are loaded, to those as well. */
  add(kind: "allow" | "deny", infoHash: Uint8Array): void;
  /** Takes one hash out of it. */
  remove(kind: "allow" | "deny", infoHash: Uint8Array): void;
}

/** A list in the making. */
export interface AccessListBuilder {
  /** Entries so far, each once. */
  readonly size: number;
  /** Adds a hash of 20 bytes. */
  add(infoHash: Uint8Array): void;
  /** Takes bytes of a text with a hash a line: 40 hex digits first, the rest of the line ignored. Call `publish` last. */
  addLines(text: Uint8Array): void;
  /** Lines of `addLines` that were neither hashes nor empty nor began with `#`. */
  readonly badLines: number;
  /** Puts the list in the place of the old one, at once and for all fronts; from `accessList`, when that is done. */
  publish(): void;
}

/** An announce that was answered. */
export interface Announced {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  readonly protocol: "http" | "udp";
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** 0: the client takes no connections, and was not stored. */
  readonly port: number;
  readonly seeder: boolean;
  readonly event: "" | "started" | "completed" | "paused" | "stopped";
  /** Seconds since the tracker started. */
  readonly second: number;
}

/** What a host can do. */
export interface HostContext extends PluginContext {
  /** Announces that came too fast to be told and were left out, since the start. */
  readonly announcesLost: number;
  /** Prints a line in the tracker's log, with the plugin's name before it: 100 at once, then 2 a second. */
  log(line: string): void;
}
