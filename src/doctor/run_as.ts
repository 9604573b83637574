/**
 * The user the tracker would run as, and what that user may do with files: by their modes, as the kernel goes by them.
 */
import { accessSync, constants } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { findUser, type User } from "../privileges/user.ts";
import type { Examined } from "./examined.ts";
import { quote } from "./shell.ts";

/** A user of the system, and from where it sees files. */
export interface RunAs extends User {
  /** It is the user who runs the doctor, for whom the system itself can be asked. */
  readonly isSelf: boolean;
  /** The folder that is `/` for it; empty for the system's own. */
  readonly root: string;
}

/** Rights to a file or folder, as bits of its mode. */
export const READ = 4, WRITE = 2, ENTER = 1;

/** A folder of the tracker's own, where nothing is configured. */
const HOME = "/var/lib/tracker";

const WORDS = { [READ]: "read", [WRITE]: "write to", [ENTER]: "enter" } as const;

/**
 * The user of the tracker that runs, or else the one that a tracker started by whoever runs the doctor would become. Null:
 * it would not start.
 */
export function findRunAs({ files, uid, running, privileges }: Examined): RunAs | null {
  if ("sentence" in privileges) return null;
  const root = privileges.kind === "leave" && privileges.confines ? privileges.root : "";
  const passwd = files.text("/etc/passwd") ?? "", status = files.text(`/proc/${running?.pid}/status`) ?? "";
  const [, runningUid] = /^Uid:\s+\d+\s+(\d+)/m.exec(status) ?? [];
  const user = runningUid !== undefined
    ? findUser(passwd, runningUid)
    : privileges.kind === "leave"
    ? privileges.user
    : findUser(passwd, `${uid}`);
  return user === null ? { ...NOBODY_KNOWN, root } : { ...user, isSelf: user.uid === uid, root };
}

/** Where users have no numbers. */
const NOBODY_KNOWN = { name: "this user", uid: -1, gid: -1, isSelf: true } as const;

/** Where a path of the config leads to, as the doctor sees it. */
export function locate({ root }: RunAs, path: string): string {
  return isAbsolute(path) ? root + path : path;
}

/** Why `user` may not do what `right` says with what is at `path`, a located one, and what to type; null: it may. */
export function refuseAccess(
  user: RunAs,
  path: string,
  right: number,
): { readonly why: string; readonly commands: readonly string[] } | null {
  const file = realPath(path);
  if (file === null) {
    return { why: `there is no ${path}, or it cannot be looked at`, commands: [`ls -ld ${quote(path)}`] };
  }
  if (user.isSelf) return may(file, right) ? null : refusal(user, file, right);
  // What is above the folder from which it is looked for need not be entered.
  const from = user.root !== "" ? user.root : isAbsolute(path) ? "/" : Deno.cwd();
  for (const folder of foldersTo(file).filter((folder) => !isBelow(from, folder))) {
    if (!isGranted(user, folder, ENTER)) return refusal(user, folder, ENTER);
  }
  return isGranted(user, file, right) ? null : refusal(user, file, right);
}

function refusal(user: RunAs, path: string, right: number): { why: string; commands: string[] } {
  const { mode, uid } = Deno.statSync(path), octal = ((mode ?? 0) & 0o7777).toString(8).padStart(4, "0");
  const verb = WORDS[right as keyof typeof WORDS], isFolder = Deno.statSync(path).isDirectory;
  const commands = right === READ
    ? [`chmod a+r ${quote(path)}`]
    : right === ENTER
    ? [`chmod a+x ${quote(path)}   # or keep the file where ${user.name} may go`]
    // A folder that is not the tracker's is better left to whose it is.
    : isFolder
    ? [`install -d -o ${quote(user.name)} ${HOME}   # and name a path in there`]
    : [`chown ${quote(user.name)} ${quote(path)}`];
  return { why: `${user.name} may not ${verb} ${path} (mode ${octal}, owner ${uid})`, commands };
}

// The first set of bits that is meant for the user counts, and no other.
function isGranted({ uid, gid }: RunAs, path: string, right: number): boolean {
  if (uid === 0) return true;
  const { mode, uid: owner, gid: group } = Deno.statSync(path);
  const bits = (mode ?? 0) >> (owner === uid ? 6 : group === gid ? 3 : 0);
  return (bits & right) !== 0;
}

function may(path: string, right: number): boolean {
  try {
    const { R_OK, W_OK, X_OK } = constants;
    accessSync(path, right === READ ? R_OK : right === WRITE ? W_OK : X_OK);
    return true;
  } catch {
    return false;
  }
}

function realPath(path: string): string | null {
  try {
    return Deno.realPathSync(resolve(path));
  } catch {
    return null;
  }
}

// Whether `path` is a folder below `folder`.
function isBelow(path: string, folder: string): boolean {
  return path !== folder && path.startsWith(folder === "/" ? folder : `${folder}/`);
}

// Every folder above a path, the root first.
function foldersTo(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersTo(above), above];
}
