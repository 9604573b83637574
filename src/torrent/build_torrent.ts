/**
 * Puts a .torrent file together from a list of files and the hashes of their pieces: BEP 3, BEP 12, BEP 19, BEP 27,
 * BEP 47 (padding), BEP 52. Pure: the date is handed in.
 */
import type { AnnounceTiers } from "./announce_list.ts";
import { type BencodeValue, concatBytes, type Dictionary, encodeBencode } from "./encode_bencode.ts";
import { BLOCK_BYTES, merkleRoot, zeroHash } from "./merkle.ts";
import type { PieceHashes } from "./piece_hasher.ts";
import { type HashRun, padLengths, type TorrentVersion } from "./piece_plan.ts";

/** What an operator chooses about a torrent. */
export interface TorrentChoice {
  readonly announce: string;
  readonly tiers: AnnounceTiers | undefined;
  readonly version: TorrentVersion;
  /** A power of two from 16 KiB. */
  readonly pieceLengthBytes: number;
  readonly isPrivate: boolean;
  readonly webSeeds: readonly string[];
  readonly comment: string | undefined;
  readonly createdBy: string;
  /** Unix time. */
  readonly creationDateSeconds: number;
}

/** Name and files, in the order of the plan. A path is empty when the torrent is that one file. */
export interface TorrentContent {
  readonly name: string;
  readonly files: readonly { readonly path: readonly string[]; readonly lengthBytes: number }[];
}

/** Encodes the torrent. `runs` and `hashes` belong together, one for one. */
export function buildTorrent(
  content: TorrentContent,
  runs: readonly HashRun[],
  hashes: readonly PieceHashes[],
  choice: TorrentChoice,
): Uint8Array<ArrayBuffer> {
  const { announce, tiers, version, webSeeds, comment, createdBy, creationDateSeconds } = choice;
  const trees = version === "v1" ? null : fileTrees(content, runs, hashes, choice.pieceLengthBytes);
  const info: Dictionary = {
    entries: [
      ["name", content.name],
      ["piece length", choice.pieceLengthBytes],
      ["private", choice.isPrivate ? 1 : undefined],
      ...(version === "v2" ? [] : listEntries(content, hashes, choice)),
      ["meta version", trees === null ? undefined : 2],
      ["file tree", trees?.tree],
    ],
  };
  return encodeBencode({
    entries: [
      ["announce", announce],
      ["announce-list", tiers],
      ["comment", comment],
      ["created by", createdBy],
      ["creation date", creationDateSeconds],
      ["info", info],
      ["piece layers", trees?.layers],
      ["url-list", webSeeds.length === 0 ? undefined : webSeeds],
    ],
  });
}

/** `pieces`, and `length` or `files`. */
function listEntries(
  { files }: TorrentContent,
  hashes: readonly PieceHashes[],
  { pieceLengthBytes, version }: TorrentChoice,
): [string, BencodeValue][] {
  const pieces: [string, BencodeValue] = ["pieces", concatBytes(hashes.map(({ sha1 }) => sha1))];
  if (isSingle(files)) return [pieces, ["length", files[0].lengthBytes]];
  const pads = version === "hybrid" ? padLengths(files, pieceLengthBytes) : files.map(() => 0);
  const list: BencodeValue[] = [];
  for (const [index, { path, lengthBytes }] of files.entries()) {
    list.push({ entries: [["length", lengthBytes], ["path", path]] });
    if (pads[index] === 0) continue;
    list.push({ entries: [["attr", "p"], ["length", pads[index]], ["path", [".pad", `${pads[index]}`]]] });
  }
  return [pieces, ["files", list]];
}

/** `file tree` and `piece layers`. */
function fileTrees(
  { name, files }: TorrentContent,
  runs: readonly HashRun[],
  hashes: readonly PieceHashes[],
  pieceLengthBytes: number,
): { tree: Dictionary; layers: Dictionary } {
  const runsOfFile = Map.groupBy(runs, ({ fileNumber }) => fileNumber);
  // Two files with the same bytes have the same root, and share one entry.
  const layers = new Map<string, readonly [Uint8Array, Uint8Array]>();
  const filler = zeroHash(Math.log2(pieceLengthBytes / BLOCK_BYTES));
  const top: Folder = new Map();
  for (const [fileNumber, { path, lengthBytes }] of files.entries()) {
    const layer = concatBytes((runsOfFile.get(fileNumber) ?? []).map(({ runNumber }) => hashes[runNumber].layer));
    const root = lengthBytes === 0 ? undefined : merkleRoot(layer, 1, filler);
    if (root !== undefined && lengthBytes > pieceLengthBytes) layers.set(root.join(), [root, layer]);
    putInTree(top, path.length === 0 ? [name] : path, { entries: [["length", lengthBytes], ["pieces root", root]] });
  }
  return { tree: encodableFolder(top), layers: { entries: [...layers.values()] } };
}

type Folder = Map<string, Folder | Dictionary>;

function putInTree(top: Folder, path: readonly string[], leaf: Dictionary): void {
  let folder = top;
  for (const name of path) {
    let inner = folder.get(name);
    if (!(inner instanceof Map)) {
      inner = new Map();
      folder.set(name, inner);
    }
    folder = inner;
  }
  folder.set("", leaf);
}

function encodableFolder(folder: Folder): Dictionary {
  return { entries: [...folder].map(([name, inner]) => [name, inner instanceof Map ? encodableFolder(inner) : inner]) };
}

function isSingle(files: TorrentContent["files"]): boolean {
  return files.length === 1 && files[0].path.length === 0;
}
