/**
 * newTrackon's rules for a tracker to be listed, as its source has them (scraper.py, tracker.py and ingest.py of
 * github.com/CorralPeltzer/newTrackon, 2026): which URLs it tries, what it asks, and which answers it takes. BEP 34 is
 * the DNS record it goes by. Pure.
 */
import ipaddr from "ipaddr.js";
import type { AnnounceAnswer } from "../client/question.ts";
import type { TrackerUrl } from "../client/tracker_url.ts";
import {
  type BencodeDictionary,
  decodeBencode,
  entryOf,
  formatBencodeFault,
  textOf,
} from "../torrent/decode_bencode.ts";

/** How it names itself, and the ports it announces. */
export const ASKER = { userAgent: "qBittorrent/4.3.9", peerIdPrefix: "-qB5230-", httpPort: 6881, udpPort: 30461 };

/** Seconds it waits for an answer. */
export const TIMEOUT_SECONDS = 10;

/** Bytes of an unpacked body that it reads. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** Path it asks, whatever path was submitted. */
export const ANNOUNCE_PATH = "/announce";

/** Peers and counts that a tracker may give for a random info hash, added up. */
const PEERS_MAX = 10;

/** Intervals with which a tracker is taken up. */
const INTERVAL_SECONDS_MIN = 300, INTERVAL_SECONDS_MAX = 10_800;

/** Protocols and ports of a DNS record that it reads. */
const PREFERENCES_MAX = 10;

/** Highest port. */
const PORT_MAX = 65_535;

/** Bodies in which these are anything but counts are refused. */
const COUNTS = ["seeds", "leechers", "complete", "incomplete"];

/** A protocol and a port of a host. */
export interface Candidate {
  readonly kind: TrackerUrl["kind"];
  readonly port: number;
}

/** What a good answer says. */
export interface Answer {
  /** Seconds; undefined: none was given. */
  readonly interval: number | undefined;
  readonly seeders: number;
  readonly leechers: number;
  readonly peers: number;
  /** The asker is one of these peers, or rather one with its port. */
  readonly hasAsker: boolean;
}

/** Why an answer is not taken: the end of a sentence about the tracker. */
export interface Rejection {
  readonly kind: "refused" | "bad";
  readonly reason: string;
}

/** Whether the whole internet can reach `address`. */
export function isPublicAddress(address: string): boolean {
  // 2000::/3 is all of IPv6 that is given out; ranges within it that lead nowhere have names of their own.
  return ipaddr.parse(address).range() === "unicast" && (!address.includes(":") || /^[23][0-9a-f]{3}:/i.test(address));
}

/** Why a URL is not taken as it is written, or null. `url`: parsed from the same text. */
export function refuseUrl(text: string, { auth, host }: TrackerUrl): string | null {
  if (auth !== undefined || /^\w+:\/\/[^/?#]*@/.test(text)) return "a name or password in the URL is not taken";
  return /^[a-z0-9_.:-]+$/i.test(host) ? null : "the host may have letters, digits, dots, dashes and underscores only";
}

/** The port that `text` names; undefined: none, and the protocol's own counts. */
export function namedPort(text: string): number | undefined {
  const [, port] = /^\w+:\/\/[^/?#]*:(\d+)(?=[/?#]|$)/.exec(text) ?? [];
  return port === undefined ? undefined : Number(port);
}

/**
 * The BEP 34 record among the TXT records of a host, each the strings it consists of: protocols and ports in their
 * order, none when the host says that there is no tracker. Null: there is no such record.
 */
export function readPreferences(records: readonly (readonly string[])[]): readonly Candidate[] | null {
  const record = records.map((strings) => strings.join('" "')).find((text) => text.startsWith("BITTORRENT"));
  if (record === undefined) return null;
  return record.split(/\s+/).slice(1, 1 + PREFERENCES_MAX).flatMap((word): readonly Candidate[] => {
    const [, protocol, port] = /^(UDP|TCP):(\d+)$/.exec(word) ?? [];
    // A port that there is not can be asked nothing.
    if (protocol === undefined || Number(port) > PORT_MAX) return [];
    return protocol === "UDP" ? [{ kind: "udp", port: Number(port) }] : overTcp(Number(port), Number(port));
  });
}

/** What is tried for a URL with this port, in order: the first that answers is what is listed. */
export function candidatesOf(port: number | undefined, preferences: readonly Candidate[] | null): readonly Candidate[] {
  if (preferences !== null) return preferences;
  return port === undefined ? overTcp(443, 80) : [{ kind: "udp", port }, ...overTcp(port, port)];
}

function overTcp(httpsPort: number, httpPort: number): readonly Candidate[] {
  return [{ kind: "https", port: httpsPort }, { kind: "http", port: httpPort }];
}

/** Why a tracker with this interval is not taken up, or null. */
export function refuseInterval(interval: number | undefined): string | null {
  if (!interval) return `its answer has no interval${interval === 0 ? ", or one of 0, which counts as none" : ""}`;
  if (interval >= INTERVAL_SECONDS_MIN && interval <= INTERVAL_SECONDS_MAX) return null;
  return `its interval is ${interval} s, and ${INTERVAL_SECONDS_MIN} to ${INTERVAL_SECONDS_MAX} s are taken`;
}

/** Reads an answer over UDP. `counts` are signed there. */
export function judgeUdp({ interval, complete = 0, incomplete = 0, peers }: AnnounceAnswer): Answer | Rejection {
  const [seconds, seeders, leechers] = [interval, complete, incomplete].map((count) => count | 0) as [
    number,
    number,
    number,
  ];
  if (seeders < 0 || leechers < 0) return bad(`it counts ${seeders} seeders and ${leechers} leechers`);
  const hasAsker = peers.some(({ port }) => port === ASKER.udpPort);
  return judgeCounts({ interval: seconds, seeders, leechers, peers: peers.length, hasAsker }, seeders + leechers);
}

/** Reads an answer over HTTP. `status`: code and text. */
export function judgeHttp(status: string, body: Uint8Array): Answer | Rejection {
  if (!status.startsWith("200")) return bad(`it answers with HTTP ${status}`);
  if (body.length === 0) return bad("its answer is empty");
  const root = decodeBencode(body);
  if (root.kind === "fault") return bad(`its answer is not bencode: ${formatBencodeFault(root)}`);
  if (root.kind !== "dictionary") return bad("its answer is not a dictionary");
  const failure = entryOf(root, "failure reason");
  if (failure !== undefined) {
    return { kind: "refused", reason: failure.kind === "bytes" ? textOf(failure) : "(without a text)" };
  }
  const fault = findFault(root);
  if (fault !== null) return bad(fault);
  const lists = (["peers", "peers6"] as const).map((name) => readPorts(root, name));
  if (lists.every((ports) => ports === undefined)) return bad("its answer has neither peers nor peers6");
  const ports = lists.flatMap((ports) => ports ?? []);
  const [seeders, leechers, complete, incomplete] = COUNTS.map((name) => count(root, name) ?? 0) as [
    number,
    number,
    number,
    number,
  ];
  const answer = {
    interval: count(root, "interval"),
    seeders: seeders + complete,
    leechers: leechers + incomplete,
    peers: ports.length,
    hasAsker: ports.includes(ASKER.httpPort),
  };
  return judgeCounts(answer, answer.seeders + answer.leechers);
}

function judgeCounts(answer: Answer, counted: number): Answer | Rejection {
  const total = answer.peers + counted;
  return total <= PEERS_MAX
    ? answer
    : bad(`it makes up peers: ${total} peers and counts for a random info hash, where ${PEERS_MAX} are taken`);
}

// What its decoder stumbles over.
function findFault(root: BencodeDictionary): string | null {
  for (const name of ["peers", "peers6"]) {
    const node = entryOf(root, name);
    if (node !== undefined && node.kind !== "bytes" && node.kind !== "list") return `its ${name} are no list`;
  }
  for (const name of COUNTS) {
    const node = entryOf(root, name);
    if (node !== undefined && (node.kind !== "integer" || node.value < 0n)) return `its ${name} is no count`;
  }
  const address = entryOf(root, "external ip");
  if (address?.kind === "bytes" && address.bytes.length !== 4 && address.bytes.length !== 16) {
    return `its external ip has ${address.bytes.length} bytes, and not 4 or 16`;
  }
  for (const { key, value } of root.entries) {
    const isPacked = ["peers", "peers6", "external ip"].includes(textOf(key));
    if (!isUtf8(key.bytes) || (value.kind === "bytes" && !isPacked && !isUtf8(value.bytes))) {
      return `its ${JSON.stringify(textOf(key))} is not UTF-8`;
    }
  }
  return null;
}

// The port of each peer: packed, or a dictionary each. Undefined: there is no such list.
function readPorts(root: BencodeDictionary, name: "peers" | "peers6"): number[] | undefined {
  const node = entryOf(root, name), peerBytes = name === "peers" ? 6 : 18;
  if (node?.kind === "list") return node.items.map((item) => item.kind === "dictionary" ? count(item, "port") ?? 0 : 0);
  if (node?.kind !== "bytes") return undefined;
  return Array.from({ length: Math.floor(node.bytes.length / peerBytes) }, (_, index) => {
    const portAt = (index + 1) * peerBytes - 2;
    return node.bytes[portAt]! << 8 | node.bytes[portAt + 1]!;
  });
}

function count(dictionary: BencodeDictionary, name: string): number | undefined {
  const node = entryOf(dictionary, name);
  return node?.kind === "integer" ? Number(node.value) : undefined;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function bad(reason: string): Rejection {
  return { kind: "bad", reason };
}
