/** The trackers that a command line asks for, what is to be said about them, and how they answer. */
import type { Command } from "commander";
import type { AnnounceAnswer, Asked } from "../client/question.ts";
import { adviseTrackers, parseAnnounceList, trackerUrlFault } from "../torrent/announce_list.ts";
import type { TrackerChoice } from "../torrent/edit_announce.ts";
import type { Metainfo } from "../torrent/metainfo.ts";
import { printable } from "../torrent/safe_path.ts";
import { ASK_DEFAULTS, newPeerId, trackerInfoHash } from "./ask_options.ts";
import { addOption, Mistake, type ToolRim } from "./tool_rim.ts";

/** How one tracker answered. */
export interface CheckedTracker {
  readonly url: string;
  readonly asked: Asked<AnnounceAnswer>;
}

/** Trackers that are asked at the same time. */
const CHECKS_AT_ONCE = 16;

/** A port for an announce that leaves: no peer is ever listed with it. */
const CHECK_PORT = 51413;

/** Adds `--announce-list`. */
export function addListOption(command: Command): void {
  addOption(command, "--announce-list <list>", "tiers of trackers; see LIST below");
}

/** Reads an announce URL and the text of a list; an empty text is no list, as BitTornado has it. */
export function readTrackerChoice(announce: string, listText: string | undefined): TrackerChoice {
  const urlFault = trackerUrlFault(announce);
  if (urlFault !== null) throw new Mistake(`Cannot start: ${urlFault}`);
  if (listText === undefined || listText.trim() === "") return { announce, tiers: undefined };
  const tiers = parseAnnounceList(listText);
  if ("fault" in tiers) throw new Mistake(`Cannot start: in --announce-list ${tiers.fault}`);
  return { announce, tiers };
}

/** Prints what an operator should know about the trackers of `subject`. */
export function warnOfTrackers(rim: ToolRim, subject: string, { announce, tiers }: Partial<TrackerChoice>): void {
  for (const advice of adviseTrackers(announce, tiers)) rim.printError(`Warning: ${subject}: ${printable(advice)}`);
}

/** Every tracker named, once, the standard one first. */
export function trackersOf({ announce, tiers }: Partial<TrackerChoice>): string[] {
  return [...new Set([...(announce === undefined ? [] : [announce]), ...(tiers ?? []).flat()])];
}

/**
 * Asks each tracker about `torrent`, several at once. It sends the announce of a peer that leaves, which every tracker
 * answers and which lists nobody.
 */
export async function checkTrackers(
  rim: ToolRim,
  urls: readonly string[],
  torrent: Metainfo,
): Promise<CheckedTracker[]> {
  const question = {
    infoHash: trackerInfoHash(torrent),
    peerId: newPeerId(rim),
    port: CHECK_PORT,
    uploaded: 0,
    downloaded: 0,
    left: 1,
    event: "stopped",
    numwant: 0,
    key: 0,
  } as const;
  const checked = new Array<CheckedTracker>(urls.length);
  const waiting = [...urls.entries()];
  const askInTurn = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, url] = next;
      checked[index] = { url, asked: await rim.askAnnounce(url, question, ASK_DEFAULTS) };
    }
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, askInTurn));
  return checked;
}
