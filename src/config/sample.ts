/** Renders config/tracker.conf.sample: an opentracker.conf that explains itself, all defaults commented out. Pure. */
import { describeDefault, describeRange, exampleOf } from "./describe.ts";
import { GROUPS } from "./row.ts";
import { rowOf, SETTING_KEYS, type SettingKey } from "./schema.ts";
import { wrapText } from "./wrap.ts";

const LINE_CHARS = 100;

const HEAD = `tracker.conf: every setting of the tracker.

A line is a key, blanks, and a value. Lines that start with # are ignored; a # further on is part of the value. \
Settings are read from top to bottom, and a later value replaces an earlier one. Each setting below is commented out \
and shows its default, or an example where there is no default: remove the # before it to change it.

This file is generated from src/config/schema.ts.`;

/** The sample file. */
export function renderSample(): string {
  const groups = GROUPS.map((group) => {
    const keys = SETTING_KEYS.filter((key) => rowOf(key).group === group);
    return [`# ---- ${group} `.padEnd(LINE_CHARS, "-"), ...keys.map(renderSetting)].join("\n\n");
  });
  return `${[comment(HEAD), ...groups].join("\n\n")}\n`;
}

function renderSetting(key: SettingKey): string {
  const row = rowOf(key);
  const facts = [`Value: ${describeRange(row)}`, `Default: ${describeDefault(row)}`];
  if (row.option !== undefined) facts.push(`Option: -${row.option}`);
  if (row.status === "later") facts.push("Not yet supported");
  return `${comment(row.explanation)}\n${comment(facts.join(" | "))}\n#${key} ${exampleOf(row)}`;
}

function comment(text: string): string {
  return wrapText(text, LINE_CHARS - 2).map((line) => `# ${line}`.trimEnd()).join("\n");
}
