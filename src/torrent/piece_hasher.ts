/**
 * Turns a run of bytes into the hashes of its pieces: SHA-1 for BEP 3, the piece layer of SHA-256 trees for BEP 52, or
 * both in one pass. Pure: the bytes come from the caller, in chunks of any size.
 */
import { createHash, type Hash } from "node:crypto";
import { BLOCK_BYTES, merkleRoot, SHA256_BYTES, zeroHash } from "./merkle.ts";

/** Which hashes to make. */
export interface PieceHashing {
  readonly pieceLengthBytes: number;
  /** Whether to make the SHA-1 of each piece. */
  readonly sha1: boolean;
  /** Leaves of the SHA-256 tree of one piece, a power of two; 0 for no trees. */
  readonly treeLeaves: number;
}

/** The hashes of a run, in the order of its pieces. */
export interface PieceHashes {
  /** 20 bytes a piece; empty when no SHA-1 was asked for. */
  readonly sha1: Uint8Array<ArrayBuffer>;
  /** 32 bytes a piece; empty when no trees were asked for. */
  readonly layer: Uint8Array<ArrayBuffer>;
}

/** Bytes of one SHA-1. */
export const SHA1_BYTES = 20;

/** Hashes one run, of which only the last piece may be short. Use it once. */
export class PieceHasher {
  readonly #hashing: PieceHashing;
  readonly #sha1: Uint8Array[] = [];
  readonly #layer: Uint8Array[] = [];
  /** Hashes of the blocks of the piece under way. */
  readonly #blocks: Uint8Array;
  #blockCount = 0;
  #pieceHash: Hash | null = null;
  #blockHash: Hash | null = null;
  #pieceLeft: number;
  #blockLeft = BLOCK_BYTES;

  constructor(hashing: PieceHashing) {
    this.#hashing = hashing;
    this.#pieceLeft = hashing.pieceLengthBytes;
    this.#blocks = new Uint8Array(hashing.treeLeaves * SHA256_BYTES);
  }

  /** Takes the next bytes of the run. They are not kept: the caller may use its buffer again. */
  push(bytes: Uint8Array): void {
    const { sha1, treeLeaves } = this.#hashing;
    for (let at = 0; at < bytes.length;) {
      const room = treeLeaves > 0 ? Math.min(this.#pieceLeft, this.#blockLeft) : this.#pieceLeft;
      const part = bytes.subarray(at, at + room);
      at += part.length;
      if (sha1) (this.#pieceHash ??= createHash("sha1")).update(part);
      if (treeLeaves > 0) this.#addToBlock(part);
      this.#pieceLeft -= part.length;
      if (this.#pieceLeft === 0) this.#endPiece();
    }
  }

  /**
   * Ends the run. `zerosAfter`: zeros that the last SHA-1 covers beyond the bytes, the padding after a file in a hybrid
   * torrent; the trees never cover them.
   */
  finish(zerosAfter: number): PieceHashes {
    if (zerosAfter > 0) this.#pieceHash?.update(new Uint8Array(zerosAfter));
    if (this.#pieceLeft < this.#hashing.pieceLengthBytes) this.#endPiece();
    return { sha1: join(this.#sha1, SHA1_BYTES), layer: join(this.#layer, SHA256_BYTES) };
  }

  #addToBlock(part: Uint8Array): void {
    (this.#blockHash ??= createHash("sha256")).update(part);
    this.#blockLeft -= part.length;
    if (this.#blockLeft === 0) this.#endBlock();
  }

  #endBlock(): void {
    if (this.#blockHash === null) return;
    this.#blocks.set(this.#blockHash.digest(), this.#blockCount * SHA256_BYTES);
    this.#blockCount++;
    this.#blockHash = null;
    this.#blockLeft = BLOCK_BYTES;
  }

  #endPiece(): void {
    const { pieceLengthBytes, treeLeaves } = this.#hashing;
    if (this.#pieceHash !== null) this.#sha1.push(this.#pieceHash.digest());
    if (treeLeaves > 0) {
      this.#endBlock();
      const blocks = this.#blocks.subarray(0, this.#blockCount * SHA256_BYTES);
      this.#layer.push(merkleRoot(blocks, treeLeaves, zeroHash(0)));
    }
    this.#blockCount = 0;
    this.#pieceHash = null;
    this.#pieceLeft = pieceLengthBytes;
  }
}

function join(hashes: readonly Uint8Array[], hashBytes: number): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(hashes.length * hashBytes);
  for (const [index, hash] of hashes.entries()) joined.set(hash, index * hashBytes);
  return joined;
}
