/** What can be said of a setting in a few words, for the sample file and the docs. Pure. */
import { formatValue, type Kind, type Value, wishOf } from "./kind.ts";
import type { Entry } from "./row.ts";

/** What a value may be: `60 to 86400 seconds`, `auto, linux or portable`, `path`. */
export function describeRange(row: Kind): string {
  switch (row.kind) {
    case "integer":
    case "choice":
    case "boolean":
      return wishOf(row);
    case "url":
      return "URL";
    case "page":
      return "path of a page";
    case "network":
      return "address or network";
    case "address":
    case "listen":
      return `address, port ${row.portDefault} if left out`;
    default:
      return row.kind;
  }
}

/** The default: `1800`, `0 (one per core, at most 8)`, `none`. */
export function describeDefault(row: Kind): string {
  const value = defaultOf(row);
  if (value === null) return "none";
  return row.kind === "integer" && value === 0 && row.zero !== undefined ? `0 (${row.zero})` : formatValue(value);
}

/** A value to show: the default, or the example where there is none. */
export function exampleOf(row: Kind & Entry): string {
  const value = defaultOf(row);
  return row.example ?? (value === null ? "" : formatValue(value));
}

/** A command-line option as it is typed: `-w`, `--state-repair`. */
export function formatOption(option: string): string {
  return `${option.length === 1 ? "-" : "--"}${option}`;
}

function defaultOf(row: Kind): Value | null {
  return row.kind === "network" ? null : row.default;
}
