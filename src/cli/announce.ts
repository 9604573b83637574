/** `tracker announce`: announces to any tracker and prints what came back. */
import type { Command } from "commander";
import { formatEndpoint } from "../client/endpoint.ts";
import type { AnnounceAnswer, AnnounceEvent, AnnounceQuestion, Asked } from "../client/question.ts";
import { printable } from "../torrent/safe_path.ts";
import {
  addAskOptions,
  type AskFlags,
  formatOutcome,
  jsonOfNoAnswer,
  newPeerId,
  readAskOptions,
  readInfoHash,
  readWhole,
} from "./ask_options.ts";
import type { Register } from "./commands.ts";
import { formatHex } from "./quantity.ts";
import { EXIT_NOT_DONE, exitCodeOf, Mistake, REAL_RIM, sayThrough, type ToolRim } from "./tool_rim.ts";

interface AnnounceFlags extends AskFlags {
  readonly event?: string;
  readonly port: string;
  readonly left: string;
  readonly uploaded: string;
  readonly downloaded: string;
  readonly numwant?: string;
  readonly peerId?: string;
  readonly stay?: true;
  readonly json?: true;
}

const EVENTS: readonly string[] = ["started", "stopped", "completed", "paused"];

/** A port that few trackers refuse. */
const PORT = 51413;

const PEER_ID_BYTES = 20;
const NUMWANT_MAX = 10_000;

/** Registers `announce` for a given world. */
export function registerAnnounce(rim: ToolRim): Register {
  return (command, exitWith) => {
    sayThrough(rim, command);
    define(command).action(async (url: string, hash: string, flags: AnnounceFlags) => {
      exitWith(await exitCodeOf(rim, () => announce(rim, url, hash, flags)));
    });
  };
}

/** Registers `announce` as the program runs it. */
export const register: Register = registerAnnounce(REAL_RIM);

function define(command: Command): Command {
  command
    .summary("announce to any tracker and print its answer")
    .description(
      "Announces to an HTTP or UDP tracker and prints what comes back. Without --event or --stay it leaves the swarm " +
        "again at once, so that no peer is listed that is not there. Exit code 0: answered; 1: refused or silent.",
    )
    .argument("<url>", "announce URL: http, https or udp")
    .argument("<hash>", "info hash in hex, or the name of a .torrent file")
    .option("--event <event>", `send this event only: ${EVENTS.join(", ")}`)
    .option("--stay", "do not leave the swarm again")
    .option("--port <port>", "port to announce", `${PORT}`)
    .option("--left <bytes>", "bytes still to download: 0 is a seeder", "1")
    .option("--uploaded <bytes>", "bytes uploaded", "0")
    .option("--downloaded <bytes>", "bytes downloaded", "0")
    .option("--numwant <peers>", "peers wanted (default: left to the tracker)")
    .option("--peer-id <text>", "peer id of 20 letters (default: this program's)")
    .option("--json", "print one JSON object");
  addAskOptions(command);
  return command;
}

async function announce(rim: ToolRim, url: string, hash: string, flags: AnnounceFlags): Promise<number> {
  const options = readAskOptions(flags);
  const question = readQuestion(rim, hash, flags);
  const asked = await rim.askAnnounce(url, question, options);
  const leaves = flags.event === undefined && flags.stay === undefined && asked.outcome.kind === "answer";
  if (leaves) await rim.askAnnounce(url, { ...question, event: "stopped", numwant: 0 }, options);

  if (flags.json) rim.print(JSON.stringify(jsonOfAnnounce(url, question, asked)));
  else for (const line of describeAnnounce(url, asked)) rim.print(line);
  return asked.outcome.kind === "answer" ? 0 : EXIT_NOT_DONE;
}

function readQuestion(rim: ToolRim, hash: string, flags: AnnounceFlags): AnnounceQuestion {
  const { event = "", numwant, peerId } = flags;
  if (event !== "" && !EVENTS.includes(event)) {
    throw new Mistake(`Cannot start: --event must be one of ${EVENTS.join(", ")}, and is ${JSON.stringify(event)}`);
  }
  const bytes = (name: "left" | "uploaded" | "downloaded") =>
    readWhole(`--${name}`, flags[name], 0, Number.MAX_SAFE_INTEGER);
  return {
    infoHash: readInfoHash(hash),
    peerId: peerId === undefined ? newPeerId(rim) : readPeerId(peerId),
    port: readWhole("--port", flags.port, 0, 65_535),
    uploaded: bytes("uploaded"),
    downloaded: bytes("downloaded"),
    left: bytes("left"),
    event: event as AnnounceEvent,
    numwant: numwant === undefined ? undefined : readWhole("--numwant", numwant, 0, NUMWANT_MAX),
    key: new DataView(rim.randomBytes(4).buffer).getUint32(0),
  };
}

function readPeerId(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length === PEER_ID_BYTES) return bytes;
  throw new Mistake(
    `Cannot start: --peer-id must be ${PEER_ID_BYTES} bytes, and ${JSON.stringify(text)} is ${bytes.length}`,
  );
}

function describeAnnounce(url: string, asked: Asked<AnnounceAnswer>): string[] {
  const { outcome, milliseconds, answeredBy = "the tracker" } = asked;
  if (outcome.kind !== "answer") return [`${printable(url)}: ${formatOutcome(asked)}`];
  const rows: [string, string | number | undefined][] = [
    ["interval", `${outcome.interval} s`],
    ["min interval", outcome.minInterval === undefined ? undefined : `${outcome.minInterval} s`],
    ["seeders", outcome.complete],
    ["leechers", outcome.incomplete],
    ["downloads", outcome.downloaded],
    ["warning", outcome.warning],
    ["tracker id", outcome.trackerId],
    ["external ip", outcome.externalIp],
    ["peers", outcome.peers.length],
  ];
  return [
    `${printable(url)}: ${answeredBy} answers in ${Math.round(milliseconds)} ms`,
    ...rows.filter(([, value]) => value !== undefined).map(([name, value]) => {
      return `  ${name.padEnd(13)} ${printable(`${value}`)}`;
    }),
    ...outcome.peers.map(({ address, port }) => `    ${formatEndpoint(printable(address), port)}`),
  ];
}

function jsonOfAnnounce(
  url: string,
  { infoHash }: AnnounceQuestion,
  { outcome, milliseconds, answeredBy }: Asked<AnnounceAnswer>,
): Record<string, unknown> {
  const asked = { url, infoHash: formatHex(infoHash), milliseconds: Math.round(milliseconds), answeredBy };
  if (outcome.kind !== "answer") return { ...asked, ...jsonOfNoAnswer(outcome) };
  const { kind, ...fields } = outcome;
  return { ...asked, outcome: kind, ...fields };
}
