/**
 * Changes the trackers of a torrent and nothing else: every other key and value, `info` first of all, is moved byte for
 * byte, so the info hash cannot change. That is checked again before the result is handed out. Pure.
 */
import { createHash } from "node:crypto";
import type { AnnounceTiers } from "./announce_list.ts";
import { decodeBencode, entryOf, isAscii } from "./decode_bencode.ts";
import { type BencodeValue, concatBytes, encodeBencode } from "./encode_bencode.ts";
import type { Metainfo } from "./metainfo.ts";

/** The trackers that a torrent is to have. */
export interface TrackerChoice {
  readonly announce: string;
  /** Undefined: no list, and one that is there is removed. */
  readonly tiers: AnnounceTiers | undefined;
}

/**
 * The bytes of `torrent` with its trackers replaced. Keys come out sorted; bytes after the end of the torrent are kept.
 * Throws when the info dictionary would differ, which is a fault of ours.
 */
export function replaceTrackers(torrent: Metainfo, { announce, tiers }: TrackerChoice): Uint8Array<ArrayBuffer> {
  const { source, root } = torrent;
  const kept = root.entries
    .filter(({ key }) => !isAscii(key.bytes, "announce") && !isAscii(key.bytes, "announce-list"))
    .map(({ key, value }) => [key.bytes, { encoded: source.subarray(value.start, value.end) }] as const);
  const entries: [string | Uint8Array, BencodeValue | undefined][] = [["announce", announce], ["announce-list", tiers]];
  const edited = concatBytes([
    encodeBencode({ entries: [...entries, ...kept] }),
    source.subarray(root.end),
  ]);
  if (infoDigest(edited) !== infoDigest(source)) throw new Error("The info hash would change: nothing is written");
  return edited;
}

function infoDigest(source: Uint8Array): string {
  const root = decodeBencode(source);
  const info = root.kind === "dictionary" ? entryOf(root, "info") : undefined;
  if (info === undefined) return "no info dictionary";
  return createHash("sha256").update(source.subarray(info.start, info.end)).digest("hex");
}
