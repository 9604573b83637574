/** What the tidy test goes by: that it sees what is in a file. */
import assert from "node:assert/strict";
import { parseSource } from "./support/source_file.ts";

Deno.test("parseSource() finds what the rules are about", () => {
  const file = parseSource("src/wire/x.ts", SAMPLE);
  assert.deepEqual(file.imports, [
    { specifier: "./a.ts", kind: "static", line: 2 },
    { specifier: "node:fs", kind: "static", line: 3 },
    { specifier: "./b.ts", kind: "static", line: 4 },
    { specifier: "./c.ts", kind: "dynamic", line: 11 },
    { specifier: "./d.ts", kind: "url", line: 12 },
  ]);
  assert.deepEqual(file.reexports, [{ name: 'export { b } from "./b.ts";', line: 4 }]);
  assert.deepEqual(file.undocumented, [{ name: "two", line: 7 }, { name: "Four", line: 16 }]);
  assert.deepEqual(file.functions, [{ name: "two", line: 7, lineCount: 8 }, { name: "run", line: 18, lineCount: 3 }]);
  assert.deepEqual(file.rimUses.map(({ name, line }) => `${line} ${name}`), [
    "3 node:fs",
    "8 Deno",
    "9 setTimeout",
    "10 Date.now",
    "13 new Date",
  ]);
  assert.equal(file.lineCount, 21);
});

/** A file with one of each. */
const SAMPLE = `/** Ünïcödé 🐝 */
import type { A } from "./a.ts";
import "node:fs";
export { b } from "./b.ts";
/** Documented. */
export const one = 1; // Deno.exit() in a comment
export function two() {
  Deno.exit();
  setTimeout(two, 1);
  const now = Date.now();
  import("./c.ts");
  new URL("./d.ts", import.meta.url);
  return [now, new Date(), new Date(1), "Date.now() in text"];
}
/* not a doc comment */
export class Four {
  Deno2 = 1;
  run(): void {
    this.Deno2++;
  }
}
`;
