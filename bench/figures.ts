/** Numbers as the tables print them, and tables as markdown. No state, no I/O. */

/** The middle value; of an even count, the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** A count with commas, rounded to a whole number: 1,234,567. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A rate to three digits, in full: 123,000. More would be noise. */
export function formatRate(value: number): string {
  return formatCount(Number(value.toPrecision(3)));
}

/** Bytes in megabytes of 10^6. */
export function formatMegabytes(bytes: number): string {
  return `${formatCount(bytes / 1e6)} MB`;
}

/** Microseconds as milliseconds with two decimals. */
export function formatMilliseconds(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(2)} ms`;
}

/** A table in markdown. The first `textColumns` columns hold text and stand left, the others numbers and stand right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((cells) => cells[i].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => i < textColumns ? cell.padEnd(widths[i]) : cell.padStart(widths[i])).join(" | ")} |`;
  const rule = `| ${
    widths.map((width, i) => i < textColumns ? "-".repeat(width) : "-".repeat(width - 1) + ":").join(" | ")
  } |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
