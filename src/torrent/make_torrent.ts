/** Makes a .torrent file of a file or folder: lists it, hashes it on all cores, and puts the torrent in place. */
import { resolve } from "node:path";
import { buildTorrent, type TorrentChoice } from "./build_torrent.ts";
import { type ContentTree, isUnchanged, listContent } from "./content_tree.ts";
import { hashRuns } from "./hash_pool.ts";
import { type Metainfo, parseMetainfo } from "./metainfo.ts";
import { planRuns, torrentBytesAbout } from "./piece_plan.ts";
import { readTorrent, TORRENT_BYTES_MAX } from "./read_torrent.ts";
import { placeFault, replaceFile } from "./replace_file.ts";

/** What to make, from what, and where to. */
export interface MakeOrder {
  readonly contentPath: string;
  readonly targetPath: string;
  readonly choice: TorrentChoice;
}

/** What the maker needs of its caller. */
export interface MakeWatch {
  /** Threads that hash, at least 1. */
  readonly workers: number;
  /** Told once, before the hashing. */
  readonly onListed: (content: ContentTree) => void;
  /** Told as the hashing goes on how many more bytes are done. */
  readonly onHashed: (bytes: number) => void;
  /** Aborting it ends the work, with nothing written. */
  readonly signal: AbortSignal;
}

/** What became of an order. */
export type MakeOutcome =
  | { readonly kind: "made"; readonly torrent: Metainfo; readonly content: ContentTree }
  /** `path`: the file at fault. `reason`: the end of a sentence. Nothing was written. */
  | { readonly kind: "fault"; readonly path: string; readonly reason: string }
  | { readonly kind: "stopped" };

/** Makes one torrent. A file that is in the way is replaced only if it is a torrent. */
export async function makeTorrent(order: MakeOrder, watch: MakeWatch): Promise<MakeOutcome> {
  const { contentPath, targetPath, choice } = order;
  const content = listContent(contentPath, resolve(targetPath));
  if (content.kind === "fault") return { kind: "fault", path: content.diskPath, reason: content.reason };
  const inTheWay = targetFault(targetPath);
  if (inTheWay !== null) return { kind: "fault", path: targetPath, reason: inTheWay };
  const torrentBytes = torrentBytesAbout(content.files, choice.pieceLengthBytes, choice.version);
  if (torrentBytes > TORRENT_BYTES_MAX) {
    const reason = `its torrent would have ${torrentBytes} bytes, more than programs read: choose larger pieces`;
    return { kind: "fault", path: contentPath, reason };
  }

  watch.onListed(content);
  const runs = planRuns(content.files, choice.pieceLengthBytes, choice.version);
  const hashing = { rootPath: content.rootPath, ...watch };
  const outcome = await hashRuns(runs, hashing);
  if (outcome.kind === "stopped") return outcome;
  if (outcome.kind === "unreadable") return { kind: "fault", path: outcome.diskPath, reason: outcome.reason };
  const changed = content.files.find((file) => !isUnchanged(file));
  if (changed !== undefined) {
    return { kind: "fault", path: changed.diskPath, reason: "it changed while it was hashed" };
  }

  const bytes = buildTorrent(content, runs, outcome.hashes, choice);
  const torrent = parseMetainfo(bytes);
  if ("kind" in torrent) {
    return { kind: "fault", path: contentPath, reason: `no torrent can be made: ${torrent.reason}` };
  }
  const failed = replaceFile(targetPath, bytes);
  if (failed !== null) return { kind: "fault", path: targetPath, reason: failed };
  return { kind: "made", torrent, content };
}

/** Says why nothing may, or can, be written to `path`: only a torrent may be replaced. */
function targetFault(path: string): string | null {
  const old = readTorrent(path);
  if ("kind" in old && old.reason !== NOT_THERE) return `it is in the way of the new torrent: ${old.reason}`;
  return placeFault(path);
}

const NOT_THERE = "no such file or directory";
