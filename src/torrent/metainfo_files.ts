/**
 * Reads the files that an `info` dictionary names: the list of BEP 3 (v1), the tree of BEP 52 (v2). A path that would
 * lead out of its folder is a fault. Pure.
 */
import { type BencodeDictionary, type BencodeNode, entryOf, isAscii, textOf } from "./decode_bencode.ts";
import { pathFault } from "./safe_path.ts";

/** One file of a torrent. */
export interface ContentFile {
  /** Folders and name, below the torrent's own name. Empty for a torrent of one file. */
  readonly path: readonly string[];
  readonly lengthBytes: number;
  /** Padding between files (BEP 47): zeros that nobody stores. */
  readonly isPad: boolean;
  /** Root of the file's tree of SHA-256 hashes, 32 bytes; absent in v1, and for an empty file. */
  readonly piecesRoot?: Uint8Array;
}

/** Why a source is not a torrent that can be used: the end of a sentence. */
export interface MetainfoFault {
  readonly kind: "fault";
  readonly reason: string;
}

/** SHA-256, bytes. */
const PIECES_ROOT_BYTES = 32;

/** Reads `length` or `files`: at least one file. Their order is that of the pieces. */
export function readFileList(info: BencodeDictionary): ContentFile[] | MetainfoFault {
  const list = entryOf(info, "files");
  if (list === undefined) {
    const lengthBytes = readLength(entryOf(info, "length"));
    if (lengthBytes === null) return fault("it has neither files nor a usable length");
    return [{ path: [], lengthBytes, isPad: false }];
  }
  if (list.kind !== "list" || list.items.length === 0) return fault("its files are not a list with something in it");
  const files: ContentFile[] = [];
  for (const item of list.items) {
    if (item.kind !== "dictionary") return fault("one of its files is not a dictionary");
    const file = readListedFile(item);
    if ("kind" in file) return file;
    files.push(file);
  }
  return files;
}

function readListedFile(item: BencodeDictionary): ContentFile | MetainfoFault {
  const lengthBytes = readLength(entryOf(item, "length"));
  if (lengthBytes === null) return fault("one of its files has no usable length");
  const pathNode = entryOf(item, "path");
  if (pathNode?.kind !== "list") return fault("one of its files has no path");
  const path: string[] = [];
  for (const component of pathNode.items) {
    if (component.kind !== "bytes") return fault("a path holds something that is not a name");
    path.push(textOf(component));
  }
  const unsafe = pathFault(path);
  if (unsafe !== null) return fault(unsafe);
  const attributes = entryOf(item, "attr");
  const isPad = attributes?.kind === "bytes" && textOf(attributes).includes("p");
  return { path, lengthBytes, isPad };
}

/** Reads `file tree`: at least one file, in the order of the tree. The first name is kept in each path. */
export function readFileTree(info: BencodeDictionary): ContentFile[] | MetainfoFault {
  const tree = entryOf(info, "file tree");
  if (tree?.kind !== "dictionary") return fault("it has no file tree");
  const files: ContentFile[] = [];
  const found = collectTree(tree, [], files);
  if (found !== null) return found;
  return files.length === 0 ? fault("its file tree is empty") : files;
}

/** Adds the files below `folder` to `files`. The decoder has bounded the depth. */
function collectTree(folder: BencodeDictionary, path: readonly string[], files: ContentFile[]): MetainfoFault | null {
  for (const { key, value } of folder.entries) {
    if (value.kind !== "dictionary") return fault("its file tree holds something that is neither file nor folder");
    if (isAscii(key.bytes, "")) {
      if (folder.entries.length !== 1) return fault("its file tree holds a name that is a file and a folder");
      const file = readTreeLeaf(value, path);
      if ("kind" in file) return file;
      files.push(file);
    } else {
      const inner = [...path, textOf(key)];
      const unsafe = pathFault(inner);
      if (unsafe !== null) return fault(unsafe);
      const found = collectTree(value, inner, files);
      if (found !== null) return found;
    }
  }
  return null;
}

function readTreeLeaf(leaf: BencodeDictionary, path: readonly string[]): ContentFile | MetainfoFault {
  if (path.length === 0) return fault("its file tree holds a file without a name");
  const lengthBytes = readLength(entryOf(leaf, "length"));
  if (lengthBytes === null) return fault("one of its files has no usable length");
  if (lengthBytes === 0) return { path, lengthBytes, isPad: false };
  const root = entryOf(leaf, "pieces root");
  if (root?.kind !== "bytes" || root.bytes.length !== PIECES_ROOT_BYTES) {
    return fault("one of its files has no usable pieces root");
  }
  return { path, lengthBytes, isPad: false, piecesRoot: root.bytes };
}

/** A count of bytes: 0 or more and safe to calculate with; otherwise null. */
export function readLength(node: BencodeNode | undefined): number | null {
  if (node?.kind !== "integer" || node.value < 0n || node.value > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return Number(node.value);
}

function fault(reason: string): MetainfoFault {
  return { kind: "fault", reason };
}
