/** Renders config/tracker.conf.sample: an opentracker.conf that explains itself, all defaults commented out. Pure. */
import { describeDefault, describeRange, exampleOf, formatOption } from "./describe.ts";
import { type DescribedPlugin, rowsOfPlugin } from "./plugin_docs.ts";
import { GROUPS } from "./row.ts";
import { rowOf, SETTING_KEYS, type SettingKey } from "./schema.ts";
import { wrapText } from "./wrap.ts";

const LINE_CHARS = 100;

const HEAD = `tracker.conf: every setting of the tracker.

A line is a key, blanks, and a value. Lines that start with # are ignored; a # further on is part of the value. \
Settings are read from top to bottom, and a later value replaces an earlier one. Each setting below is commented out \
and shows its default, or an example where there is no default: remove the # before it to change it.

This file is generated from src/config/schema.ts and what the shipped plugins declare.`;

/** The sample file. `plugins`: the shipped ones. */
export function renderSample(plugins: readonly DescribedPlugin[]): string {
  const groups = GROUPS.map((group) => {
    const keys = SETTING_KEYS.filter((key) => rowOf(key).group === group);
    return [heading(group), ...keys.map(renderSetting)].join("\n\n");
  });
  const shipped = plugins.flatMap(renderPlugin);
  return `${[comment(HEAD), ...groups, heading("Shipped plugins"), ...shipped].join("\n\n")}\n`;
}

function heading(text: string): string {
  return `# ---- ${text} `.padEnd(LINE_CHARS, "-");
}

// What a setting above sets is not shown again.
function renderPlugin(plugin: DescribedPlugin): string[] {
  return rowsOfPlugin(plugin).filter(({ from }) => from === undefined).map((row) => {
    const facts = [`Value: ${row.range}`, `Default: ${row.default}`, `Plugin: ${plugin.name} ${plugin.summary}`];
    return `${comment(row.explanation)}\n${comment(facts.join(" | "))}\n#${row.key} ${row.example}`;
  });
}

function renderSetting(key: SettingKey): string {
  const row = rowOf(key);
  const facts = [`Value: ${describeRange(row)}`, `Default: ${describeDefault(row)}`];
  if (row.option !== undefined) facts.push(`Option: ${formatOption(row.option)}`);
  if (row.status === "later") facts.push("Not yet supported");
  return `${comment(row.explanation)}\n${comment(facts.join(" | "))}\n#${key} ${exampleOf(row)}`;
}

function comment(text: string): string {
  return wrapText(text, LINE_CHARS - 2).map((line) => `# ${line}`.trimEnd()).join("\n");
}
