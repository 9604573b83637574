/**
 * The worker that hashes: gets runs of pieces, reads their files and answers with the hashes, in order. It may read what
 * is being hashed and nothing else. It reads small chunks on its own thread, so that the bytes are still in the
 * processor's cache when they are hashed; while one worker reads, the others hash, and the kernel reads ahead in the
 * file.
 */
import { diskFault } from "./disk_fault.ts";
import { PieceHasher, type PieceHashes } from "./piece_hasher.ts";
import type { HashRun } from "./piece_plan.ts";

/** What the worker answers to a `HashRun`. */
export type HashReply =
  | { readonly kind: "hashed"; readonly runNumber: number; readonly bytes: number; readonly hashes: PieceHashes }
  /** A file could not be read to the end; `reason` is the end of a sentence. */
  | { readonly kind: "unreadable"; readonly diskPath: string; readonly reason: string };

/** Bytes read at once: fits the second-level cache of one core; measured against 64 KiB to 4 MiB. */
const CHUNK_BYTES = 128 * 1024;

const chunk = new Uint8Array(CHUNK_BYTES);

/** The file read last: the next run often goes on with it. */
let open: { readonly diskPath: string; readonly file: Deno.FsFile } | null = null;

interface WorkerSide {
  onmessage: ((event: MessageEvent<HashRun>) => void) | null;
  postMessage(reply: HashReply, transfer: Transferable[]): void;
}

const side = globalThis as unknown as WorkerSide;
side.onmessage = ({ data: run }) => {
  const reply = hashRun(run);
  side.postMessage(reply, reply.kind === "hashed" ? [reply.hashes.sha1.buffer, reply.hashes.layer.buffer] : []);
};

function hashRun(run: HashRun): HashReply {
  const hasher = new PieceHasher(run);
  let bytes = 0;
  for (const { diskPath, offsetBytes, lengthBytes } of run.segments) {
    try {
      const file = openFile(diskPath);
      file.seekSync(offsetBytes, Deno.SeekMode.Start);
      for (let left = lengthBytes; left > 0;) {
        const count = file.readSync(chunk.subarray(0, Math.min(left, CHUNK_BYTES)));
        if (count === null) return { kind: "unreadable", diskPath, reason: "it became shorter while it was read" };
        hasher.push(chunk.subarray(0, count));
        left -= count;
      }
    } catch (error) {
      return { kind: "unreadable", diskPath, reason: diskFault(error) };
    }
    bytes += lengthBytes;
  }
  return { kind: "hashed", runNumber: run.runNumber, bytes, hashes: hasher.finish(run.zerosAfter) };
}

function openFile(diskPath: string): Deno.FsFile {
  if (open?.diskPath === diskPath) return open.file;
  open?.file.close();
  open = null;
  const file = Deno.openSync(diskPath);
  open = { diskPath, file };
  return file;
}
