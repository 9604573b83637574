/** `tracker torrent`: BitTornado's tools for torrent files and their tiers of trackers, one file for each group. */
import type { Register } from "./commands.ts";
import { REAL_RIM, sayThrough, type ToolRim } from "./tool_rim.ts";
import { defineMake } from "./torrent_make.ts";
import { defineReannounce } from "./torrent_reannounce.ts";
import { defineShow } from "./torrent_show.ts";

const LIST_HELP = `
A LIST of trackers is url[,url...][|url[,url...]...]: "|" stands between tiers, tried in order; "," between trackers of
one tier, tried at random: only if they share peers. Quote it, the shell has a use for "|". Programs that know tiers
ignore the standard announce when there is a list: name your main tracker in both places.`;

/** Registers `torrent` for a given world. */
export function registerTorrent(rim: ToolRim): Register {
  return (command, exitWith) => {
    sayThrough(rim, command);
    command.description("Makes, shows and edits .torrent files and the tiers of trackers in them.");
    defineMake(command, rim, exitWith);
    defineShow(command, rim, exitWith);
    defineReannounce(command, rim, exitWith);
    for (const tool of command.commands) if (tool.name() !== "show") tool.addHelpText("after", LIST_HELP);
  };
}

/** Registers `torrent` as the program runs it. */
export const register: Register = registerTorrent(REAL_RIM);
