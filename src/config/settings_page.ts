/** Renders docs/settings.md: every setting in a table for each group, formatted as `deno fmt` would. Pure. */
import { describeDefault, describeRange } from "./describe.ts";
import { GROUPS } from "./row.ts";
import { rowOf, SETTING_KEYS, type SettingKey } from "./schema.ts";
import { wrapText } from "./wrap.ts";

/** lineWidth of deno.json. */
const LINE_CHARS = 120;

const HEAD = [
  "Every setting of the tracker, as it is written in a config file: a key, blanks, and a value. The same, ready to " +
  "edit, is in `config/tracker.conf.sample`. Both are generated from `src/config/schema.ts` by `deno task generate`.",
  "A config file is run with `-f FILE`, at the point of the command line where it stands. Files and options are read " +
  "in their order, and a later value replaces an earlier one; a setting marked repeatable adds up. A line with an " +
  "unknown key is reported and skipped; a bad value stops the start.",
];

const COLUMNS = ["key", "value", "default", "option", "meaning"];

/** The page. */
export function renderSettingsPage(): string {
  const groups = GROUPS.flatMap((group) => {
    const keys = SETTING_KEYS.filter((key) => rowOf(key).group === group);
    return [`## ${group}`, formatTable([COLUMNS, ...keys.map(rowCells)])];
  });
  const head = HEAD.map((paragraph) => wrapText(paragraph, LINE_CHARS).join("\n"));
  return `${["# Settings", ...head, ...groups].join("\n\n")}\n`;
}

function rowCells(key: SettingKey): string[] {
  const row = rowOf(key);
  const range = "repeatable" in row ? `${describeRange(row)}; repeatable` : describeRange(row);
  const option = row.option === undefined ? "" : `\`${row.option.length === 1 ? "-" : "--"}${row.option}\``;
  const meaning = row.status === "later" ? `**Not yet supported.** ${row.explanation}` : row.explanation;
  return [`\`${key}\``, range, describeDefault(row), option, meaning];
}

/** A Markdown table; the first row is its head. */
function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => formatCells(row.map((cell, column) => cell.padEnd(widths[column]))));
  const rule = formatCells(widths.map((width) => "-".repeat(width)));
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

function formatCells(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
