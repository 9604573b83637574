/**
 * What a tracker that was started as root does about it: which user it becomes and which folder it is confined to,
 * decided before it binds anything. As opentracker does it, but it never goes on as root, and no group is left.
 */
import { dirname, isAbsolute } from "node:path";
import type { Config, Problem } from "../config/config.ts";
import { rowOf, SETTING_KEYS } from "../config/schema.ts";
import { enterDirectory } from "./enter_directory.ts";
import { isInside } from "./from_source.ts";
import { findUser, type User } from "./user.ts";

/** Root is left. */
export interface LeavePlan {
  readonly kind: "leave";
  readonly user: User;
  /** The folder the tracker works in: its real path. */
  readonly root: string;
  /** Whether it becomes the root of all paths. */
  readonly confines: boolean;
  /** The config as it is to be read from then on. */
  readonly config: Config;
  /** Lines for the operator. */
  readonly lines: readonly string[];
}

/** The user stays as it is: there is nothing to give up, or nothing that can be. */
export interface StayPlan {
  readonly kind: "stay";
  readonly config: Config;
  readonly lines: readonly string[];
}

/** What the system says. */
export interface Situation {
  readonly os: string;
  /** Null where users have no numbers. */
  readonly uid: number | null;
  /** The program is the compiled one, which needs no file. */
  readonly isStandalone: boolean;
  /** Text of /etc/passwd; empty when it cannot be read. */
  readonly passwd: string;
  /** Real path of the folder the tracker works in: that of `tracker.rootdir`, where it has gone. */
  readonly root: string;
}

/** Goes to the directory of the config, and decides there what becomes of root, or says why it cannot. */
export function enterAndPlan(config: Config): LeavePlan | StayPlan | Problem {
  const found = enterDirectory(config);
  return "sentence" in found ? found : planPrivileges(found, lookAround());
}

/** The situation of this process. */
export function lookAround(): Situation {
  const uid = Deno.build.os === "windows" ? null : Deno.uid();
  return { os: Deno.build.os, uid, isStandalone: Deno.build.standalone, passwd: readPasswd(), root: Deno.cwd() };
}

/** Decides. Returns the plan, or the sentence that says why the tracker cannot start. */
export function planPrivileges(config: Config, situation: Situation): LeavePlan | StayPlan | Problem {
  const { os, uid, isStandalone } = situation, { given, settings } = config;
  const stay = (...lines: string[]): StayPlan => ({ kind: "stay", config, lines });
  const user = findUser(situation.passwd, settings["tracker.user"]);
  if (uid !== 0) {
    const isWanted = !given.has("tracker.user") || user?.uid === uid;
    return isWanted
      ? stay()
      : stay(`tracker.user ${settings["tracker.user"]} has no effect: only root can change users`);
  }
  if (os !== "linux") return stay(`Running as root: on ${os} the tracker does not change its user. ${START_AS_OTHER}`);
  if (!isStandalone && !given.has("tracker.user") && !given.has("tracker.rootdir")) {
    return stay(`Running as root: from its sources the tracker gives that up only with -u or -d. ${START_AS_OTHER}`);
  }
  const shown = JSON.stringify(settings["tracker.user"]);
  if (user === null) {
    return { sentence: `Cannot start: tracker.user must be a number or a user of /etc/passwd, and is ${shown}` };
  }
  if (user.uid === 0 || user.gid === 0) {
    return { sentence: `Cannot start: tracker.user must be neither root nor of its group, and is ${shown}` };
  }
  return planConfinement(config, user, situation);
}

const START_AS_OTHER = "Start it as a user that owns nothing else.";

function planConfinement(config: Config, user: User, { root, isStandalone }: Situation): LeavePlan | Problem {
  const leave = { kind: "leave", user, root, confines: true } as const;
  if (!isStandalone && !isInside(root)) {
    const line =
      `from its sources the tracker is not confined to ${root}: its own files must be in reach, and are not there`;
    return { ...leave, confines: false, config, lines: [line] };
  }
  const configFile = config.configFile === null ? null : pathInside(root, config.configFile);
  const lost = configFile === null ? findPluginsBeside(config) : null;
  if (lost !== null) {
    return {
      sentence: `Cannot start: plugins are read from inside tracker.rootdir ${root}, and ${lost} is not in there: ` +
        "move it, or name another folder with plugins.dir",
    };
  }
  return { ...leave, config: { ...config, configFile }, lines: listPathsOutside(config, root) };
}

// The path of a file as it is seen from inside `root`; null when it is not in there, or was a pipe that is gone.
function pathInside(root: string, path: string): string | null {
  try {
    const real = Deno.realPathSync(path);
    if (root === "/") return real;
    return real.startsWith(`${root}/`) ? real.slice(root.length) : null;
  } catch {
    return null;
  }
}

// The plugins that would be loaded if nothing were confined: those beside the config file.
function findPluginsBeside({ configFile, settings }: Config): string | null {
  const folder = settings["plugins.dir"];
  if (configFile === null || isAbsolute(folder)) return null;
  const beside = `${dirname(configFile)}/${folder}`;
  return exists(beside) ? beside : null;
}

// Paths that lead to something now, and to nothing from inside `root`.
function listPathsOutside({ given, settings }: Config, root: string): string[] {
  return SETTING_KEYS.filter((key) => rowOf(key).kind === "path" && key !== "tracker.rootdir" && given.has(key))
    .map((key) => ({ key, path: String(settings[key as "tracker.state"]) }))
    .filter(({ path }) => isAbsolute(path) && exists(path) && !exists(`${root}${path}`))
    .map(({ key, path }) => `${key} ${path} is not in tracker.rootdir ${root}, and paths are seen from inside it`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function readPasswd(): string {
  try {
    return Deno.readTextFileSync("/etc/passwd");
  } catch {
    return "";
  }
}
