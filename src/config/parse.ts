/**
 * Splits the text of a config file into lines, by opentracker's rules: leading blanks skipped, empty lines and lines
 * that start with `#` ignored, then an exact key, blanks, and the rest of the line as its value. There are no comments
 * behind a value. Knows which keys exist, not what their values mean; never throws.
 */
import { isSettingKey, type SettingKey } from "./schema.ts";

/** Most characters of one line, blanks around it left out. opentracker cuts at 511 and reads the rest as a new line. */
export const LINE_CHARS_MAX = 4096;

/** One line that says something. */
export type ConfigLine =
  | { readonly kind: "setting"; readonly lineNumber: number; readonly key: SettingKey; readonly text: string }
  /** `plugin.NAME.KEY text`, or `plugin.NAME text`, whose key is empty. */
  | {
    readonly kind: "plugin";
    readonly lineNumber: number;
    readonly plugin: string;
    readonly key: string;
    readonly text: string;
  }
  /** Not a known key with a value. `text`: the line, fit to print. */
  | { readonly kind: "unhandled"; readonly lineNumber: number; readonly text: string }
  | { readonly kind: "too_long"; readonly lineNumber: number; readonly chars: number };

// What isspace() of C takes for a blank, line feed aside: String.trim() takes more.
const BLANKS = " \t\v\f\r";
const PLUGIN_KEY = /^plugin\.([a-z][a-z0-9_]{0,31})(?:\.([A-Za-z0-9_.]+))?$/;
const KEY_AND_TEXT = /^([^ \t\v\f\r]+)[ \t\v\f\r]+([^]+)$/;

/** Yields the lines of a file that say something, in order, numbered from 1. */
export function* parseConfigText(fileText: string): Generator<ConfigLine> {
  let lineNumber = 0;
  for (const line of fileText.split("\n")) {
    lineNumber++;
    const trimmed = trimBlanks(line);
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    yield parseLine(trimmed, lineNumber);
  }
}

// Not by a pattern: those that end in "$" take their time over many blanks inside a line.
function trimBlanks(line: string): string {
  let start = 0, end = line.length;
  while (start < end && BLANKS.includes(line[start])) start++;
  while (start < end && BLANKS.includes(line[end - 1])) end--;
  return line.slice(start, end);
}

function parseLine(line: string, lineNumber: number): ConfigLine {
  if (line.length > LINE_CHARS_MAX) return { kind: "too_long", lineNumber, chars: line.length };
  const [, key, text] = KEY_AND_TEXT.exec(line) ?? [];
  if (key !== undefined && isSettingKey(key)) return { kind: "setting", lineNumber, key, text };
  const [, plugin, pluginKey = ""] = PLUGIN_KEY.exec(key ?? "") ?? [];
  if (plugin !== undefined) return { kind: "plugin", lineNumber, plugin, key: pluginKey, text };
  return { kind: "unhandled", lineNumber, text: line.replace(/\p{Cc}/gu, " ") };
}
