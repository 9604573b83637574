import assert from "node:assert/strict";
import { CHECKS } from "../../src/doctor/checks.ts";

const DOCS = new URL("../../docs/operating.md", import.meta.url);

Deno.test("docs/operating.md has every check of the doctor in its table, in their order", () => {
  const text = Deno.readTextFileSync(DOCS), start = text.indexOf("\n## Doctor\n");
  assert.ok(start >= 0);
  const section = text.slice(start, text.indexOf("\n## ", start + 1));
  const names = [...section.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
  assert.deepEqual(names, CHECKS.map(({ name }) => name));
});
