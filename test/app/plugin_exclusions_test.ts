/** Which plugins are taken out of a part that they held up, and when they may come back. */
import assert from "node:assert/strict";
import { FRONT_SLOTS, type PluginSet, type PluginSpec } from "../../src/plugin/plugin_set.ts";
import { Exclusions } from "../../src/plugin_exclusions.ts";

const spec = (name: string, index: number, more: Partial<PluginSpec> = {}): PluginSpec => ({
  name,
  origin: "folder",
  file: `plugins/${name}.js`,
  url: `file:///plugins/${name}.js`,
  slots: ["admitAnnounce"],
  modes: [],
  paths: [],
  values: {},
  index,
  ...more,
});
const A = spec("a", 0), B = spec("b", 1), SHIPPED = spec("shipped", 2, { origin: "shipped", url: "shipped" });

/** A set with `texts` by file name beside those of a and b. */
const setOf = (plugins: readonly PluginSpec[], texts: Record<string, string> = {}): PluginSet => ({
  plugins,
  modules: new Map(
    Object.entries({ "a.js": "a", "b.js": "b", ...texts }).map(([file, text]) => [`file:///plugins/${file}`, text]),
  ),
});
const HOSTED = spec("hosted", 3, { slots: ["start"] });
const ALL = setOf([A, B, SHIPPED, HOSTED]);
const outOf = (exclusions: Exclusions, part: string, set = ALL) =>
  exclusions.apply(part, set).plugins.filter(({ isOut }) => isOut).map(({ name }) => name).join(" ");

Deno.test("a plugin is taken out of the part it held up, and of no other; shipped ones are not", () => {
  const exclusions = new Exclusions();
  assert.deepEqual(exclusions.exclude("front 0", B, ALL, FRONT_SLOTS), [B]);
  assert.deepEqual(exclusions.exclude("front 0", B, ALL, FRONT_SLOTS), []);
  assert.deepEqual(exclusions.exclude("front 0", SHIPPED, ALL, FRONT_SLOTS), []);
  assert.deepEqual([outOf(exclusions, "front 0"), outOf(exclusions, "front 1")], ["b", ""]);
  assert.equal(exclusions.apply("front 0", ALL).modules, ALL.modules);
});

Deno.test("when nobody knows which it was, or a shipped one seems to be, all are taken out the second time", () => {
  const exclusions = new Exclusions();
  assert.deepEqual(exclusions.exclude("office", SHIPPED, ALL, FRONT_SLOTS), []);
  assert.deepEqual(exclusions.exclude("front 0", undefined, ALL, FRONT_SLOTS), []);
  assert.deepEqual(exclusions.exclude("office", undefined, ALL, FRONT_SLOTS), [A, B]);
  assert.deepEqual([outOf(exclusions, "office"), outOf(exclusions, "front 0")], ["a b", ""]);
});

Deno.test("a plugin comes back when it, what it may import, or its settings have changed", () => {
  const rows: [change: string, set: PluginSet, stays: boolean][] = [
    ["nothing", setOf([A, B, SHIPPED]), true],
    ["another plugin's text", setOf([A, B], { "a.js": "a2" }), true],
    ["another plugin's settings", setOf([spec("a", 0, { values: { x: 1 } }), B]), true],
    ["its text", setOf([A, B], { "b.js": "b2" }), false],
    ["its settings", setOf([A, spec("b", 1, { values: { x: 1 } })]), false],
    ["a part of plugins", setOf([A, B], { "_part.js": "new" }), false],
    ["it is gone", setOf([A]), false],
  ];
  for (const [change, set, stays] of rows) {
    const exclusions = new Exclusions();
    exclusions.exclude("front 0", B, ALL, FRONT_SLOTS);
    exclusions.readmit(set);
    assert.equal(outOf(exclusions, "front 0"), stays ? "b" : "", change);
  }
});
