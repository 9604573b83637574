/**
 * What the conformance suite asks opentracker and this tracker: good, odd and bad requests. Each step is sent to both
 * and has a name, under which opentracker_differences.ts explains what differs. Steps share the swarms of the run: a
 * hash is one byte repeated, and every step that must not see another's peers has a byte of its own.
 */
import { latin1, latin1Text } from "../support/vectors.ts";

/** One request, the same for both trackers. */
export type Probe =
  | { readonly name: string; readonly http: string }
  /** `connectionId` is what the tracker gave out, unless the packet is to lie. */
  | { readonly name: string; readonly udp: (connectionId: Uint8Array) => Uint8Array };

/** The hash of 20 times `byte`, percent-encoded. */
export function hashText(byte: number): string {
  return `%${byte.toString(16).padStart(2, "0")}`.repeat(20);
}

/** Bytes of the hashes that are on the whitelist; all others are not. */
export const LISTED: readonly number[] = Array.from({ length: 0x60 }, (_, i) => i + 1);
const NOT_LISTED = 0xee;

const get = (target: string, rest = " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n") => `GET ${target}${rest}`;
const announce = (byte: number, more: string) => get(`/announce?info_hash=${hashText(byte)}${more}`);

const HTTP_ANNOUNCES: readonly Probe[] = [
  { name: "first announce", http: announce(0x01, "&peer_id=-XX0001-abcdefghijkl&port=1001&left=1&event=started") },
  { name: "second peer", http: announce(0x01, "&port=1002&left=1") },
  { name: "seeder", http: announce(0x01, "&port=1003&left=0") },
  { name: "second seeder", http: announce(0x01, "&port=1004&left=0") },
  { name: "completed", http: announce(0x02, "&port=1001&left=0&event=completed") },
  { name: "completed again", http: announce(0x02, "&port=1001&left=0&event=completed") },
  { name: "completed with something left", http: announce(0x03, "&port=1001&left=5&event=completed") },
  { name: "stopped", http: announce(0x02, "&port=1001&left=0&event=stopped") },
  { name: "stopped, unknown torrent", http: announce(0x04, "&port=1001&left=0&event=stopped") },
  { name: "unknown event", http: announce(0x05, "&port=1001&left=1&event=nonsense") },
  { name: "empty event", http: announce(0x06, "&port=1001&left=1&event=") },
  { name: "numwant 0", http: announce(0x01, "&port=1001&left=1&numwant=0") },
  { name: "numwant 2 of 3", http: announce(0x01, "&port=1005&left=1&numwant=200&compact=1") },
  { name: "numwant below zero", http: announce(0x07, "&port=1001&left=1&numwant=-1") },
  { name: "numwant of letters", http: announce(0x08, "&port=1001&left=1&numwant=many") },
  { name: "compact 0", http: announce(0x09, "&port=1001&left=1&compact=0") },
  { name: "compact of letters", http: announce(0x0a, "&port=1001&left=1&compact=x") },
  { name: "no left", http: announce(0x0b, "&port=1001") },
  { name: "empty left", http: announce(0x0c, "&port=1001&left=") },
  { name: "left of letters", http: announce(0x0d, "&port=1001&left=abc") },
  { name: "left above 32 bits", http: announce(0x0e, "&port=1001&left=4294967296") },
  { name: "no port", http: announce(0x0f, "&left=1") },
  { name: "port 0", http: announce(0x10, "&port=0&left=1") },
  { name: "port below zero", http: announce(0x11, "&port=-1&left=1") },
  { name: "port too high", http: announce(0x12, "&port=70000&left=1") },
  { name: "port of letters", http: announce(0x13, "&port=abc&left=1") },
  { name: "no info_hash", http: get("/announce?port=1001&left=1") },
  { name: "nothing but the path", http: get("/announce") },
  { name: "short info_hash", http: get("/announce?info_hash=%01%02&port=1001&left=1") },
  { name: "long info_hash", http: get(`/announce?info_hash=${hashText(0x14)}%14&port=1001&left=1`) },
  {
    name: "two info_hash",
    http: get(`/announce?info_hash=${hashText(0x15)}&info_hash=${hashText(0x15)}&port=1001&left=1`),
  },
  { name: "bad percent in the hash", http: get(`/announce?info_hash=%zz${hashText(0x16)}&port=1001&left=1`) },
  { name: "bad percent elsewhere", http: announce(0x17, "&port=1001&left=1&key=%zz") },
  { name: "hash in letters", http: get("/announce?info_hash=AAAAAAAAAAAAAAAAAAAA&port=1001&left=1") },
  { name: "short peer_id", http: announce(0x18, "&port=1001&left=1&peer_id=short") },
  { name: "empty parameters", http: announce(0x19, "&&=x&nothing&port=1001&left=1") },
  { name: "unknown parameters", http: announce(0x1a, "&port=1001&left=1&uploaded=1&downloaded=2&key=k&ip=9.9.9.9") },
  { name: "hash not on the list", http: announce(NOT_LISTED, "&port=1001&left=1") },
  { name: "stopped, hash not on the list", http: announce(NOT_LISTED, "&port=1001&left=1&event=stopped") },
  { name: "path that only begins with a", http: get(`/apple?info_hash=${hashText(0x1b)}&port=1001&left=1`) },
  { name: "announce.php", http: get(`/announce.php?info_hash=${hashText(0x1c)}&port=1001&left=1`) },
  { name: "passkey before announce", http: get(`/secret/announce?info_hash=${hashText(0x1d)}&port=1001&left=1`) },
  { name: "slashes before announce", http: get(`///announce?info_hash=${hashText(0x1e)}&port=1001&left=1`) },
  { name: "space before the question mark", http: get(`/announce ?info_hash=${hashText(0x1f)}&port=1001&left=1`) },
  { name: "first letter encoded", http: get(`/%61nnounce?info_hash=${hashText(0x25)}&port=1001&left=1`) },
  { name: "first letter encoded, space", http: get(`//%61 ?info_hash=${hashText(0x26)}&port=1001&left=1`) },
  { name: "capital letter encoded", http: get(`/%41nnounce?info_hash=${hashText(0x26)}&port=1001&left=1`) },
  { name: "slash encoded", http: get(`/%2f%61nnounce?info_hash=${hashText(0x26)}&port=1001&left=1`) },
  { name: "bad percent behind the a", http: get(`/a%zz?info_hash=${hashText(0x27)}&port=1001&left=1`) },
  { name: "question mark encoded", http: get(`/announce%3finfo_hash=${hashText(0x27)}&port=1001&left=1`) },
  { name: "quotes in a parameter", http: announce(0x28, '&port=1001&left=1&key="k"') },
  { name: "braces in a name", http: announce(0x29, "&port=1001&left=1&{key}=k") },
  { name: "name encoded", http: announce(0x2a, "&%70ort=1001&left=1") },
  { name: "port encoded", http: announce(0x2b, "&port=%31001&left=1") },
  { name: "compact6 0", http: announce(0x2c, "&port=1001&left=1&compact6=0") },
  { name: "compact6 of letters", http: announce(0x2d, "&port=1001&left=1&compact6=x") },
  { name: "event twice", http: announce(0x2e, "&port=1001&left=1&event=stopped&event=started") },
  { name: "port above 32 bits", http: announce(0x2f, "&port=4294967297&left=1") },
];

const HTTP_FRAMING: readonly Probe[] = [
  { name: "line feeds only", http: get(`/announce?info_hash=${hashText(0x20)}&port=1&left=1`, " HTTP/1.1\n\n") },
  { name: "HTTP/1.0", http: get(`/announce?info_hash=${hashText(0x21)}&port=1&left=1`, " HTTP/1.0\r\n\r\n") },
  { name: "no version", http: get(`/announce?info_hash=${hashText(0x22)}&port=1&left=1`, "\r\n\r\n") },
  {
    name: "connection not mentioned",
    http: get(`/announce?info_hash=${hashText(0x23)}&port=1&left=1`, " HTTP/1.1\r\nHost: t\r\n\r\n"),
  },
  {
    name: "keep-alive asked for",
    http: get(`/announce?info_hash=${hashText(0x24)}&port=1&left=1`, " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
  },
  { name: "HEAD", http: get("/announce").replace("GET", "HEAD") },
  { name: "POST", http: get("/announce").replace("GET", "POST") },
  { name: "method in small letters", http: get("/announce").replace("GET", "get") },
  { name: "no HTTP at all", http: "what is this\r\n\r\n" },
  { name: "request too long", http: get(`/announce?x=${"x".repeat(9000)}`) },
  { name: "root", http: get("/") },
  { name: "root with a query", http: get("/?x=1") },
  { name: "unknown path", http: get("/favicon.ico") },
  { name: "bad percent in the path", http: get("/%zz") },
];

const HTTP_SCRAPES: readonly Probe[] = [
  { name: "scrape", http: get(`/scrape?info_hash=${hashText(0x01)}`) },
  { name: "scrape of two", http: get(`/scrape?info_hash=${hashText(0x02)}&info_hash=${hashText(0x01)}`) },
  { name: "scrape of one twice", http: get(`/scrape?info_hash=${hashText(0x01)}&info_hash=${hashText(0x01)}`) },
  { name: "scrape, unknown hash", http: get(`/scrape?info_hash=${hashText(0xdd)}`) },
  { name: "scrape, short hash", http: get("/scrape?info_hash=%01") },
  { name: "scrape without hash", http: get("/scrape?x=1") },
  { name: "scrape of a path with sc", http: get(`/scx?info_hash=${hashText(0x01)}`) },
  { name: "path with sc, no query", http: get("/scx") },
  { name: "scrape, first letter encoded", http: get(`/%73crape?info_hash=${hashText(0x01)}`) },
  { name: "scrape, second letter encoded", http: get(`/s%63rape ?info_hash=${hashText(0x01)}`) },
  { name: "scrape, both letters encoded", http: get(`/%73%63?info_hash=${hashText(0x01)}`) },
  { name: "scrape with quotes", http: get(`/scrape?info_hash=${hashText(0x01)}&key="k"`) },
  { name: "scrape of all, a letter encoded", http: get("/%73crape") },
];

const STATS: readonly Probe[] = [
  ...["peer", "torr", "conn", "tcp4", "udp4", "scrp", "fscr", "completed", "syncs", "renew", "herr", "version"],
  ...["numwants", "top10", "top100", "s24s", "busy", "woodpeckers", "fulllog", "statedump", "everything", "nonsense"],
].map((mode) => ({ name: `stats ${mode}`, http: get(`/stats?mode=${mode}`) }));

const STATS_ODD: readonly Probe[] = [
  { name: "stats without mode", http: get("/stats") },
  { name: "stats as announce address", http: get(`/stats?info_hash=${hashText(0x01)}`) },
  { name: "stats tpbs txt", http: get("/stats?mode=tpbs&format=txt") },
  { name: "stats tpbs ben", http: get("/stats?mode=tpbs&format=ben") },
  { name: "stats tpbs url", http: get("/stats?mode=tpbs&format=url") },
  { name: "stats tpbs txtp", http: get("/stats?mode=tpbs&format=txtp") },
  { name: "stats tpbs bin", http: get("/stats?mode=tpbs&format=bin") },
  { name: "stats tpbs nonsense", http: get("/stats?mode=tpbs&format=nonsense") },
  { name: "stats tpbs without format", http: get("/stats?mode=tpbs") },
  { name: "stats with a format", http: get("/stats?mode=torr&format=txt") },
  { name: "stats with an unknown format", http: get("/stats?mode=torr&format=nonsense") },
  { name: "stats with an empty format", http: get("/stats?format=&mode=torr") },
  { name: "stats with two formats", http: get("/stats?mode=torr&format=nonsense&format=txt") },
  { name: "stats with two modes", http: get("/stats?mode=torr&mode=peer") },
  { name: "stats with letters encoded", http: get("/%73tats?m%6fde=%74orr") },
  { name: "stats with quotes", http: get('/stats?mode=torr&x="x"') },
  { name: "stats with a tab", http: get("/stats\t?mode=peer") },
  ...["/stats/../stats", "/x/../stats", "/./stats", "/%2e/stats", "/stats/", "/\\stats", "/stats\\", "/stats#x"].map((
    path,
  ) => ({
    name: `stats as ${path}`,
    http: get(path),
  })),
];

const UDP: readonly Probe[] = [
  { name: "udp connect", udp: () => connect() },
  { name: "udp connect, wrong magic", udp: () => connect(1n) },
  { name: "udp connect, longer", udp: () => concat(connect(), new Uint8Array(8)) },
  { name: "udp too short", udp: () => connect().slice(0, 15) },
  { name: "udp unknown action", udp: (id) => packet(id, 7, new Uint8Array(100)) },
  { name: "udp announce", udp: (id) => announcePacket(id, { hash: 0x30, port: 1001, left: 1 }) },
  { name: "udp second peer", udp: (id) => announcePacket(id, { hash: 0x30, port: 1002, left: 1 }) },
  { name: "udp seeder", udp: (id) => announcePacket(id, { hash: 0x30, port: 1003, left: 0 }) },
  { name: "udp numwant 0", udp: (id) => announcePacket(id, { hash: 0x30, port: 1001, left: 1, numwant: 0 }) },
  { name: "udp completed", udp: (id) => announcePacket(id, { hash: 0x31, port: 1001, left: 0, event: 1 }) },
  { name: "udp stopped", udp: (id) => announcePacket(id, { hash: 0x31, port: 1001, left: 0, event: 3 }) },
  { name: "udp unknown event", udp: (id) => announcePacket(id, { hash: 0x32, port: 1001, left: 1, event: 9 }) },
  { name: "udp left above 32 bits", udp: (id) => announcePacket(id, { hash: 0x33, port: 1001, left: 4294967296 }) },
  { name: "udp port 0", udp: (id) => announcePacket(id, { hash: 0x34, port: 0, left: 1 }) },
  { name: "udp address given", udp: (id) => announcePacket(id, { hash: 0x35, port: 1001, left: 1, ip: 0x09090909 }) },
  {
    name: "udp announce with options",
    udp: (id) => concat(announcePacket(id, { hash: 0x36, port: 1001, left: 1 }), latin1("\x02\x02/x\x00")),
  },
  { name: "udp announce too short", udp: (id) => announcePacket(id, { hash: 0x37, port: 1, left: 1 }).slice(0, 97) },
  { name: "udp wrong connection id", udp: () => announcePacket(new Uint8Array(8), { hash: 0x38, port: 1, left: 1 }) },
  { name: "udp hash not on the list", udp: (id) => announcePacket(id, { hash: NOT_LISTED, port: 1001, left: 1 }) },
  {
    name: "udp stopped, hash not on the list",
    udp: (id) => announcePacket(id, { hash: NOT_LISTED, port: 1001, left: 1, event: 3 }),
  },
  { name: "udp scrape", udp: (id) => packet(id, 2, concat(bytesOf(0x30), bytesOf(0x31), bytesOf(0xdd))) },
  { name: "udp scrape without hash", udp: (id) => packet(id, 2, new Uint8Array(0)) },
  { name: "udp scrape, wrong connection id", udp: () => packet(new Uint8Array(8), 2, bytesOf(0x30)) },
];

/** Swarms that both trackers see alike: what the figures are computed from. */
const SWARMS: readonly Probe[] = [
  ...[1, 2, 3, 4, 5].map((port) => ({
    name: `swarm of five, peer ${port}`,
    http: announce(0x41, `&port=100${port}&left=${port % 2}&event=started`),
  })),
  ...[1, 2].map((port) => ({ name: `swarm of two, peer ${port}`, http: announce(0x42, `&port=100${port}&left=1`) })),
  { name: "swarm of two, completed", http: announce(0x42, "&port=1002&left=0&event=completed") },
  { name: "udp swarm of one", udp: (id) => announcePacket(id, { hash: 0x43, port: 1001, left: 0, event: 1 }) },
  { name: "swarm left", http: announce(0x44, "&port=1001&left=0&event=completed") },
  // What the figures of errors and full scrapes are to show.
  { name: "figure of a 404", http: get("/favicon.ico") },
  { name: "full scrape", http: get("/scrape") },
  { name: "stopped, swarm left", http: announce(0x44, "&port=1001&left=0&event=stopped") },
];

/** Single requests: announces, scrapes, and what is neither, over HTTP and UDP. */
export const CONVERSATION: readonly Probe[] = [...HTTP_ANNOUNCES, ...HTTP_FRAMING, ...HTTP_SCRAPES, ...UDP];

/** A few swarms, then everything that is computed of them. */
export const FIGURES: readonly Probe[] = [...SWARMS, ...STATS, ...STATS_ODD];

/** Trackers whose statistics are at `figures`. */
export const STATS_HIDDEN: readonly Probe[] = [
  { name: "stats where they are not", http: get("/stats?mode=peer") },
  { name: "stats torr under their path", http: get("/figures?mode=torr") },
  { name: "stats without mode under their path", http: get("/figures") },
  { name: "path that begins as theirs", http: get("/figures2?mode=torr") },
];

/** Trackers that send browsers elsewhere, and whose statistics others may see. */
export const RULED: readonly Probe[] = [
  { name: "root, redirected", http: get("/") },
  { name: "root with a query, not redirected", http: get("/?x=1") },
  { name: "stats denied", http: get("/stats?mode=peer") },
  { name: "stats without mode, denied", http: get("/stats") },
  { name: "unknown mode, denied", http: get("/stats?mode=nonsense") },
  { name: "announce while stats are denied", http: announce(0x45, "&port=1001&left=1") },
];

/** The announce that tells whether a tracker serves yet. */
export const READY_ANNOUNCE = announce(0x60, "&port=1001&left=1&event=stopped");

const TRANSACTION = 0x01020304;

function bytesOf(byte: number): Uint8Array {
  return new Uint8Array(20).fill(byte);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return latin1(parts.map(latin1Text).join(""));
}

function connect(magic = 0x41727101980n): Uint8Array {
  const bytes = new Uint8Array(16), view = new DataView(bytes.buffer);
  view.setBigUint64(0, magic);
  view.setUint32(12, TRANSACTION);
  return bytes;
}

function packet(connectionId: Uint8Array, action: number, rest: Uint8Array): Uint8Array {
  const head = new Uint8Array(16), view = new DataView(head.buffer);
  head.set(connectionId);
  view.setUint32(8, action);
  view.setUint32(12, TRANSACTION);
  return concat(head, rest);
}

function announcePacket(
  connectionId: Uint8Array,
  fields: { hash: number; port: number; left: number; event?: number; numwant?: number; ip?: number },
): Uint8Array {
  const bytes = packet(connectionId, 1, new Uint8Array(82)), view = new DataView(bytes.buffer);
  bytes.fill(fields.hash, 16, 36);
  view.setBigUint64(64, BigInt(fields.left));
  view.setUint32(80, fields.event ?? 0);
  view.setUint32(84, fields.ip ?? 0);
  view.setInt32(92, fields.numwant ?? -1);
  view.setUint16(96, fields.port);
  return bytes;
}
