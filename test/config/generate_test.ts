import assert from "node:assert/strict";
import { ConfigDraft } from "../../src/config/config.ts";
import { GENERATED_FILES, SHIPPED_PLUGINS } from "../../src/config/generate.ts";
import { choosePlugin } from "../../src/config/plugin_settings.ts";
import { renderSample } from "../../src/config/sample.ts";
import { GROUPS } from "../../src/config/row.ts";
import { rowOf, SETTING_KEYS } from "../../src/config/schema.ts";

Deno.test("the generated files are what the schema says", () => {
  for (const [path, render] of Object.entries(GENERATED_FILES)) {
    const committed = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
    assert.ok(committed === render(), `${path} differs from src/config/schema.ts: run \`deno task generate\``);
  }
});

Deno.test("renderSample() is a config that changes nothing and warns of nothing", () => {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile("sample", renderSample(SHIPPED_PLUGINS)), null);
  assert.deepEqual(draft.finish(), { ...new ConfigDraft().finish(), configFile: "sample" });
});

Deno.test("renderSample() shows every setting with a value that is good", () => {
  const draft = new ConfigDraft();
  const uncommented = renderSample(SHIPPED_PLUGINS).replace(/^#(?=[a-z])/gm, "");
  assert.equal(draft.applyFile("sample", uncommented), null);
  for (const warning of draft.warnings) assert.match(warning, /is not yet supported/);
  for (const key of SETTING_KEYS) assert.ok(uncommented.includes(`\n${key} `), key);
});

Deno.test("renderSample() shows every setting of the shipped plugins that no other setting sets, with a good value", () => {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile("sample", renderSample(SHIPPED_PLUGINS).replace(/^#(?=plugin\.)/gm, "")), null);
  const { pluginLines, settings } = draft.finish();
  let shown = 0;
  for (const { name, settings: schema = {} } of SHIPPED_PLUGINS) {
    const lines = pluginLines.filter((line) => line.plugin === name), keys = lines.map(({ key }) => key);
    assert.deepEqual(keys, Object.keys(schema).filter((key) => schema[key]!.from === undefined), name);
    assert.ok(!("sentence" in choosePlugin({ name, origin: "shipped", settings: schema }, lines, settings)), name);
    shown += keys.length;
  }
  assert.ok(shown >= 5);
});

Deno.test("renderSample() names options as they are typed", () => {
  const sample = renderSample(SHIPPED_PLUGINS);
  for (const option of ["-u", "-w", "--state-repair"]) assert.match(sample, new RegExp(`Option: ${option}$`, "m"));
  assert.doesNotMatch(sample, /Option: -\w\w/);
});

Deno.test("SETTINGS holds sensible rows", () => {
  for (const key of SETTING_KEYS) {
    const row = rowOf(key);
    assert.ok(GROUPS.includes(row.group), key);
    assert.match(row.explanation, /^[A-Z].*\.$/, key);
    if (row.default === null) assert.ok("example" in row, `${key} has neither default nor example`);
    if (row.kind === "integer") assert.ok(row.min <= row.max, key);
  }
});
