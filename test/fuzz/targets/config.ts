/** Config files and the settings of plugins: what operators write. */
import assert from "node:assert/strict";
import { ConfigDraft, LISTENERS_MAX, REPEATS_MAX } from "../../../src/config/config.ts";
import { formatValue, readValue, type Value } from "../../../src/config/kind.ts";
import { choosePlugin } from "../../../src/config/plugin_settings.ts";
import { rowOf, SETTING_KEYS } from "../../../src/config/schema.ts";
import type { PluginSetting } from "../../../src/plugin/api.ts";
import { openSettings } from "../../../src/plugin/settings.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";

/** A key and a hundred letters of a value, each of which may become an escape. */
const SENTENCE_CHARS_MAX = 1000;
const SAMPLE = new URL("../../../config/tracker.conf.sample", import.meta.url);

/** Whole config files. */
export const config: FuzzTarget = {
  name: "config",
  summary: "config files",
  bytesMax: 65_536,
  words: [
    ...SETTING_KEYS.map((key) => `${key} `),
    " on\n",
    " off\n",
    "\n",
    "# ",
    "0",
    "10.0.0.0/8\n",
    "[::1]:80\n",
    "\t",
  ],
  // Its settings, which are commented out, as if they were not.
  seeds: () =>
    Deno.readTextFileSync(SAMPLE).split("\n").filter((line) => /^#[a-z]/.test(line))
      .map((line) => new TextEncoder().encode(`${line.slice(1)}\n`)),
  open: openConfig,
};

function openConfig(): Check {
  const decoder = new TextDecoder();
  return (bytes) => {
    const text = decoder.decode(bytes), draft = new ConfigDraft(), problem = draft.applyFile("fuzz.conf", text);
    if (problem !== null) {
      assertSentence(problem.sentence);
      return problem.sentence.replace(/".*"|\d+/g, "").slice(0, 40);
    }
    const { listeners, settings, warnings } = draft.finish();
    for (const warning of warnings) assert.doesNotMatch(warning, /\p{Cc}/u);
    assert.ok(listeners.length <= LISTENERS_MAX);
    let changed = "";
    for (const [key, value] of Object.entries(settings)) {
      const row = rowOf(key as keyof typeof settings), values = Array.isArray(value) ? value : [value];
      assert.ok(values.length <= REPEATS_MAX);
      for (const one of values) if (one !== null) assertReadBack(row, one);
      if (row.kind !== "listen" && JSON.stringify(row.default) !== JSON.stringify(value)) changed = key;
    }
    return `${changed} ${listeners.length}`;
  };
}

function assertReadBack(row: Parameters<typeof readValue>[0], value: Value): void {
  assert.deepEqual(readValue(row, formatValue(value)), { value });
}

// One line that names the place, fit for a terminal.
function assertSentence(sentence: string): void {
  assert.match(sentence, /^Cannot start: /);
  assert.doesNotMatch(sentence, /\p{Cc}/u);
  assert.ok(sentence.length <= SENTENCE_CHARS_MAX);
}

const SCHEMA: Readonly<Record<string, PluginSetting>> = {
  number: { kind: "integer", min: 1, max: 100, default: 5, explanation: "" },
  flag: { kind: "boolean", default: false, explanation: "" },
  choice: { kind: "choice", choices: ["one", "two"], default: "one", explanation: "" },
  text: { kind: "text", default: null, explanation: "" },
  texts: { kind: "texts", explanation: "" },
  path: { kind: "path", default: null, from: "access.whitelist", explanation: "" },
  fifo: { kind: "path", default: null, fifo: true, explanation: "" },
  networks: { kind: "networks", from: "access.proxy", explanation: "" },
};

/** Lines of a plugin, against a schema with every kind of setting. */
export const pluginSettings: FuzzTarget = {
  name: "plugin_settings",
  summary: "lines of a plugin in the config, through its schema to what it reads",
  bytesMax: 4096,
  words: [
    ...Object.keys(SCHEMA).map((key) => `plugin.fuzz.${key} `),
    "plugin.fuzz.allow ",
    "plugin.fuzz on\n",
    "access.proxy 10.0.0.0/8\n",
    "access.whitelist /lists/white\n",
    "read ",
    "net ",
    "\n",
    "one",
    "1",
    "__proto__",
    "constructor",
  ],
  open: openPluginSettings,
};

function openPluginSettings(): Check {
  const decoder = new TextDecoder();
  return (bytes) => {
    const draft = new ConfigDraft(), problem = draft.applyFile("fuzz.conf", decoder.decode(bytes));
    if (problem !== null) return "config";
    const { pluginLines, settings } = draft.finish();
    const lines = pluginLines.filter(({ plugin }) => plugin === "fuzz");
    const choice = choosePlugin({ name: "fuzz", origin: "folder", settings: SCHEMA }, lines, settings);
    if ("sentence" in choice) {
      assertSentence(choice.sentence);
      return choice.sentence.replace(/".*"|\d+/g, "").slice(0, 50);
    }
    assert.deepEqual(Object.keys(choice.values).sort(), Object.keys(SCHEMA).sort());
    const read = openSettings(choice.values), number = read.integer("number"), path = read.text("path");
    assert.ok(Number.isInteger(number) && number >= 1 && number <= 100);
    assert.equal(typeof read.boolean("flag"), "boolean");
    assert.ok(["one", "two"].includes(read.text("choice")!));
    assert.equal(read.networks("networks").size, (choice.values["networks"] as unknown[]).length);
    assert.equal(read.networks("networks").hasText("no address"), false);
    const isNamed = lines.some(({ key }) => key === "path");
    if (path !== null && isNamed) assert.ok(choice.grants.read.includes(path));
    // Only what a line grants, or names as a FIFO, may be written.
    const granted = lines.filter(({ key, text }) => key === "fifo" || key === "allow" && text.startsWith("write"));
    assert.ok(choice.grants.write.every((path) => granted.some(({ text }) => text.includes(path))));
    for (const { path } of choice.fifos) assert.ok(choice.grants.write.includes(path));
    return Object.entries(choice.values).map(([key, value]) => `${key}${String(value).length % 3}`).join();
  };
}
