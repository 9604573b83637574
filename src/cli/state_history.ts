/** `tracker state history`: the minutes of a state file as lines for people and for programs. Pure. */
import { type Figure, FIGURES, type HistoryMinute } from "../persist/history_minutes.ts";
import { Mistake } from "./tool_rim.ts";

const MINUTE_MS = 60_000;
/** Minutes of the letters that a span may end in. */
const SPANS: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 };

/** Columns for people, and the figures each adds up. Programs get every figure. */
const COLUMNS: readonly (readonly [name: string, figures: readonly Figure[]])[] = [
  ["seconds", ["seconds"]],
  ["torrents", ["torrents"]],
  ["seeders", ["seeders4", "seeders6"]],
  ["leechers", ["leechers4", "leechers6"]],
  ["announces", ["tcpAnnounces", "udpAnnounces"]],
  ["scrapes", ["tcpScrapes", "udpScrapes"]],
  ["connects", ["udpConnects"]],
  ["completed", ["completed"]],
  ["refused", ["refusals"]],
  ["dropped", ["udpKernelDrops"]],
  ["not stored", ["notStored"]],
  ["full scrapes", ["fullScrapes"]],
  ["restarts", ["restarts"]],
];
const WIDTH_MIN = 10;

/** The minute since 1970 that `--since` names: a time, or a span before `nowMs`. Throws a Mistake. */
export function readSince(text: string | undefined, nowMs: number): number {
  if (text === undefined) return 0;
  const [, count, letter] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (letter !== undefined) return Math.max(0, Math.floor(nowMs / MINUTE_MS) - Number(count) * SPANS[letter]!);
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  // Without a zone it is UTC, as the times that are printed.
  const timeMs = isTime ? Date.parse(/T[\d:]+$/.test(text) ? `${text}Z` : text) : NaN;
  if (timeMs >= 0) return Math.floor(timeMs / MINUTE_MS);
  throw new Mistake(
    "Cannot start: --since must be a time such as 2026-11-20 or 2026-11-20T10:00Z, or a span such as 90m, 24h or 7d, " +
      `and is ${JSON.stringify(text)}`,
  );
}

/** The time of a minute, UTC. */
export function formatMinute(minute: number): string {
  return new Date(minute * MINUTE_MS).toISOString().replace(":00.000Z", "Z");
}

/** A line a minute, in columns under a line that names them. */
export function* historyTable(minutes: Iterable<HistoryMinute>): Generator<string> {
  yield row("time", COLUMNS.map(([name]) => name));
  for (const { minute, figures } of minutes) {
    const sumOf = (names: readonly Figure[]) => names.reduce((sum, name) => sum + figures[FIGURES.indexOf(name)]!, 0);
    yield row(formatMinute(minute), COLUMNS.map(([, names]) => `${sumOf(names)}`));
  }
}

function row(time: string, cells: readonly string[]): string {
  const widths = COLUMNS.map(([name]) => Math.max(name.length, WIDTH_MIN));
  return [time.padEnd(17), ...cells.map((cell, i) => cell.padStart(widths[i]!))].join(" ");
}

/** A JSON object a minute with every figure: `{"minute":29382712,"seconds":60,"torrents":…}`. */
export function* historyJson(minutes: Iterable<HistoryMinute>): Generator<string> {
  for (const { minute, figures } of minutes) {
    yield JSON.stringify({ minute, ...Object.fromEntries(FIGURES.map((name, i) => [name, figures[i]])) });
  }
}
