/** `tracker scrape`: scrapes any tracker and prints what came back. */
import type { Asked, ScrapeAnswer } from "../client/question.ts";
import { printable } from "../torrent/safe_path.ts";
import {
  addAskOptions,
  type AskFlags,
  formatOutcome,
  jsonOfNoAnswer,
  readAskOptions,
  readInfoHash,
} from "./ask_options.ts";
import type { Register } from "./commands.ts";
import { formatHex } from "./quantity.ts";
import { EXIT_NOT_DONE, exitCodeOf, REAL_RIM, sayThrough, type ToolRim } from "./tool_rim.ts";

interface ScrapeFlags extends AskFlags {
  readonly json?: true;
}

/** Registers `scrape` for a given world. */
export function registerScrape(rim: ToolRim): Register {
  return (command, exitWith) => {
    sayThrough(rim, command);
    command
      .summary("scrape any tracker and print its counts")
      .description(
        "Asks an HTTP or UDP tracker how many seeders and leechers it knows. Exit code 0: answered; 1: refused or silent.",
      )
      .argument("<url>", "announce or scrape URL: http, https or udp")
      .argument("<hash...>", "info hashes in hex, or names of .torrent files")
      .option("--json", "print one JSON object");
    addAskOptions(command);
    command.action(async (url: string, hashes: string[], flags: ScrapeFlags) => {
      exitWith(await exitCodeOf(rim, () => scrape(rim, url, hashes, flags)));
    });
  };
}

/** Registers `scrape` as the program runs it. */
export const register: Register = registerScrape(REAL_RIM);

async function scrape(rim: ToolRim, url: string, hashes: readonly string[], flags: ScrapeFlags): Promise<number> {
  const asked = await rim.askScrape(url, hashes.map(readInfoHash), readAskOptions(flags));
  if (flags.json) rim.print(JSON.stringify(jsonOfScrape(url, asked)));
  else for (const line of describeScrape(url, asked)) rim.print(line);
  return asked.outcome.kind === "answer" ? 0 : EXIT_NOT_DONE;
}

function describeScrape(url: string, asked: Asked<ScrapeAnswer>): string[] {
  const { outcome } = asked;
  const head = `${printable(url)}: ${formatOutcome(asked)}`;
  if (outcome.kind !== "answer") return [head];
  return [
    head,
    `  ${"info hash".padEnd(40)}  seeders leechers downloads`,
    ...outcome.swarms.map(({ infoHash, counts }) => {
      if (counts === undefined) return `  ${formatHex(infoHash)}  not in the answer`;
      const { complete, incomplete, downloaded } = counts;
      return `  ${formatHex(infoHash)}  ${column(complete, 7)} ${column(incomplete, 8)} ${column(downloaded, 9)}`;
    }),
  ];
}

function jsonOfScrape(
  url: string,
  { outcome, milliseconds, answeredBy }: Asked<ScrapeAnswer>,
): Record<string, unknown> {
  const asked = { url, milliseconds: Math.round(milliseconds), answeredBy };
  if (outcome.kind !== "answer") return { ...asked, ...jsonOfNoAnswer(outcome) };
  const swarms = outcome.swarms.map(({ infoHash, counts = null }) => ({ infoHash: formatHex(infoHash), counts }));
  return { ...asked, outcome: outcome.kind, swarms };
}

function column(count: number, width: number): string {
  return `${count}`.padStart(width);
}
