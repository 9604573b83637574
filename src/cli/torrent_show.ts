/** `tracker torrent show`: what torrent files say, for people and as JSON. */
import type { Command } from "commander";
import type { Metainfo } from "../torrent/metainfo.ts";
import type { ContentFile } from "../torrent/metainfo_files.ts";
import { readTorrent } from "../torrent/read_torrent.ts";
import { printable } from "../torrent/safe_path.ts";
import { adviseTrackers } from "../torrent/announce_list.ts";
import { formatOutcome, jsonOfNoAnswer } from "./ask_options.ts";
import type { ExitWith } from "./commands.ts";
import { formatBytes, formatCount, formatHex } from "./quantity.ts";
import { EXIT_NOT_DONE, exitCodeOf, type ToolRim } from "./tool_rim.ts";
import { type CheckedTracker, checkTrackers, trackersOf, warnOfTrackers } from "./tracker_choice.ts";

interface ShowFlags {
  readonly json?: true;
  readonly check?: true;
}

/** Letters before a value. */
const NAME_CHARS = 14;

/** Letters of a size in the tree of files. */
const SIZE_CHARS = 11;

/** Adds `show` to `torrent`. */
export function defineShow(torrent: Command, rim: ToolRim, exitWith: ExitWith): void {
  torrent.command("show")
    .summary("print what .torrent files say")
    .description("Prints name, size, pieces, info hashes, trackers in their tiers, and files.")
    .argument("<file...>", ".torrent files")
    .option("--json", "print one JSON object a line for each file")
    .option("--check", "ask each tracker and say which answers")
    .action(async (files: string[], flags: ShowFlags) => {
      exitWith(await exitCodeOf(rim, () => showAll(rim, files, flags)));
    });
}

async function showAll(rim: ToolRim, files: readonly string[], { json, check }: ShowFlags): Promise<number> {
  let exitCode = 0;
  for (const file of files) {
    const torrent = readTorrent(file);
    if ("kind" in torrent) {
      rim.printError(`Cannot show ${JSON.stringify(file)}: ${printable(torrent.reason)}`);
      exitCode = EXIT_NOT_DONE;
      continue;
    }
    const checked = check ? await checkTrackers(rim, trackersOf(torrent), torrent) : undefined;
    if (json) {
      rim.print(JSON.stringify(jsonOfTorrent(file, torrent, checked)));
      continue;
    }
    rim.print(printable(file));
    for (const line of describeTorrent(torrent, checked)) rim.print(line);
    for (const warning of torrent.warnings) rim.printError(`Warning: ${JSON.stringify(file)}: ${printable(warning)}`);
    warnOfTrackers(rim, JSON.stringify(file), torrent);
  }
  return exitCode;
}

/** One line for each tracker that was asked. */
export function describeChecks(checked: readonly CheckedTracker[]): string[] {
  return checked.map(({ url, asked }) => row("check", `${url} ${formatOutcome(asked)}`));
}

/** A name and its value as `show` prints them, fit for a terminal. */
export function row(name: string, value: string): string {
  return `  ${name.padEnd(NAME_CHARS)}${printable(value)}`;
}

/** The lines that say which trackers a torrent has. */
export function describeTrackers({ announce, tiers }: Pick<Metainfo, "announce" | "tiers">): string[] {
  return [
    row("announce", announce ?? "none"),
    ...(tiers ?? []).flatMap((tier, index) => tier.map((url, i) => row(i === 0 ? `tier ${index + 1}` : "", url))),
  ];
}

function describeTorrent(torrent: Metainfo, checked: readonly CheckedTracker[] | undefined): string[] {
  const { name, totalBytes, files, pieceCount, pieceLengthBytes, infoHashV1, infoHashV2, comment } = torrent;
  const { createdBy, creationDateSeconds, webSeeds } = torrent;
  const isSingle = files.length === 1 && files[0].path.length === 0;
  return [
    row("name", name),
    row("size", `${formatSize(totalBytes)}${isSingle ? "" : ` in ${formatCount(files.length, "file")}`}`),
    row("pieces", `${pieceCount} of ${formatBytes(pieceLengthBytes)}`),
    ...(infoHashV1 === undefined ? [] : [row("info hash v1", formatHex(infoHashV1))]),
    ...(infoHashV2 === undefined ? [] : [row("info hash v2", formatHex(infoHashV2))]),
    ...describeTrackers(torrent),
    ...webSeeds.map((url) => row("web seed", url)),
    ...(torrent.isPrivate ? [row("private", "yes")] : []),
    ...(createdBy === undefined ? [] : [row("made by", createdBy)]),
    ...(creationDateSeconds === undefined ? [] : [row("made on", formatDate(creationDateSeconds))]),
    ...(comment === undefined ? [] : [row("comment", comment)]),
    ...(isSingle ? [] : [row("files", ""), ...describeFiles(files)]),
    ...describeChecks(checked ?? []),
  ].map((line) => line.trimEnd());
}

function formatSize(bytes: number): string {
  return bytes < 1024 ? formatBytes(bytes) : `${formatBytes(bytes)} (${bytes} bytes)`;
}

/** The files as a tree: a line for each folder when it is entered, sizes before the names. */
function describeFiles(files: readonly ContentFile[]): string[] {
  const lines: string[] = [];
  let around: readonly string[] = [];
  for (const { path, lengthBytes } of files) {
    const folders = path.slice(0, -1);
    const shared = folders.findIndex((folder, depth) => folder !== around[depth]);
    for (let depth = shared < 0 ? folders.length : shared; depth < folders.length; depth++) {
      lines.push(treeRow("", depth, `${folders[depth]}/`));
    }
    lines.push(treeRow(formatBytes(lengthBytes), folders.length, path[path.length - 1]));
    around = folders;
  }
  return lines;
}

function treeRow(size: string, depth: number, name: string): string {
  return `  ${size.padStart(SIZE_CHARS)}  ${"  ".repeat(depth)}${printable(name)}`;
}

/** A Unix time as a date; the number itself when no calendar has it. */
function formatDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds}` : date.toISOString().replace("T", " ").replace(".000Z", " UTC");
}

function jsonOfTorrent(
  file: string,
  torrent: Metainfo,
  checked: readonly CheckedTracker[] | undefined,
): Record<string, unknown> {
  const { announce, tiers, name, totalBytes, pieceLengthBytes, pieceCount, isPrivate, webSeeds, comment } = torrent;
  return {
    file,
    name,
    totalBytes,
    pieceLengthBytes,
    pieceCount,
    infoHashV1: torrent.infoHashV1 && formatHex(torrent.infoHashV1),
    infoHashV2: torrent.infoHashV2 && formatHex(torrent.infoHashV2),
    announce,
    tiers,
    isPrivate,
    webSeeds,
    comment,
    createdBy: torrent.createdBy,
    creationDateSeconds: torrent.creationDateSeconds,
    files: torrent.files.map(({ path, lengthBytes }) => ({ path: path.join("/") || name, lengthBytes })),
    warnings: [...torrent.warnings, ...adviseTrackers(announce, tiers)],
    checks: checked?.map(({ url, asked: { outcome, milliseconds } }) => ({
      url,
      milliseconds: Math.round(milliseconds),
      ...(outcome.kind === "answer" ? { outcome: "answer" } : jsonOfNoAnswer(outcome)),
    })),
  };
}
