/** The tables of docs/operating.md say what the code says: limits by their names, faults by the tests that make them. */
import assert from "node:assert/strict";
import { SETTINGS } from "../../src/config/schema.ts";
import { ARENA_MIB_MAX, ARENA_MIB_MIN } from "../../src/swarm/arena.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = Deno.readTextFileSync(new URL("docs/operating.md", ROOT));

/** What one of a unit is in the units that constants are in. */
const UNITS: Readonly<Record<string, readonly number[]>> = {
  "KiB": [1024],
  "MiB": [1, 1024 * 1024],
  "s": [1, 1000],
  "%": [0.01],
};

/** The cells of the table of the section `heading`, without its head. */
function rowsOf(heading: string): string[][] {
  const from = PAGE.indexOf(`\n## ${heading}\n`);
  assert.ok(from >= 0, `docs/operating.md has no section ${heading}`);
  const to = PAGE.indexOf("\n## ", from + 1), section = PAGE.slice(from, to < 0 ? undefined : to);
  const lines = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

/** The value of constant `name` in the file at `path`: a number, or sums and products of numbers. */
function constantOf(name: string, path: string): number {
  const source = Deno.readTextFileSync(new URL(path, ROOT));
  const [, expression] = new RegExp(`\\b${name}(?:: number)? = ([^,;]+)[,;]`).exec(source) ?? [];
  assert.ok(expression !== undefined, `${path} has no constant ${name}`);
  assert.match(expression, /^[\d_ .*+()<-]+$/, `${name} in ${path} is not made of numbers`);
  return new Function(`return ${expression}`)();
}

function valueOf(where: string): number {
  const constant = /^`([A-Z0-9_]+)` \((\S+\.ts)\)$/.exec(where);
  if (constant !== null) return constantOf(constant[1]!, constant[2]!);
  const [, setting] = /^`([a-z_.]+)`$/.exec(where) ?? [];
  assert.ok(setting !== undefined && setting in SETTINGS, `${where} is neither a constant with its file nor a setting`);
  return Number(SETTINGS[setting as keyof typeof SETTINGS].default);
}

Deno.test("docs/operating.md: every limit is what the code says", () => {
  const rows = rowsOf("Limits");
  assert.ok(rows.length > 50);
  for (const [what, limit, where] of rows) {
    const [, digits, unit] = /^([\d,.]+) (.+)$/.exec(limit!) ?? [];
    assert.ok(digits !== undefined, `${what}: ${limit} is not a number with its unit`);
    const number = Number(digits.replaceAll(",", "")), value = valueOf(where!);
    const said = (UNITS[unit!] ?? [1]).map((factor) => number * factor);
    assert.ok(said.some((one) => Math.abs(one - value) < 1e-9), `${what}: ${limit} is said, ${where} is ${value}`);
  }
});

Deno.test("docs/operating.md: every fault names the tests that make it, or says that none does", () => {
  const rows = rowsOf("Faults");
  assert.ok(rows.length > 15);
  for (const [fault, , , held] of rows) {
    const files = [...held!.matchAll(/test\/\S+\.ts/g)].map(([path]) => path);
    assert.ok(files.length > 0 || held!.startsWith("by hand"), `${fault}: ${held}`);
    for (const path of files) assert.ok(Deno.statSync(new URL(path, ROOT)).isFile);
  }
});

Deno.test("tracker.memory goes as far as the store does", () => {
  const { min, max } = SETTINGS["tracker.memory"];
  assert.deepEqual([min, max], [ARENA_MIB_MIN, ARENA_MIB_MAX]);
});
