/** The options, info hashes and texts that the commands which ask trackers share. */
import type { Command } from "commander";
import type { AnnounceAnswer, Asked, AskOptions, NoAnswer, ScrapeAnswer, TrackerRefusal } from "../client/question.ts";
import type { Metainfo } from "../torrent/metainfo.ts";
import { readTorrent } from "../torrent/read_torrent.ts";
import { printable } from "../torrent/safe_path.ts";
import { VERSION } from "../version.ts";
import { formatCount } from "./quantity.ts";
import { Mistake, type ToolRim } from "./tool_rim.ts";

/** Options of `addAskOptions` as commander hands them over. */
export interface AskFlags {
  readonly timeout: string;
  readonly ipv4?: true;
  readonly ipv6?: true;
}

/** Seconds a tracker has when nothing else is said. */
const TIMEOUT_SECONDS = 10;
const TIMEOUT_SECONDS_MAX = 600;

const INFO_HASH_BYTES = 20;
const PEER_ID_BYTES = 20;

/** How this program names itself to trackers. */
const USER_AGENT = `Waggle/${VERSION}`;
const PEER_ID_PREFIX = `-WG${VERSION.replaceAll(".", "").padEnd(4, "0").slice(0, 4)}-`;

/** How trackers are asked when a command has no options for it. */
export const ASK_DEFAULTS: AskOptions = { timeoutSeconds: TIMEOUT_SECONDS, family: undefined, userAgent: USER_AGENT };

/** Adds `--timeout`, `-4` and `-6`. */
export function addAskOptions(command: Command): void {
  command
    .option("--timeout <seconds>", "how long the tracker may take", `${TIMEOUT_SECONDS}`)
    .option("-4, --ipv4", "ask over IPv4 only")
    .option("-6, --ipv6", "ask over IPv6 only");
}

/** Reads them. */
export function readAskOptions({ timeout, ipv4, ipv6 }: AskFlags): AskOptions {
  if (ipv4 && ipv6) throw new Mistake("Cannot start: of -4 and -6 only one can be asked for");
  const timeoutSeconds = readWhole("--timeout", timeout, 1, TIMEOUT_SECONDS_MAX);
  return { timeoutSeconds, family: ipv4 ? 4 : ipv6 ? 6 : undefined, userAgent: USER_AGENT };
}

/** A whole number in a range. */
export function readWhole(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new Mistake(`Cannot start: ${name} must be ${min} to ${max}, and is ${JSON.stringify(text)}`);
}

/** A peer id that names this program, its end random. */
export function newPeerId(rim: ToolRim): Uint8Array {
  const peerId = rim.randomBytes(PEER_ID_BYTES);
  peerId.set(new TextEncoder().encode(PEER_ID_PREFIX));
  return peerId;
}

/** The info hash that trackers know a torrent by: that of v1, or the beginning of that of v2. */
export function trackerInfoHash({ infoHashV1, infoHashV2 }: Metainfo): Uint8Array {
  return infoHashV1 ?? infoHashV2!.subarray(0, INFO_HASH_BYTES);
}

/** Reads an info hash: 40 hex letters, 64 for v2, 32 of base32 as in old magnet links, or the name of a torrent file. */
export function readInfoHash(text: string): Uint8Array {
  const bare = text.replace(/^urn:btih:/i, "").replace(/^urn:btmh:1220/i, "");
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(bare)) {
    return Uint8Array.from(bare.match(/../g)!, (pair) => parseInt(pair, 16)).subarray(0, INFO_HASH_BYTES);
  }
  if (/^[a-z2-7]{32}$/i.test(bare)) return decodeBase32(bare);
  const torrent = readTorrent(text);
  if (!("kind" in torrent)) return trackerInfoHash(torrent);
  throw new Mistake(
    `Cannot start: ${JSON.stringify(text)} is no info hash (40 hex letters), and as a file: ${torrent.reason}`,
  );
}

function decodeBase32(text: string): Uint8Array {
  const bits = [...text.toLowerCase()].map((letter) => {
    return "abcdefghijklmnopqrstuvwxyz234567".indexOf(letter).toString(2).padStart(5, "0");
  }).join("");
  return Uint8Array.from(bits.match(/.{8}/g)!, (byte) => parseInt(byte, 2));
}

/** What came of asking, in one line without a full stop. */
export function formatOutcome({ outcome, milliseconds, answeredBy }: Asked<AnnounceAnswer | ScrapeAnswer>): string {
  switch (outcome.kind) {
    case "noAnswer":
      return `no answer: ${printable(outcome.reason)}`;
    case "refusal":
      return `refuses: ${formatRefusal(outcome)}`;
    case "answer": {
      const by = answeredBy === undefined ? "" : ` (${answeredBy})`;
      const detail = "interval" in outcome ? `: ${formatSwarm(outcome)}` : "";
      return `answers in ${Math.round(milliseconds)} ms${by}${detail}`;
    }
  }
}

/** The reason of a refusal, made fit for a terminal. */
export function formatRefusal({ reason, retryIn }: TrackerRefusal): string {
  const again = retryIn === undefined ? "" : retryIn === "never" ? ", never ask again" : `, again in ${retryIn} min`;
  return `"${printable(reason)}"${again}`;
}

/** The fields that make an outcome without an answer readable for a program. */
export function jsonOfNoAnswer(outcome: TrackerRefusal | NoAnswer): Record<string, unknown> {
  return outcome.kind === "refusal"
    ? { outcome: "refusal", reason: outcome.reason, retryInMinutes: outcome.retryIn }
    : { outcome: "noAnswer", reason: outcome.reason };
}

function formatSwarm({ interval, complete, incomplete }: AnnounceAnswer): string {
  const counts = [
    ...(complete === undefined ? [] : [formatCount(complete, "seeder")]),
    ...(incomplete === undefined ? [] : [formatCount(incomplete, "leecher")]),
  ];
  return [...counts, `interval ${interval} s`].join(", ");
}
