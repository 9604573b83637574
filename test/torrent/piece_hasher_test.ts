import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { BLOCK_BYTES, merkleRoot, nextPowerOfTwo, zeroHash } from "../../src/torrent/merkle.ts";
import { PieceHasher, type PieceHashes } from "../../src/torrent/piece_hasher.ts";
import { type HashRun, padLengths, planRuns, RUN_BYTES } from "../../src/torrent/piece_plan.ts";

const sha1 = (bytes: Uint8Array) => createHash("sha1").update(bytes).digest();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();

/** The tree of BEP 52 the slow way: `leaves` hashes, those that are missing zeros. */
function naiveRoot(bytes: Uint8Array, leaves: number): Uint8Array {
  let layer: Uint8Array[] = Array.from({ length: leaves }, (_, i) => {
    const block = bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    return block.length === 0 ? new Uint8Array(32) : sha256(block);
  });
  while (layer.length > 1) {
    layer = layer.flatMap((left, i) => i % 2 === 0 ? [sha256(Uint8Array.from([...left, ...layer[i + 1]]))] : []);
  }
  return layer[0];
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 255);
}

/** Runs a plan over files in memory, in chunks of `chunk` bytes. */
function hashAll(runs: readonly HashRun[], files: ReadonlyMap<string, Uint8Array>, chunk: number): PieceHashes[] {
  return runs.map((run) => {
    const hasher = new PieceHasher(run);
    for (const { diskPath, offsetBytes, lengthBytes } of run.segments) {
      const bytes = files.get(diskPath)!.subarray(offsetBytes, offsetBytes + lengthBytes);
      for (let at = 0; at < bytes.length; at += chunk) hasher.push(bytes.subarray(at, at + chunk));
    }
    return hasher.finish(run.zerosAfter);
  });
}

const lengths = fc.array(fc.oneof(fc.nat(100_000), fc.constantFrom(0, BLOCK_BYTES, 2 * BLOCK_BYTES, BLOCK_BYTES + 1)), {
  minLength: 1,
  maxLength: 5,
});
const pieceLength = fc.constantFrom(BLOCK_BYTES, 2 * BLOCK_BYTES, 4 * BLOCK_BYTES);
const chunkBytes = fc.integer({ min: 1000, max: 70_000 });

Deno.test("v1 pieces are those of all files joined", () => {
  fc.assert(
    fc.property(lengths, pieceLength, chunkBytes, (lengths, pieceLength, chunk) => {
      const contents = lengths.map((length, seed) => pattern(length, seed));
      const files = new Map(contents.map((bytes, i) => [`/f${i}`, bytes]));
      const planned = contents.map(({ length }, i) => ({ diskPath: `/f${i}`, lengthBytes: length }));
      const hashes = hashAll(planRuns(planned, pieceLength, "v1"), files, chunk);
      const joined = Uint8Array.from(contents.flatMap((bytes) => [...bytes]));
      const want: number[] = [];
      for (let at = 0; at < joined.length; at += pieceLength) want.push(...sha1(joined.subarray(at, at + pieceLength)));
      assert.deepEqual(hashes.flatMap(({ sha1 }) => [...sha1]), want);
    }),
    { numRuns: 30 },
  );
});

Deno.test("hybrid pieces are padded for SHA-1 and trees for SHA-256", () => {
  fc.assert(
    fc.property(lengths, pieceLength, chunkBytes, (lengths, pieceLength, chunk) => {
      const contents = lengths.map((length, seed) => pattern(length, seed));
      const files = new Map(contents.map((bytes, i) => [`/f${i}`, bytes]));
      const planned = contents.map(({ length }, i) => ({ diskPath: `/f${i}`, lengthBytes: length }));
      const runs = planRuns(planned, pieceLength, "hybrid");
      const hashes = hashAll(runs, files, chunk);
      const pads = padLengths(planned, pieceLength);
      const joined = Uint8Array.from(contents.flatMap((bytes, i) => [...bytes, ...new Uint8Array(pads[i])]));
      const want: number[] = [];
      for (let at = 0; at < joined.length; at += pieceLength) want.push(...sha1(joined.subarray(at, at + pieceLength)));
      assert.deepEqual(hashes.flatMap(({ sha1 }) => [...sha1]), want);

      for (const [fileNumber, bytes] of contents.entries()) {
        if (bytes.length === 0) continue;
        const layer = runs.flatMap((run) => run.fileNumber === fileNumber ? [...hashes[run.runNumber].layer] : []);
        const leaves = nextPowerOfTwo(Math.ceil(bytes.length / BLOCK_BYTES));
        const root = merkleRoot(Uint8Array.from(layer), 1, zeroHash(Math.log2(pieceLength / BLOCK_BYTES)));
        assert.deepEqual([...root], [...naiveRoot(bytes, leaves)]);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("planRuns() cuts long files into runs of whole pieces", () => {
  const files = [{ diskPath: "/a", lengthBytes: 5 }, { diskPath: "/b", lengthBytes: 3 * RUN_BYTES }];
  const joined = planRuns(files, 1 << 18, "v1");
  assert.deepEqual(joined.map(({ segments }) => segments.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)), [
    RUN_BYTES,
    RUN_BYTES,
    RUN_BYTES,
    5,
  ]);
  assert.deepEqual(joined[0].segments.map(({ diskPath, offsetBytes }) => [diskPath, offsetBytes]), [["/a", 0], [
    "/b",
    0,
  ]]);
  const aligned = planRuns(files, 1 << 24, "v2");
  assert.deepEqual(aligned.map(({ fileNumber, sha1, treeLeaves }) => [fileNumber, sha1, treeLeaves]), [
    [0, false, 1],
    [1, false, 1024],
    [1, false, 1024],
  ]);
  assert.deepEqual(planRuns([{ diskPath: "/a", lengthBytes: 0 }], 1 << 18, "hybrid"), []);
});

Deno.test("padLengths() pads up to the next piece, but not after the last byte", () => {
  const pads = (lengths: number[]) => padLengths(lengths.map((lengthBytes) => ({ lengthBytes })), 100);
  assert.deepEqual(pads([1, 100, 0, 250, 7, 0]), [99, 0, 0, 50, 0, 0]);
  assert.deepEqual(pads([0, 0]), [0, 0]);
});
