/** Torrent files and URLs of trackers: bencode that anyone may have written. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseTrackerUrl, scrapeTarget } from "../../../src/client/tracker_url.ts";
import {
  adviseTrackers,
  formatAnnounceList,
  parseAnnounceList,
  trackerUrlFault,
} from "../../../src/torrent/announce_list.ts";
import { type BencodeNode, decodeBencode, formatBencodeFault } from "../../../src/torrent/decode_bencode.ts";
import { replaceTrackers } from "../../../src/torrent/edit_announce.ts";
import { encodeBencode } from "../../../src/torrent/encode_bencode.ts";
import { type Metainfo, parseMetainfo } from "../../../src/torrent/metainfo.ts";
import { printable } from "../../../src/torrent/safe_path.ts";
import { decodeBencode as decodeStrictly, valueOf } from "../../support/bencode.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { sameBytes } from "./world.ts";

const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;
/** Faults that only a bounded decoder knows. */
const BOUNDS = /nest deeper|more than \d+ (values|digits)|stands twice/;
const BYTES_MAX = 65_536;
const WORDS = [
  "d",
  "l",
  "e",
  "i0e",
  "i-1e",
  "i-0e",
  "i00e",
  "0:",
  "1:a",
  "4:info",
  "00:",
  "99999999999999999999:",
  "le",
  "de",
];

/** Any bytes as bencode. */
export const bencode: FuzzTarget = {
  name: "bencode",
  summary: "bencode, against a second decoder and the encoder",
  bytesMax: BYTES_MAX,
  words: WORDS,
  open: () => (bytes) => {
    const node = decodeBencode(bytes);
    if (node.kind === "fault") {
      assert.ok(node.at >= 0 && node.at <= bytes.length);
      assert.doesNotMatch(formatBencodeFault(node), /\n/);
      if (!BOUNDS.test(node.reason)) assert.throws(() => decodeStrictly(bytes.slice()), Error, node.reason);
      return node.reason.replace(/\d+|".*"/g, "");
    }
    assert.equal(node.start, 0);
    assert.ok(node.end > 0 && node.end <= bytes.length);
    decodeStrictly(bytes.subarray(0, node.end));
    if (isSorted(node)) assert.ok(sameBytes(encodeBencode(valueOf(node)), bytes.subarray(0, node.end)));
    return `${node.kind} ${depthOf(node)}`;
  },
};

function isSorted(node: BencodeNode): boolean {
  if (node.kind === "list") return node.items.every(isSorted);
  return node.kind !== "dictionary" || node.isSorted && node.entries.every(({ value }) => isSorted(value));
}

function depthOf(node: BencodeNode): number {
  const inside = node.kind === "list"
    ? node.items
    : node.kind === "dictionary"
    ? node.entries.map(({ value }) => value)
    : [];
  return 1 + inside.reduce((depth, value) => Math.max(depth, depthOf(value)), 0);
}

/** Torrent files: read, and edited as `torrent reannounce` does. */
export const torrent: FuzzTarget = {
  name: "torrent",
  summary: "torrent files, read and given other trackers",
  bytesMax: BYTES_MAX,
  words: [
    ...WORDS,
    "6:pieces20:",
    "12:piece length",
    "i16384e",
    "4:name",
    "5:files",
    "6:length",
    "4:path",
    "2:..",
    "1:/",
    "9:file tree",
    "12:meta versioni2e",
    "11:pieces root32:",
    "8:announce",
    "13:announce-list",
    "8:url-list",
    "4:attr1:p",
    "7:privatei1e",
    "\u061c",
    "\u202e",
    "\x1b[2J",
  ],
  open: () => (bytes) => {
    const read = parseMetainfo(bytes);
    if ("kind" in read) return read.reason.replace(/\d+|".*"/g, "");
    checkTorrent(read, bytes);
    const edited = replaceTrackers(read, {
      announce: "http://x/announce",
      tiers: [["http://x/announce"], ["udp://y:1"]],
    });
    const again = parseMetainfo(edited);
    assert.ok(!("kind" in again));
    assert.deepEqual([again.infoHashV1, again.infoHashV2], [read.infoHashV1, read.infoHashV2]);
    assert.deepEqual([again.announce, again.tiers?.length], ["http://x/announce", 2]);
    const kinds = [read.infoHashV1, read.infoHashV2, read.announce, read.tiers, read.comment].map((value) =>
      value !== undefined
    );
    return `${kinds} ${Math.min(9, read.files.length)} ${read.warnings.length} ${read.webSeeds.length}`;
  },
};

function checkTorrent(read: Metainfo, bytes: Uint8Array): void {
  assert.ok(read.files.length > 0 && read.pieceLengthBytes > 0 && Number.isSafeInteger(read.pieceCount));
  assert.equal(read.totalBytes, read.files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0));
  for (const { path } of [...read.files, { path: [read.name] }]) {
    for (const name of path) {
      assert.ok(name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name), JSON.stringify(name));
      assert.doesNotMatch(printable(name), UNPRINTABLE);
    }
  }
  const { root } = read, info = root.entries.find(({ key }) => new TextDecoder().decode(key.bytes) === "info")!.value;
  const infoBytes = bytes.subarray(info.start, info.end);
  if (read.infoHashV1) assert.equal(read.infoHashV1.toHex(), createHash("sha1").update(infoBytes).digest("hex"));
  if (read.infoHashV2) assert.equal(read.infoHashV2.toHex(), createHash("sha256").update(infoBytes).digest("hex"));
  for (const advice of adviseTrackers(read.announce, read.tiers)) assert.doesNotMatch(printable(advice), UNPRINTABLE);
}

/** Lists of trackers on a command line, and each URL of them. */
export const trackerUrls: FuzzTarget = {
  name: "tracker_urls",
  summary: "lists of trackers in BitTornado's grammar, and their URLs",
  bytesMax: 600,
  words: [
    "http://",
    "udp://",
    "https://",
    "wss://",
    ":6969",
    "/announce",
    "/scrape",
    "?",
    "|",
    ",",
    "@",
    "[::1]",
    "%",
    "#",
    "\t",
  ],
  seeds: () =>
    ["http://a.example:6969/announce,udp://b:1|https://user:pw@c/x/announce?k=1", "udp://[::1]:80", "ws://d/"]
      .map((text) => new TextEncoder().encode(text)),
  open: openTrackerUrls,
};

function openTrackerUrls(): Check {
  const decoder = new TextDecoder();
  return (bytes) => {
    const text = decoder.decode(bytes), tiers = parseAnnounceList(text);
    let outcome = "fault";
    if ("fault" in tiers) assert.notEqual(tiers.fault, "");
    else {
      assert.deepEqual(parseAnnounceList(formatAnnounceList(tiers)), tiers);
      for (const url of tiers.flat()) assert.equal(trackerUrlFault(url), null);
      outcome = tiers.map((tier) => tier.length).slice(0, 4).join();
    }
    for (const url of text.split(/[|,]/).slice(0, 4)) {
      const tracker = parseTrackerUrl(url);
      if (tracker.kind === "fault") {
        outcome += tracker.reason.slice(0, 12);
        continue;
      }
      assert.ok(tracker.port > 0 && tracker.port <= 65535 && tracker.host !== "");
      assert.ok(tracker.target === "" || /^\/[!-~]*$/.test(tracker.target), tracker.target);
      outcome += `${tracker.kind}${scrapeTarget(tracker.target) === null}`;
    }
    return outcome;
  };
}
