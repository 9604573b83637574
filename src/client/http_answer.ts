/**
 * Reads the bodies of HTTP answers: BEP 3, BEP 7 (`peers6`), BEP 23 (compact peers), BEP 24 (`external ip`), BEP 31
 * (`retry in`), BEP 48 (scrape). Total: any bytes give an answer, a refusal or "no answer". Pure.
 */
import { formatAddress } from "../bittorrent/address.ts";
import { readCompactPeers } from "./compact_peers.ts";
import {
  type BencodeDictionary,
  type BencodeNode,
  decodeBencode,
  entryOf,
  formatBencodeFault,
  textOf,
} from "../torrent/decode_bencode.ts";
import type {
  AnnounceAnswer,
  AnsweredPeer,
  NoAnswer,
  ScrapeAnswer,
  ScrapedSwarm,
  SwarmCounts,
  TrackerRefusal,
} from "./question.ts";

/** Highest TCP and UDP port. */
const PORT_MAX = 65535;

/** Reads the answer to an announce. */
export function readAnnounceBody(body: Uint8Array): AnnounceAnswer | TrackerRefusal | NoAnswer {
  const root = readDictionary(body);
  if (root.kind !== "dictionary") return root;
  const interval = count(root, "interval");
  if (interval === undefined) return { kind: "noAnswer", reason: "its answer has no interval" };
  return {
    kind: "answer",
    interval,
    minInterval: count(root, "min interval"),
    complete: count(root, "complete"),
    incomplete: count(root, "incomplete"),
    downloaded: count(root, "downloaded"),
    peers: [
      ...readPeers(entryOf(root, "peers"), 4),
      ...readPeers(entryOf(root, "peers6"), 6),
    ],
    warning: text(root, "warning message"),
    trackerId: text(root, "tracker id"),
    externalIp: readExternalIp(entryOf(root, "external ip")),
  };
}

/** Reads the answer to a scrape for `infoHashes`. */
export function readScrapeBody(
  body: Uint8Array,
  infoHashes: readonly Uint8Array[],
): ScrapeAnswer | TrackerRefusal | NoAnswer {
  const root = readDictionary(body);
  if (root.kind !== "dictionary") return root;
  const files = entryOf(root, "files");
  if (files?.kind !== "dictionary") return { kind: "noAnswer", reason: "its answer has no files" };
  const found = new Map(files.entries.map(({ key, value }) => [key.bytes.join(), value]));
  const swarms = infoHashes.map((infoHash): ScrapedSwarm => {
    return { infoHash, counts: readCounts(found.get(infoHash.join())) };
  });
  return { kind: "answer", swarms };
}

/** The outer dictionary, unless the tracker refuses or the body is something else. */
function readDictionary(body: Uint8Array): BencodeDictionary | TrackerRefusal | NoAnswer {
  const root = decodeBencode(body);
  if (root.kind === "fault") {
    return { kind: "noAnswer", reason: `its answer is not bencode, as a tracker's is: ${formatBencodeFault(root)}` };
  }
  if (root.kind !== "dictionary") return { kind: "noAnswer", reason: "its answer is not a dictionary" };
  const reason = text(root, "failure reason");
  if (reason === undefined) return root;
  const retry = entryOf(root, "retry in");
  const retryIn = retry?.kind === "bytes" && textOf(retry) === "never" ? "never" : count(root, "retry in");
  return { kind: "refusal", reason, retryIn };
}

function readPeers(node: BencodeNode | undefined, family: 4 | 6): AnsweredPeer[] {
  if (node?.kind === "bytes") return readCompactPeers(node.bytes, family);
  if (node?.kind !== "list") return [];
  return node.items.flatMap((item) => {
    if (item.kind !== "dictionary") return [];
    const address = text(item, "ip");
    const port = count(item, "port");
    return address === undefined || port === undefined || !isPort(port) ? [] : [{ address, port }];
  });
}

function isPort(number: number): boolean {
  return number >= 0 && number <= PORT_MAX;
}

function readCounts(node: BencodeNode | undefined): SwarmCounts | undefined {
  if (node?.kind !== "dictionary") return undefined;
  return {
    complete: count(node, "complete") ?? 0,
    downloaded: count(node, "downloaded") ?? 0,
    incomplete: count(node, "incomplete") ?? 0,
  };
}

/** An address of 4 or 16 bytes; some trackers send its text. */
function readExternalIp(node: BencodeNode | undefined): string | undefined {
  if (node?.kind !== "bytes") return undefined;
  return node.bytes.length === 4 || node.bytes.length === 16 ? formatAddress(node.bytes) : textOf(node);
}

function text(dictionary: BencodeDictionary, name: string): string | undefined {
  const node = entryOf(dictionary, name);
  return node?.kind === "bytes" ? textOf(node) : undefined;
}

function count(dictionary: BencodeDictionary, name: string): number | undefined {
  const node = entryOf(dictionary, name);
  return node?.kind === "integer" ? Number(node.value) : undefined;
}
