/** `tracker torrent reannounce` and `copy-announce`: change the trackers of many torrent files, and nothing else in them. */
import type { Command } from "commander";
import { compareBytes } from "../torrent/byte_order.ts";
import { replaceTrackers, type TrackerChoice } from "../torrent/edit_announce.ts";
import type { Metainfo } from "../torrent/metainfo.ts";
import { readTorrent } from "../torrent/read_torrent.ts";
import { replaceFile } from "../torrent/replace_file.ts";
import { printable } from "../torrent/safe_path.ts";
import { trackerInfoHash } from "./ask_options.ts";
import type { ExitWith } from "./commands.ts";
import { formatHex } from "./quantity.ts";
import { addOption, EXIT_NOT_DONE, exitCodeOf, Mistake, type ToolRim } from "./tool_rim.ts";
import { describeChecks, describeTrackers } from "./torrent_show.ts";
import { addListOption, checkTrackers, readTrackerChoice, trackersOf, warnOfTrackers } from "./tracker_choice.ts";

interface EditFlags {
  readonly dryRun?: true;
  readonly quiet?: true;
  readonly check?: true;
}

interface ReannounceFlags extends EditFlags {
  readonly announceList?: string;
}

/** Adds `reannounce` and `copy-announce` to `torrent`. */
export function defineReannounce(torrent: Command, rim: ToolRim, exitWith: ExitWith): void {
  const reannounce = torrent.command("reannounce")
    .summary("change the trackers of .torrent files")
    .description("Sets the trackers of .torrent files. Without a list, a list that is there is removed.")
    .argument("<announce-url>", "the standard announce")
    .argument("<file...>", ".torrent files");
  addListOption(reannounce);
  addEditOptions(reannounce);
  reannounce.action(async (announce: string, files: string[], flags: ReannounceFlags) => {
    exitWith(
      await exitCodeOf(rim, () => {
        const choice = readTrackerChoice(announce, flags.announceList);
        warnOfTrackers(rim, "this choice of trackers", choice);
        return editAll(rim, files, choice, flags);
      }),
    );
  });

  const copy = torrent.command("copy-announce")
    .summary("copy the trackers of one .torrent file to others")
    .description("Copies announce and tiers from a template. A list is removed when the template has none.")
    .argument("<template>", ".torrent file to copy from")
    .argument("<file...>", ".torrent files to change");
  addEditOptions(copy);
  copy.action(async (template: string, files: string[], flags: EditFlags) => {
    exitWith(
      await exitCodeOf(rim, () => {
        const choice = readTemplate(template);
        warnOfTrackers(rim, JSON.stringify(template), choice);
        return editAll(rim, files, choice, flags);
      }),
    );
  });
}

function addEditOptions(command: Command): void {
  addOption(command, "--dry-run", "show what would change, and change nothing");
  command
    .option("--check", "ask each tracker and say which answers")
    .option("-q, --quiet", "print mistakes and warnings only");
}

function readTemplate(path: string): TrackerChoice {
  const template = readTorrent(path);
  const cannot = `Cannot copy from ${JSON.stringify(path)}`;
  if ("kind" in template) throw new Mistake(`${cannot}: ${printable(template.reason)}`);
  const { tiers } = template;
  // Old programs need a standard announce; a template made for new ones may have only tiers.
  const announce = template.announce ?? tiers?.[0][0];
  if (announce === undefined) throw new Mistake(`${cannot}: it has no trackers`);
  if ([announce, ...(tiers ?? []).flat()].some((url) => url.includes("\ufffd"))) {
    throw new Mistake(`${cannot}: the URL of a tracker in it is not UTF-8 text`);
  }
  return { announce, tiers };
}

async function editAll(
  rim: ToolRim,
  files: readonly string[],
  choice: TrackerChoice,
  flags: EditFlags,
): Promise<number> {
  let exitCode = 0;
  let first: Metainfo | undefined;
  for (const file of files) {
    const torrent = readTorrent(file);
    const reason = "kind" in torrent ? torrent.reason : edit(rim, file, torrent, choice, flags);
    if (reason !== null) {
      rim.printError(`Cannot change ${JSON.stringify(file)}: ${printable(reason)}`);
      exitCode = EXIT_NOT_DONE;
    }
    if (!("kind" in torrent)) first ??= torrent;
  }
  if (flags.check && first !== undefined) {
    for (const line of describeChecks(await checkTrackers(rim, trackersOf(choice), first))) rim.print(line);
  }
  return exitCode;
}

/** Changes one file. Returns null, or why it could not. */
function edit(rim: ToolRim, file: string, torrent: Metainfo, choice: TrackerChoice, flags: EditFlags): string | null {
  const say = (line: string) => flags.quiet || rim.print(line);
  const edited = replaceTrackers(torrent, choice);
  if (compareBytes(edited, torrent.source) === 0) {
    say(`${printable(file)}: has these trackers already`);
    return null;
  }
  if (flags.dryRun) {
    say(`${printable(file)}: would change`);
    for (const line of describeTrackers(torrent)) say(`- ${line.trimStart()}`);
    for (const line of describeTrackers({ announce: choice.announce, ...tiersOf(choice) })) {
      say(`+ ${line.trimStart()}`);
    }
    return null;
  }
  const failed = replaceFile(file, edited);
  if (failed === null) say(`${printable(file)}: changed; info hash as before, ${formatHex(trackerInfoHash(torrent))}`);
  return failed;
}

function tiersOf({ tiers }: TrackerChoice): Pick<Metainfo, "tiers"> {
  return tiers === undefined ? {} : { tiers };
}
