/**
 * Reads a .torrent file: BEP 3 (v1), BEP 52 (v2 and hybrid), BEP 12 (tiers), BEP 19 (web seeds), BEP 27 (private).
 * Total: any bytes give a `Metainfo` or a fault. Pure; it never asks the disk whether the files exist.
 */
import { createHash } from "node:crypto";
import type { AnnounceTiers } from "./announce_list.ts";
import {
  type BencodeDictionary,
  type BencodeNode,
  decodeBencode,
  entryOf,
  formatBencodeFault,
  textOf,
} from "./decode_bencode.ts";
import { type ContentFile, type MetainfoFault, readFileList, readFileTree, readLength } from "./metainfo_files.ts";
import { pathFault } from "./safe_path.ts";

/** What a torrent says. Texts that are not UTF-8 hold U+FFFD where they are not. */
export interface Metainfo {
  /** The whole file. */
  readonly source: Uint8Array;
  /** Its outer dictionary: where each value stands in `source`. */
  readonly root: BencodeDictionary;
  /** SHA-1 of the info dictionary, 20 bytes; absent when the torrent is v2 only. */
  readonly infoHashV1?: Uint8Array;
  /** SHA-256 of the info dictionary, 32 bytes; absent when the torrent is v1 only. */
  readonly infoHashV2?: Uint8Array;
  readonly name: string;
  readonly pieceLengthBytes: number;
  readonly pieceCount: number;
  /** Padding not counted. */
  readonly totalBytes: number;
  /** At least one. Padding left out. */
  readonly files: readonly ContentFile[];
  readonly isPrivate: boolean;
  /** The standard tracker of BEP 3. */
  readonly announce?: string;
  /** The tiers of BEP 12; absent when there is no list, or none that can be read. */
  readonly tiers?: AnnounceTiers;
  readonly webSeeds: readonly string[];
  readonly comment?: string;
  readonly createdBy?: string;
  /** Unix time. */
  readonly creationDateSeconds?: number;
  /** What is wrong but does no harm, a sentence each. */
  readonly warnings: readonly string[];
}

/** Bytes of one SHA-1 in `pieces`. */
const SHA1_BYTES = 20;

/** Smallest piece of BEP 52, which is also the size of a block. */
const V2_PIECE_BYTES_MIN = 16_384;

/** Reads a torrent from the whole of its file. Never throws. */
export function parseMetainfo(source: Uint8Array): Metainfo | MetainfoFault {
  if (source.length === 0) return fault("it is empty");
  const root = decodeBencode(source);
  if (root.kind === "fault") return fault(formatBencodeFault(root));
  if (root.kind !== "dictionary") return fault("it holds no dictionary");
  const info = entryOf(root, "info");
  if (info?.kind !== "dictionary") return fault("it has no info dictionary");
  const content = readContent(info);
  if ("kind" in content) return content;

  const warnings: string[] = [];
  const trailing = source.length - root.end;
  if (trailing > 0) {
    warnings.push(`${trailing === 1 ? "1 byte follows" : `${trailing} bytes follow`} the end of the torrent`);
  }
  if (!root.isSorted || !info.isSorted) warnings.push("its keys are not in order: some programs will refuse it");
  const infoBytes = source.subarray(info.start, info.end);
  return {
    source,
    root,
    ...(content.isV1 ? { infoHashV1: createHash("sha1").update(infoBytes).digest() } : {}),
    ...(content.isV2 ? { infoHashV2: createHash("sha256").update(infoBytes).digest() } : {}),
    ...content.shape,
    isPrivate: readLength(entryOf(info, "private")) === 1,
    ...readTrackers(root, warnings),
    webSeeds: readTexts(entryOf(root, "url-list")),
    ...optional("comment", readText(entryOf(root, "comment"))),
    ...optional("createdBy", readText(entryOf(root, "created by"))),
    ...optional("creationDateSeconds", readLength(entryOf(root, "creation date")) ?? undefined),
    warnings,
  };
}

type Shape = Pick<Metainfo, "name" | "pieceLengthBytes" | "pieceCount" | "totalBytes" | "files">;

interface Content {
  readonly isV1: boolean;
  readonly isV2: boolean;
  readonly shape: Shape;
}

function readContent(info: BencodeDictionary): Content | MetainfoFault {
  const name = readText(entryOf(info, "name"));
  if (name === undefined) return fault("it has no name");
  const unsafe = pathFault([name]);
  if (unsafe !== null) return fault(unsafe);
  const pieceLengthBytes = readLength(entryOf(info, "piece length"));
  if (pieceLengthBytes === null || pieceLengthBytes === 0) return fault("it has no usable piece length");
  const isV2 = readLength(entryOf(info, "meta version")) === 2;
  const isV1 = entryOf(info, "pieces") !== undefined;
  if (!isV1 && !isV2) return fault("it has no pieces");

  const listed = isV1 ? readV1(info, pieceLengthBytes) : null;
  if (listed !== null && "kind" in listed) return listed;
  const tree = isV2 ? readV2(info, name, pieceLengthBytes) : null;
  if (tree !== null && "kind" in tree) return tree;
  if (listed !== null && tree !== null && !areSameFiles(listed.files, tree.files)) {
    return fault("its list of files (v1) and its file tree (v2) differ");
  }
  const { files, pieceCount } = tree ?? listed!;
  const totalBytes = sumLengths(files);
  if (totalBytes === null) return fault("its files are larger than can be counted");
  return { isV1, isV2, shape: { name, pieceLengthBytes, pieceCount, totalBytes, files } };
}

interface Pieces {
  readonly files: readonly ContentFile[];
  readonly pieceCount: number;
}

function readV1(info: BencodeDictionary, pieceLengthBytes: number): Pieces | MetainfoFault {
  const pieces = entryOf(info, "pieces");
  if (pieces?.kind !== "bytes" || pieces.bytes.length % SHA1_BYTES !== 0) return fault("its pieces are not hashes");
  const files = readFileList(info);
  if ("kind" in files) return files;
  const paddedBytes = sumLengths(files);
  if (paddedBytes === null) return fault("its files are larger than can be counted");
  const pieceCount = pieces.bytes.length / SHA1_BYTES;
  const wanted = Math.ceil(paddedBytes / pieceLengthBytes);
  if (pieceCount !== wanted) return fault(`it has the hashes of ${pieceCount} pieces and its files need ${wanted}`);
  const stored = files.filter((file) => !file.isPad);
  return stored.length === 0 ? fault("it has no files but padding") : { files: stored, pieceCount };
}

function readV2(info: BencodeDictionary, name: string, pieceLengthBytes: number): Pieces | MetainfoFault {
  if (pieceLengthBytes < V2_PIECE_BYTES_MIN || !Number.isInteger(Math.log2(pieceLengthBytes))) {
    return fault(`its pieces of ${pieceLengthBytes} bytes are not a power of two from ${V2_PIECE_BYTES_MIN}`);
  }
  const tree = readFileTree(info);
  if ("kind" in tree) return tree;
  const isSingle = tree.length === 1 && tree[0].path.length === 1 && tree[0].path[0] === name;
  const files = isSingle ? [{ ...tree[0], path: [] }] : tree;
  const pieceCount = files.reduce((count, file) => count + Math.ceil(file.lengthBytes / pieceLengthBytes), 0);
  return { files, pieceCount };
}

function areSameFiles(listed: readonly ContentFile[], tree: readonly ContentFile[]): boolean {
  return listed.length === tree.length && listed.every(({ path, lengthBytes }, i) => {
    return lengthBytes === tree[i].lengthBytes && JSON.stringify(path) === JSON.stringify(tree[i].path);
  });
}

function sumLengths(files: readonly ContentFile[]): number | null {
  const sum = files.reduce((sum, file) => sum + file.lengthBytes, 0);
  return Number.isSafeInteger(sum) ? sum : null;
}

/** Reads `announce` and `announce-list`; what clients would stumble over is added to `warnings`. */
function readTrackers(root: BencodeDictionary, warnings: string[]): { announce?: string; tiers?: AnnounceTiers } {
  const announce = readText(entryOf(root, "announce"));
  const list = entryOf(root, "announce-list");
  const tiers = list === undefined ? undefined : readTiers(list);
  if (tiers === null) warnings.push("its announce-list is not a list of lists of URLs: programs will ignore it");
  if ([announce ?? "", ...(tiers ?? []).flat()].some((url) => url.includes("\ufffd"))) {
    warnings.push("the URL of a tracker is not UTF-8 text");
  }
  return { ...optional("announce", announce), ...optional("tiers", tiers ?? undefined) };
}

function readTiers(list: BencodeNode): AnnounceTiers | null {
  if (list.kind !== "list") return null;
  const tiers: string[][] = [];
  for (const tier of list.items) {
    if (tier.kind !== "list") return null;
    const urls = readTexts(tier);
    if (urls.length !== tier.items.length) return null;
    if (urls.length > 0) tiers.push(urls);
  }
  return tiers.length === 0 ? null : tiers;
}

function readText(node: BencodeNode | undefined): string | undefined {
  return node?.kind === "bytes" ? textOf(node) : undefined;
}

/** The strings of a list, or the one string that stands in place of a list (BEP 19 allows both). */
function readTexts(node: BencodeNode | undefined): string[] {
  if (node?.kind === "bytes") return [textOf(node)];
  if (node?.kind !== "list") return [];
  return node.items.flatMap((item) => item.kind === "bytes" ? [textOf(item)] : []);
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : { [key]: value } as { [P in K]?: V };
}

function fault(reason: string): MetainfoFault {
  return { kind: "fault", reason };
}
