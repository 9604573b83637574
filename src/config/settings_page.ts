/** Renders docs/settings.md: every setting in a table for each group, formatted as `deno fmt` would. Pure. */
import { describeDefault, describeRange, formatOption } from "./describe.ts";
import { type DescribedPlugin, rowsOfPlugin } from "./plugin_docs.ts";
import { GROUPS } from "./row.ts";
import { rowOf, SETTING_KEYS, type SettingKey } from "./schema.ts";
import { wrapText } from "./wrap.ts";

/** lineWidth of deno.json. */
const LINE_CHARS = 120;

const HEAD = [
  "Every setting of the tracker, as it is written in a config file: a key, blanks, and a value. The same, ready to " +
  "edit, is in `config/tracker.conf.sample`. Both are generated from `src/config/schema.ts` and what the shipped " +
  "plugins declare, by `deno task generate`.",
  "A config file is run with `-f FILE`, at the point of the command line where it stands. Files and options are read " +
  "in their order, and a later value replaces an earlier one; a setting marked repeatable adds up. A line with an " +
  "unknown key is reported and skipped; a bad value stops the start.",
];

const COLUMNS = ["key", "value", "default", "option", "meaning"];

const PLUGINS_HEAD =
  "Settings of the shipped plugins are lines `plugin.NAME.KEY VALUE`. Those below are on when one of " +
  "their settings is set; `plugin.NAME on` and `off` overrule that. What a plugin of your own declares is read the same " +
  "way: see [plugins.md](plugins.md).";
const PLUGIN_COLUMNS = ["key", "value", "default", "meaning"];

/** The page. `plugins`: the shipped ones. */
export function renderSettingsPage(plugins: readonly DescribedPlugin[]): string {
  const groups = GROUPS.flatMap((group) => {
    const keys = SETTING_KEYS.filter((key) => rowOf(key).group === group);
    return [`## ${group}`, formatTable([COLUMNS, ...keys.map(rowCells)])];
  });
  const head = HEAD.map((paragraph) => wrapText(paragraph, LINE_CHARS).join("\n"));
  return `${["# Settings", ...head, ...groups, ...pluginParts(plugins)].join("\n\n")}\n`;
}

function pluginParts(plugins: readonly DescribedPlugin[]): string[] {
  const parts = plugins.filter(({ settings }) => settings !== undefined).flatMap((plugin) => {
    const rows = rowsOfPlugin(plugin).map((row) => {
      const from = row.from === undefined ? "" : ` \`${row.from}\` sets it as well.`;
      return [`\`${row.key}\``, row.range, row.default, row.explanation + from];
    });
    return [`### \`${plugin.name}\``, `It ${plugin.summary}.`, formatTable([PLUGIN_COLUMNS, ...rows])];
  });
  return ["## Shipped plugins", wrapText(PLUGINS_HEAD, LINE_CHARS).join("\n"), ...parts];
}

function rowCells(key: SettingKey): string[] {
  const row = rowOf(key);
  const range = "repeatable" in row ? `${describeRange(row)}; repeatable` : describeRange(row);
  const option = row.option === undefined ? "" : `\`${formatOption(row.option)}\``;
  const meaning = row.status === "later" ? `**Not yet supported.** ${row.explanation}` : row.explanation;
  return [`\`${key}\``, range, describeDefault(row), option, meaning];
}

/** A Markdown table; the first row is its head. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => formatCells(row.map((cell, column) => cell.padEnd(widths[column]))));
  const rule = formatCells(widths.map((width) => "-".repeat(width)));
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function formatCells(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
