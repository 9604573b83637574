/** Access lists: lines of info hashes, in pieces, against a reading line by line. */
import assert from "node:assert/strict";
import { HashLines } from "../../../src/access/hash_lines.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { latin1Text } from "../../support/vectors.ts";

const HASH = /^[0-9a-f]{40}(?![0-9a-f])/i;

/** Files of info hashes. */
export const hashLines: FuzzTarget = {
  name: "hash_lines",
  summary: "files of info hashes (access lists), in pieces",
  bytesMax: 4096,
  words: ["0123456789abcdef0123456789ABCDEF01234567", "\n", "\r\n", "\r", "#", " a name", "0", "g"],
  open: openHashLines,
};

function openHashLines(): Check {
  return (bytes, chance) => {
    const found: string[] = [];
    const lines = new HashLines((words) => found.push(new Uint8Array(words.buffer).toHex()));
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + chance.below(chance.oneIn(2) ? 50 : 5000);
      lines.take(bytes.subarray(at, end));
      at = end;
    }
    lines.end();
    const wanted: string[] = [];
    let badLines = 0;
    for (const line of latin1Text(bytes).split("\n")) {
      const hash = HASH.exec(line)?.[0], rest = line.replace(/^\r+/, "");
      if (hash !== undefined) wanted.push(hash.toLowerCase());
      else if (rest !== "" && !rest.startsWith("#")) badLines++;
    }
    assert.equal(found.join(), wanted.join());
    assert.equal(lines.badLines, badLines);
    return found.length * 100 + badLines;
  };
}
