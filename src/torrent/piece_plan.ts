/**
 * Plans how the pieces of a torrent are hashed: cuts the content into runs of whole pieces that a worker can do alone.
 * In v1 the files are one long string of bytes and a piece may span several; in v2 and hybrid torrents every file
 * begins with a piece of its own, and in a hybrid the SHA-1 hashes cover zeros up to there. Pure.
 */
import { BLOCK_BYTES, nextPowerOfTwo } from "./merkle.ts";
import type { PieceHashing } from "./piece_hasher.ts";

/** Which torrents to make: BEP 3, BEP 52, or one file that is both. */
export type TorrentVersion = "v1" | "v2" | "hybrid";

/** What the plan needs to know of a file. */
export interface PlannedFile {
  readonly diskPath: string;
  readonly lengthBytes: number;
}

/** A stretch of one file. */
export interface Segment {
  readonly diskPath: string;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A run of pieces. */
export interface HashRun extends PieceHashing {
  /** Place of the run in the plan. */
  readonly runNumber: number;
  /** Place of its file among the files; 0 in v1, where a run can span files. */
  readonly fileNumber: number;
  /** Never empty. All pieces but the last are full. */
  readonly segments: readonly Segment[];
  /** Zeros after the last segment that its SHA-1 covers. */
  readonly zerosAfter: number;
}

/** Bytes of one run, unless a piece is larger: few messages, and several runs for each worker in most content. */
export const RUN_BYTES = 8 * 1024 * 1024;

/** The runs over `files`, in order. `pieceLengthBytes`: a power of two from 16 KiB. */
export function planRuns(files: readonly PlannedFile[], pieceLengthBytes: number, version: TorrentVersion): HashRun[] {
  return version === "v1" ? planJoined(files, pieceLengthBytes) : planAligned(files, pieceLengthBytes, version);
}

/**
 * The zeros that follow each file up to the next piece in a hybrid torrent, in the order of `files`. None after the
 * last file with a byte in it.
 */
export function padLengths(files: readonly { readonly lengthBytes: number }[], pieceLengthBytes: number): number[] {
  const lastWithBytes = files.findLastIndex(({ lengthBytes }) => lengthBytes > 0);
  return files.map(({ lengthBytes }, index) => {
    return index < lastWithBytes ? (pieceLengthBytes - lengthBytes % pieceLengthBytes) % pieceLengthBytes : 0;
  });
}

function planJoined(files: readonly PlannedFile[], pieceLengthBytes: number): HashRun[] {
  const runBytes = Math.max(RUN_BYTES, pieceLengthBytes);
  const runs: HashRun[] = [];
  let segments: Segment[] = [];
  let room = runBytes;
  const endRun = () => {
    if (segments.length === 0) return;
    runs.push({
      runNumber: runs.length,
      fileNumber: 0,
      segments,
      pieceLengthBytes,
      sha1: true,
      treeLeaves: 0,
      zerosAfter: 0,
    });
    segments = [];
    room = runBytes;
  };
  for (const { diskPath, lengthBytes } of files) {
    for (let offsetBytes = 0; offsetBytes < lengthBytes;) {
      const segment = { diskPath, offsetBytes, lengthBytes: Math.min(room, lengthBytes - offsetBytes) };
      segments.push(segment);
      offsetBytes += segment.lengthBytes;
      room -= segment.lengthBytes;
      if (room === 0) endRun();
    }
  }
  endRun();
  return runs;
}

function planAligned(
  files: readonly PlannedFile[],
  pieceLengthBytes: number,
  version: "v2" | "hybrid",
): HashRun[] {
  const runBytes = Math.max(RUN_BYTES, pieceLengthBytes);
  const runs: HashRun[] = [];
  const pads = version === "hybrid" ? padLengths(files, pieceLengthBytes) : files.map(() => 0);
  for (const [fileNumber, { diskPath, lengthBytes }] of files.entries()) {
    // A file of one piece or less has the tree of its own blocks; others have full trees, short of leaves at the end.
    const treeLeaves = lengthBytes > pieceLengthBytes
      ? pieceLengthBytes / BLOCK_BYTES
      : nextPowerOfTwo(Math.ceil(lengthBytes / BLOCK_BYTES));
    for (let offsetBytes = 0; offsetBytes < lengthBytes; offsetBytes += runBytes) {
      const segment = { diskPath, offsetBytes, lengthBytes: Math.min(runBytes, lengthBytes - offsetBytes) };
      const endsFile = offsetBytes + segment.lengthBytes === lengthBytes;
      runs.push({
        runNumber: runs.length,
        fileNumber,
        segments: [segment],
        pieceLengthBytes,
        sha1: version === "hybrid",
        treeLeaves,
        zerosAfter: endsFile ? pads[fileNumber] : 0,
      });
    }
  }
  return runs;
}

/** About how long a torrent of `files` becomes, in bytes: the hashes, and a guess at the rest. */
export function torrentBytesAbout(
  files: readonly PlannedFile[],
  pieceLengthBytes: number,
  version: TorrentVersion,
): number {
  const hashBytes = { v1: 20, v2: 32, hybrid: 52 }[version];
  const pieces = files.reduce((count, { lengthBytes }) => count + lengthBytes / pieceLengthBytes, 0);
  return Math.ceil(pieces) * hashBytes + files.length * ABOUT_BYTES_A_FILE;
}

/** Length, path and their keys. */
const ABOUT_BYTES_A_FILE = 60;
