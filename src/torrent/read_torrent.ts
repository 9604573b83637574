/** Reads .torrent files from disk, never more of one than a torrent can have. */
import { diskFault } from "./disk_fault.ts";
import { type Metainfo, parseMetainfo } from "./metainfo.ts";
import type { MetainfoFault } from "./metainfo_files.ts";

/** Bytes of a .torrent file: 3.3 million pieces. Clients accept less (libtorrent 10 MB, unless told otherwise). */
export const TORRENT_BYTES_MAX = 64 * 1024 * 1024;

/** Reads and parses the file at `path`. A fault's reason is the end of a sentence. */
export function readTorrent(path: string): Metainfo | MetainfoFault {
  const source = readBounded(path);
  if (typeof source === "string") return { kind: "fault", reason: source };
  const torrent = parseMetainfo(source);
  return "kind" in torrent ? { kind: "fault", reason: `it is not a torrent: ${torrent.reason}` } : torrent;
}

/** The bytes of a file, or why not. */
function readBounded(path: string): Uint8Array | string {
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) return "it is not a file";
    if (size > TORRENT_BYTES_MAX) {
      return `it is not a torrent: it has ${size} bytes, and a torrent at most ${TORRENT_BYTES_MAX}`;
    }
    return Deno.readFileSync(path);
  } catch (error) {
    return diskFault(error);
  }
}
