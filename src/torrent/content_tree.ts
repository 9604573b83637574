/**
 * Lists the files under a path, for a torrent of them: every folder in the order of its names' bytes, links followed,
 * hidden entries left out, as BitTornado and its successors do.
 */
import { basename, join, resolve } from "node:path";
import { compareBytes } from "./byte_order.ts";
import { diskFault } from "./disk_fault.ts";
import { DEPTH_MAX } from "./decode_bencode.ts";
import type { PlannedFile } from "./piece_plan.ts";

/** One file found. */
export interface FoundFile extends PlannedFile {
  /** Folders and name below the path that was listed; empty when that is a file itself. */
  readonly path: readonly string[];
  /** When it was last changed, Unix time in milliseconds; null where the system does not say. */
  readonly changedAt: number | null;
}

/** What a torrent can be made of. */
export interface ContentTree {
  readonly kind: "content";
  /** Name of the file or folder. */
  readonly name: string;
  /** Where it is, absolute. */
  readonly rootPath: string;
  /** In the order of the torrent; at least one holds a byte. */
  readonly files: readonly FoundFile[];
  /** Hidden files and folders that were left out. */
  readonly hiddenCount: number;
  /** Sockets, pipes and devices that were left out. */
  readonly specialCount: number;
}

/** Why nothing can be made of a path. `reason` is the end of a sentence. */
export interface ContentFault {
  readonly kind: "fault";
  readonly diskPath: string;
  readonly reason: string;
}

/** Files of one torrent: more would not fit what clients, and our own decoder, accept. */
export const FILES_MAX = 200_000;

/** Folders inside one another: what the decoder takes, less the dictionaries around the file tree. */
const FOLDERS_DEEP_MAX = DEPTH_MAX - 8;

/** Lists `path`. `leaveOut`: the absolute path of a file to leave out: the torrent that is about to be written. */
export function listContent(path: string, leaveOut: string): ContentTree | ContentFault {
  const lister = new Lister(leaveOut);
  const rootPath = resolve(path);
  if (basename(rootPath) === "") return { kind: "fault", diskPath: path, reason: "it has no name to give a torrent" };
  const fault = lister.visit(rootPath, []);
  if (fault !== null) return fault.diskPath === rootPath ? { ...fault, diskPath: path } : fault;
  if (lister.files.every(({ lengthBytes }) => lengthBytes === 0)) {
    const isFile = lister.files.length === 1 && lister.files[0].path.length === 0;
    return { kind: "fault", diskPath: path, reason: isFile ? "it is empty" : "there is no file with a byte in it" };
  }
  const { files, hiddenCount, specialCount } = lister;
  return { kind: "content", name: basename(rootPath), rootPath, files, hiddenCount, specialCount };
}

/** Whether a file still has the size and date it had when it was listed. */
export function isUnchanged({ diskPath, lengthBytes, changedAt }: FoundFile): boolean {
  try {
    const now = Deno.statSync(diskPath);
    return now.size === lengthBytes && (now.mtime?.getTime() ?? null) === changedAt;
  } catch (error) {
    diskFault(error);
    return false;
  }
}

class Lister {
  readonly files: FoundFile[] = [];
  hiddenCount = 0;
  specialCount = 0;
  readonly #leaveOut: string;
  /** The folders around the one being read, resolved: a link back to one of them has no end. */
  readonly #around: string[] = [];

  constructor(leaveOut: string) {
    this.#leaveOut = leaveOut;
  }

  /** Adds the file, or what is in the folder, at `diskPath`. */
  visit(diskPath: string, path: readonly string[]): ContentFault | null {
    if (diskPath === this.#leaveOut) return null;
    try {
      const status = Deno.statSync(diskPath);
      if (status.isDirectory) return this.#visitFolder(diskPath, path);
      if (!status.isFile) {
        this.specialCount++;
        return path.length === 0 ? { kind: "fault", diskPath, reason: "it is neither a file nor a folder" } : null;
      }
      if (this.files.length === FILES_MAX) {
        return { kind: "fault", diskPath, reason: `there are more than ${FILES_MAX} files` };
      }
      this.files.push({ diskPath, path, lengthBytes: status.size, changedAt: status.mtime?.getTime() ?? null });
      return null;
    } catch (error) {
      return { kind: "fault", diskPath, reason: statFault(error, diskPath) };
    }
  }

  #visitFolder(diskPath: string, path: readonly string[]): ContentFault | null {
    const resolved = Deno.realPathSync(diskPath);
    if (this.#around.includes(resolved)) {
      return { kind: "fault", diskPath, reason: "it is a link to a folder around it" };
    }
    if (this.#around.length === FOLDERS_DEEP_MAX) {
      return { kind: "fault", diskPath, reason: `folders nest deeper than ${FOLDERS_DEEP_MAX}` };
    }
    this.#around.push(resolved);
    for (const name of sortedNames(diskPath)) {
      if (name.startsWith(".")) {
        this.hiddenCount++;
        continue;
      }
      const fault = this.visit(join(diskPath, name), [...path, name]);
      if (fault !== null) return fault;
    }
    this.#around.pop();
    return null;
  }
}

/** The names in a folder, in the order of their UTF-8 bytes. Throws an error of `Deno`. */
export function sortedNames(folder: string): string[] {
  return [...Deno.readDirSync(folder)]
    .map(({ name }) => ({ name, bytes: UTF8.encode(name) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ name }) => name);
}

const UTF8 = new TextEncoder();

/** Explains the two reasons for "no such file" that are not what they sound like: a name is seen, but leads nowhere. */
function statFault(error: unknown, diskPath: string): string {
  if (!(error instanceof Deno.errors.NotFound)) return diskFault(error);
  if (basename(diskPath).includes("\ufffd")) return "its name is not UTF-8 text, which a torrent needs";
  try {
    if (Deno.lstatSync(diskPath).isSymlink) return "it is a link that leads nowhere";
  } catch {
    // It is not there at all: the first error says so.
  }
  return diskFault(error);
}
