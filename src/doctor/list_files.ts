/** Files the config names: whether the tracker's user can do with them what the tracker does. */
import type { SettingKey } from "../config/schema.ts";
import { FILE_BYTES_MAX } from "../denied_networks.ts";
import type { Examined } from "./examined.ts";
import { type Found, ok, problem, warning } from "./finding.ts";
import { ENTER, findRunAs, locate, READ, refuseAccess, type RunAs, WRITE } from "./run_as.ts";
import { quote } from "./shell.ts";

/** Settings that name a file or folder to be read. */
const LISTS = ["access.whitelist", "access.blacklist"] as const satisfies SettingKey[];
/** Settings that name a file to be read, and its longest, bytes. */
const FILES = { "access.deny_networks": FILE_BYTES_MAX, "tracker.load_statedump": Infinity } as const satisfies Partial<
  Record<SettingKey, number>
>;
/** Settings that name a FIFO. */
const FIFOS = ["access.fifo_add", "access.fifo_delete"] as const satisfies SettingKey[];

/** Looks at the user, at each list or other file, and at each FIFO. */
export function checkFiles(examined: Examined): Found[] {
  const { config: { settings }, privileges } = examined, user = findRunAs(examined);
  if ("sentence" in privileges) return [problem(privileges.sentence.replace(/^Cannot start: /, ""))];
  if (user === null) return [];
  const lists = LISTS.flatMap((key) => settings[key] === null ? [] : [checkList(user, key, settings[key])]);
  const read = (Object.keys(FILES) as (keyof typeof FILES)[]).flatMap((key) =>
    settings[key] === null ? [] : [refuseFile(user, key, settings[key]) ?? checkList(user, key, settings[key])]
  );
  const fifos = FIFOS.flatMap((key) => settings[key] === null ? [] : [checkFifo(user, key, settings[key])]);
  const lines = privileges.lines.map((line) => warning(line));
  return [describeUser(user, examined), ...lines, ...lists, ...read, ...fifos];
}

function describeUser({ name, uid, root }: RunAs, { running, privileges }: Examined): Found {
  const number = uid < 0 ? "" : ` (uid ${uid})`, place = root === "" ? "" : `, confined to ${root}`;
  const as = `the tracker ${running === null ? "would run" : "runs"} as ${name}${number}${place}`;
  if (uid !== 0) return ok(as);
  // What it says of itself at the start is said below.
  const { lines } = "lines" in privileges ? privileges : { lines: [] };
  return warning(as, ...(lines.length > 0 ? [] : ["User=nobody   # in [Service] of its systemd unit"]));
}

function checkList(user: RunAs, key: string, path: string): Found {
  const at = locate(user, path);
  const refused = refuseAccess(user, at, READ) ?? (isFolder(at) ? refuseAccess(user, at, ENTER) : null);
  return refused === null ? ok(`${key} ${path} can be read`) : problem(`${key}: ${refused.why}`, ...refused.commands);
}

// Null: it is not there, or what the tracker reads.
function refuseFile(user: RunAs, key: keyof typeof FILES, path: string): Found | null {
  const stat = statOf(locate(user, path)), bytesMax = FILES[key];
  if (stat === null) return null;
  if (!stat.isFile) {
    return problem(`${key}: ${path} is not a regular file`, `ls -ld ${quote(path)}   # shows what it is`);
  }
  if (stat.size <= bytesMax) return null;
  return problem(`${key}: ${path} has ${stat.size} bytes, and ${bytesMax} are read at most`);
}

// One that is not there is made by the tracker, in a folder it must be able to write to.
function checkFifo(user: RunAs, key: string, path: string): Found {
  const at = locate(user, path), stat = statOf(at);
  if (stat !== null && !stat.isFifo) {
    return problem(
      `${key}: ${path} is not a FIFO`,
      `${key} PATH   # in its config: one where nothing is; it is made then`,
    );
  }
  const folder = at.replace(/[^/]*$/, "") || ".";
  const refused = stat === null
    ? refuseAccess(user, folder, WRITE)
    : refuseAccess(user, at, READ) ?? refuseAccess(user, at, WRITE);
  if (refused !== null) return problem(`${key}: ${refused.why}`, ...refused.commands);
  return ok(stat === null ? `${key} ${path} is made at the start` : `${key} ${path} can be read`);
}

function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}

function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory ?? false;
}
