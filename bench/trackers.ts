/** The trackers that are compared: how each is started, and what it can do. */
import { VERSION } from "../src/version.ts";
import { writeInfoHashes } from "./generator.ts";
import { findProgram, Program, runProgram } from "./program.ts";
import { firstAnswer, freePort, keepsAlive } from "./probe.ts";
import { makeScratchFolder } from "./scratch.ts";

/** How a tracker is started. */
export interface StartOptions {
  /** Torrents it must serve: the first so many of the generators. */
  readonly torrents: number;
  /** Threads that answer; only ours has a choice. */
  readonly fronts: number;
  /** Lines of ours for its config file. */
  readonly settings?: string;
  /** Cores it may run on; every core if left out. */
  readonly cores?: string;
}

/** A command and the folder to run it in. */
export interface StartCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** A tracker to compare. */
export interface Tracker {
  readonly name: string;
  /** With what it runs on, for the report. */
  readonly version: string;
  /** Slow enough that it is given a tenth of the swarms where only memory is measured. */
  readonly slow: boolean;
  /** Writes what it needs into `folder`. Returns the command that serves `port` of 127.0.0.1, TCP and UDP. */
  prepare(port: number, folder: string, options: StartOptions): StartCommand | Promise<StartCommand>;
}

/** A tracker that answers. */
export interface RunningTracker {
  readonly tracker: Tracker;
  readonly port: number;
  readonly program: Program;
  /** From its start to its first answer over both UDP and HTTP. */
  readonly startSeconds: number;
  /** Whether it keeps an HTTP connection open that asks for it. */
  readonly keepsAlive: boolean;
}

const PROJECT = new URL("..", import.meta.url).pathname;
const BITTORRENT_TRACKER_VERSION = "11.2.3";
/** A start takes longer when packages are downloaded first. */
const START_SECONDS_MAX = 60;

/** Ours, run from source with the flags of `deno task start`. */
export function waggle(): Tracker {
  const { tasks }: { tasks: Record<string, string> } = JSON.parse(Deno.readTextFileSync(`${PROJECT}deno.json`));
  const [, ...flags] = tasks.start.split(" ");
  return {
    name: "waggle",
    version: `${VERSION} on Deno ${Deno.version.deno}`,
    slow: false,
    async prepare(port, folder, { fronts, settings }) {
      const config = `${folder}/tracker.conf`;
      await Deno.writeTextFile(config, `tracker.workers ${fronts}\n${settings ?? ""}`);
      const args = [...flags, "-f", config, "-i", "127.0.0.1", "-p", `${port}`, "-P", `${port}`];
      return { command: Deno.execPath(), args, cwd: PROJECT };
    },
  };
}

/** The C tracker. A build with a whitelist serves nothing else, so it is given the list of the bench's torrents. */
async function opentracker(path: string): Promise<Tracker> {
  const { stderr } = await new Deno.Command(path, { args: ["-h"] }).output();
  const hasWhitelist = new TextDecoder().decode(stderr).includes("-w whitelistfile");
  return {
    name: "opentracker",
    version: await debianVersion(path) ?? "of unknown version",
    slow: false,
    async prepare(port, folder, { torrents }) {
      // As root it changes its root to the folder and becomes nobody, and reads the list after that.
      const list = hasWhitelist ? ["-w", "whitelist"] : [];
      if (hasWhitelist) await writeInfoHashes(torrents, `${folder}/whitelist`);
      const args = ["-i", "127.0.0.1", "-p", `${port}`, "-P", `${port}`, "-d", folder, ...list];
      return { command: path, args, cwd: folder };
    },
  };
}

/** The tracker of WebTorrent, on the same Deno. */
function bittorrentTracker(): Tracker {
  return {
    name: "bittorrent-tracker",
    version: `${BITTORRENT_TRACKER_VERSION} on Deno ${Deno.version.deno}`,
    slow: true,
    prepare(port, folder) {
      const script = new URL("./bittorrent_tracker_server.ts", import.meta.url).pathname;
      const args = ["run", "--no-prompt", "-A", "--no-lock", "--no-config", script];
      args.push(BITTORRENT_TRACKER_VERSION, `${port}`);
      return { command: Deno.execPath(), args, cwd: folder };
    },
  };
}

/** The trackers named in `names` that this machine has, ours first; `tell` is called with what is missing. */
export async function findTrackers(
  names: readonly string[],
  opentrackerPath: string | undefined,
  tell: (sentence: string) => void,
): Promise<Tracker[]> {
  const found: Tracker[] = names.includes("waggle") ? [waggle()] : [];
  if (names.includes("opentracker")) {
    const path = opentrackerPath ?? findProgram("opentracker");
    if (path === undefined) tell("opentracker is not installed (apt install opentracker): its rows are left out");
    else found.push(await opentracker(path));
  }
  if (names.includes("bittorrent-tracker")) found.push(bittorrentTracker());
  return found;
}

/** Starts a tracker and waits until it answers. Throws if it does not. */
export async function startTracker(tracker: Tracker, options: StartOptions): Promise<RunningTracker> {
  const folder = await makeScratchFolder(), port = freePort();
  const { command, args, cwd } = await tracker.prepare(port, folder, options);
  const startedAt = performance.now();
  const cores = options.cores === undefined ? {} : { cores: options.cores };
  const program = Program.start(tracker.name, command, args, { cwd, ...cores });
  try {
    const answeredAt = await firstAnswer(port, START_SECONDS_MAX, () => program.checkRunning());
    const startSeconds = (answeredAt - startedAt) / 1000;
    return { tracker, port, program, startSeconds, keepsAlive: await keepsAlive(port) };
  } catch (error) {
    await program.stop();
    throw error;
  }
}

async function debianVersion(path: string): Promise<string | undefined> {
  if (!path.startsWith("/usr/") || findProgram("dpkg-query") === undefined) return undefined;
  const version = await runProgram("dpkg-query", ["-W", "-f", "${Version}", "opentracker"]).catch(() => undefined);
  return version && `${version} (Debian)`;
}
