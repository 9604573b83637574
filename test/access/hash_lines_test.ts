import assert from "node:assert/strict";
import { HashLines } from "../../src/access/hash_lines.ts";

const A = "ab".repeat(20), B = "0123456789abcdefABCD".repeat(2);

/** What is read of `text`, in pieces of `size` bytes. */
function read(text: string, size: number): { hashes: string[]; bad: number } {
  const hashes: string[] = [];
  const lines = new HashLines((words) => hashes.push(new Uint8Array(words.buffer).toHex()));
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) lines.take(bytes.subarray(at, at + size));
  lines.end();
  return { hashes, bad: lines.badLines };
}

Deno.test("HashLines reads opentracker's lists, in pieces of any size", () => {
  const rows: [name: string, text: string, hashes: string[], bad: number][] = [
    ["nothing", "", [], 0],
    ["one without end", A, [A], 0],
    ["one", `${A}\n`, [A], 0],
    ["two, CR LF, upper case", `${A}\r\n${B.toUpperCase()}\r\n`, [A, B.toLowerCase()], 0],
    ["comments behind", `${A} a name\n${B}#x\n${A}-\n`, [A, B.toLowerCase(), A], 0],
    ["comment lines and empty ones", `# ${A}\n\n\r\n#\n`, [], 0],
    ["not at column 0", ` ${A}\n`, [], 1],
    ["39 digits", `${A.slice(1)}\n`, [], 1],
    ["39 digits and a letter", `${A.slice(1)}x\n`, [], 1],
    ["41 digits", `${A}a\n${B}\n`, [B.toLowerCase()], 1],
    ["bad ones between", `x\n${A}\nyy\n${B}`, [A, B.toLowerCase()], 2],
  ];
  for (const [name, text, hashes, bad] of rows) {
    for (const size of [1, 2, 7, 40, 41, 42, 1000]) {
      assert.deepEqual(read(text, size), { hashes, bad }, `${name}, ${size}`);
    }
  }
});
