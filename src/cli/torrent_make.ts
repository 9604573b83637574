/** `tracker torrent make` and `make-dir`: make torrent files of files and folders. */
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { TorrentChoice } from "../torrent/build_torrent.ts";
import { type ContentTree, sortedNames } from "../torrent/content_tree.ts";
import { diskFault } from "../torrent/disk_fault.ts";
import { makeTorrent } from "../torrent/make_torrent.ts";
import type { Metainfo } from "../torrent/metainfo.ts";
import { printable } from "../torrent/safe_path.ts";
import { readWhole } from "./ask_options.ts";
import type { ExitWith } from "./commands.ts";
import { Progress } from "./progress.ts";
import { formatBytes, formatCount, formatHex } from "./quantity.ts";
import { addOption, EXIT_NOT_DONE, exitCodeOf, Mistake, type StopCatch, type ToolRim } from "./tool_rim.ts";
import { VERSION_LINE } from "../version.ts";
import { describeChecks } from "./torrent_show.ts";
import { addListOption, checkTrackers, readTrackerChoice, trackersOf, warnOfTrackers } from "./tracker_choice.ts";

interface MakeFlags {
  readonly announceList?: string;
  readonly pieceSizePow2: string;
  readonly comment?: string;
  readonly target?: string;
  readonly webSeed?: readonly string[];
  readonly private?: true;
  readonly v1?: true;
  readonly v2?: true;
  readonly hybrid?: true;
  readonly quiet?: true;
  readonly check?: true;
}

/** A torrent to make. */
interface Job {
  readonly contentPath: string;
  readonly targetPath: string;
}

const PIECE_SIZE_POW2 = 18;
const PIECE_SIZE_POW2_MIN = 14;
const PIECE_SIZE_POW2_MAX = 24;

const SUFFIX = ".torrent";

/** Adds `make` and `make-dir` to `torrent`. */
export function defineMake(torrent: Command, rim: ToolRim, exitWith: ExitWith): void {
  const make = torrent.command("make")
    .summary("make a .torrent file of a file or folder")
    .description("Makes a .torrent file beside the file or folder. BitTornado's other order, URL first, works as well.")
    .argument("<file>", "file or folder")
    .argument("<announce-url>", "the standard announce")
    .argument("[more...]", "more files or folders, a torrent for each");
  addMakeOptions(make, "--target <out>", "write it here (default: beside the file, with .torrent added)");
  make.action(async (file: string, announce: string, more: string[], flags: MakeFlags) => {
    const [url, ...paths] = announceFirst([file, announce, ...more]);
    exitWith(
      await exitCodeOf(rim, () => {
        if (flags.target && paths.length > 1) {
          throw new Mistake("Cannot start: --target names one file, and there are several to make");
        }
        const jobs = paths.map((path) => ({ contentPath: path, targetPath: flags.target || targetBeside(path) }));
        return makeAll(rim, jobs, readChoice(rim, url, flags), flags);
      }),
    );
  });

  const makeDir = torrent.command("make-dir")
    .summary("make a .torrent file for each entry of a folder")
    .description("Makes a .torrent file for each file and folder in a folder that lacks one. Hidden ones are left out.")
    .argument("<dir>", "folder")
    .argument("<announce-url>", "the standard announce")
    .argument("[more...]", "more folders");
  addMakeOptions(makeDir, "--target <dir>", "look for torrents, and write them, in this folder (default: the same)");
  makeDir.action(async (dir: string, announce: string, more: string[], flags: MakeFlags) => {
    const [url, ...dirs] = announceFirst([dir, announce, ...more]);
    exitWith(
      await exitCodeOf(rim, () => {
        const choice = readChoice(rim, url, flags);
        return makeAll(rim, dirs.flatMap((dir) => jobsOfFolder(rim, dir, flags)), choice, flags);
      }),
    );
  });
}

function addMakeOptions(command: Command, targetFlags: string, targetHelp: string): void {
  addListOption(command);
  const range = `${PIECE_SIZE_POW2_MIN} to ${PIECE_SIZE_POW2_MAX}`;
  addOption(command, "--piece-size-pow2 <n>", `pieces of 2^n bytes, ${range} (default: ${PIECE_SIZE_POW2}, 256 KiB)`);
  command.option("--comment <text>", "a comment for people").option(targetFlags, targetHelp);
  addOption(command, "--web-seed <url>", "where the same files can be had over HTTP (BEP 19); repeatable", true);
  command
    .option("--private", "peers from these trackers only (BEP 27)")
    .option("--v1", "BEP 3, which every program reads (default)")
    .option("--hybrid", "BEP 3 and BEP 52 in one")
    .option("--v2", "BEP 52 only, which few programs read")
    .option("--check", "ask each tracker and say which answers")
    .option("-q, --quiet", "print mistakes and warnings only");
}

/** The words with the announce URL first, whichever of the first two it is. */
function announceFirst([first, second, ...rest]: string[]): string[] {
  const isUrl = (word: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(word);
  return isUrl(first) && !isUrl(second) ? [first, second, ...rest] : [second, first, ...rest];
}

function readChoice(rim: ToolRim, announce: string, flags: MakeFlags): TorrentChoice {
  const trackers = readTrackerChoice(announce, flags.announceList);
  const versions = (["v1", "v2", "hybrid"] as const).filter((version) => flags[version]);
  if (versions.length > 1) throw new Mistake("Cannot start: of --v1, --v2 and --hybrid only one can be asked for");
  const webSeeds = flags.webSeed ?? [];
  const badSeed = webSeeds.find((url) => !/^(https?|ftp):\/\/[^/]/i.test(url) || !URL.canParse(url));
  if (badSeed !== undefined) {
    throw new Mistake(`Cannot start: --web-seed must be an http, https or ftp URL, and is ${JSON.stringify(badSeed)}`);
  }
  const pow2Text = flags.pieceSizePow2 ?? `${PIECE_SIZE_POW2}`;
  const pow2 = readWhole("--piece-size-pow2", pow2Text, PIECE_SIZE_POW2_MIN, PIECE_SIZE_POW2_MAX);
  warnOfTrackers(rim, "this choice of trackers", trackers);
  return {
    ...trackers,
    version: versions[0] ?? "v1",
    pieceLengthBytes: 2 ** pow2,
    isPrivate: flags.private ?? false,
    webSeeds,
    comment: flags.comment || undefined,
    createdBy: VERSION_LINE,
    creationDateSeconds: rim.unixSeconds(),
  };
}

/** What `make-dir` has to do in `dir`. */
function jobsOfFolder(rim: ToolRim, dir: string, flags: MakeFlags): Job[] {
  const targetDir = flags.target || dir;
  const names = namesIn(dir);
  const present = new Set(namesIn(targetDir));
  const wanted = names.filter((name) => {
    return !name.startsWith(".") && !name.endsWith(SUFFIX) && resolve(dir, name) !== resolve(targetDir);
  });
  const missing = wanted.filter((name) => !present.has(name + SUFFIX));
  if (missing.length === 0) {
    const why = wanted.length === 0 ? "has nothing to make torrents of" : "has a torrent for every entry already";
    if (!flags.quiet) rim.print(`${printable(dir)}: ${why}`);
  }
  return missing.map((name) => ({ contentPath: join(dir, name), targetPath: join(targetDir, name + SUFFIX) }));
}

function namesIn(dir: string): string[] {
  try {
    return sortedNames(dir);
  } catch (error) {
    throw new Mistake(`Cannot read the folder ${JSON.stringify(dir)}: ${diskFault(error)}`);
  }
}

function targetBeside(path: string): string {
  const isDots = /(^|[/\\])\.{1,2}[/\\]*$/.test(path);
  return (isDots ? resolve(path) : path.replace(/(?<=.)[/\\]+$/, "")) + SUFFIX;
}

async function makeAll(
  rim: ToolRim,
  jobs: readonly Job[],
  choice: TorrentChoice,
  flags: MakeFlags,
): Promise<number> {
  const { exitCode, first } = await makeEach(rim, jobs, choice, flags);
  if (flags.check && first !== undefined) {
    for (const line of describeChecks(await checkTrackers(rim, trackersOf(choice), first))) rim.print(line);
  }
  return exitCode;
}

/** Makes one torrent after the other. A signal ends it with nothing half written. Returns the first torrent made. */
async function makeEach(
  rim: ToolRim,
  jobs: readonly Job[],
  choice: TorrentChoice,
  flags: MakeFlags,
): Promise<{ exitCode: number; first?: Metainfo }> {
  const stop = rim.catchStop();
  try {
    let exitCode = 0;
    let first: Metainfo | undefined;
    for (const job of jobs) {
      const made = await makeOne(rim, job, choice, flags, stop);
      if (made === "stopped") return { exitCode: stop.exitCode() };
      if (made === "fault") exitCode = EXIT_NOT_DONE;
      else first ??= made;
    }
    return first === undefined ? { exitCode } : { exitCode, first };
  } finally {
    stop.release();
  }
}

async function makeOne(
  rim: ToolRim,
  job: Job,
  choice: TorrentChoice,
  flags: MakeFlags,
  stop: StopCatch,
): Promise<Metainfo | "fault" | "stopped"> {
  let progress: Progress | undefined;
  const outcome = await makeTorrent({ ...job, choice }, {
    workers: rim.workers,
    signal: stop.signal,
    onListed: ({ name, files }) => {
      const totalBytes = files.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
      if (!flags.quiet) progress = new Progress(rim, printable(name), totalBytes);
    },
    onHashed: (bytes) => progress?.add(bytes),
  });
  progress?.end();
  switch (outcome.kind) {
    case "stopped":
      rim.printError(`Stopped: ${JSON.stringify(job.targetPath)} is not written`);
      return "stopped";
    case "fault":
      rim.printError(describeFault(job, outcome.path, outcome.reason));
      return "fault";
    case "made":
      if (!flags.quiet) { for (const line of describeMade(job, outcome.torrent, outcome.content)) rim.print(line); }
      return outcome.torrent;
  }
}

function describeFault({ contentPath }: Job, path: string, reason: string): string {
  const where = path === contentPath ? "" : `${JSON.stringify(path)}: `;
  return `Cannot make a torrent of ${JSON.stringify(contentPath)}: ${where}${printable(reason)}`;
}

function describeMade({ targetPath }: Job, torrent: Metainfo, content: ContentTree): string[] {
  const { files, totalBytes, pieceCount, pieceLengthBytes, infoHashV1, infoHashV2 } = torrent;
  const pieces = `${formatCount(pieceCount, "piece")} of ${formatBytes(pieceLengthBytes)}`;
  const { hiddenCount, specialCount } = content;
  const hashes = [infoHashV1, infoHashV2].flatMap((hash) => hash === undefined ? [] : [formatHex(hash)]);
  return [
    `${printable(targetPath)}: ${formatCount(files.length, "file")}, ${formatBytes(totalBytes)}, ${pieces}; info hash ${
      hashes.join(" and ")
    }`,
    ...(hiddenCount > 0 ? [`  left out: ${hiddenCount} hidden`] : []),
    ...(specialCount > 0 ? [`  left out: ${specialCount} that are sockets, pipes or devices`] : []),
  ];
}
