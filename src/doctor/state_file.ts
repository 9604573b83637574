/** Where `tracker.state` is kept: whether it can be written, whether it is ours, and how much room there is. */
import { statfsSync } from "node:fs";
import { StateFault, toStateFault } from "../persist/state_fault.ts";
import { StateLock } from "../persist/state_lock.ts";
import { isStateFile } from "../persist/state_making.ts";
import type { Examined } from "./examined.ts";
import { cannotTell, type Found, ok, problem, warning } from "./finding.ts";
import { ENTER, findRunAs, locate, READ, refuseAccess, type RunAs, WRITE } from "./run_as.ts";
import { quote } from "./shell.ts";

/** Below this a write may fail any minute; below the second, a busy week can use it up. */
const FREE_BYTES_MIN = 64 * 1024 * 1024, FREE_BYTES_WANTED = 1024 * 1024 * 1024;
/** Files that SQLite and the tracker keep beside it. */
const BESIDE = ["", "-wal", "-shm", ".lock", ".lock.sqlite"];

/** Looks at the folder, the file, what lies beside it, and the disk. */
export function checkStateFile(examined: Examined): Found[] {
  const named = examined.config.settings["tracker.state"], user = findRunAs(examined);
  if (named === null) return [ok("nothing is kept: tracker.state is not set")];
  // Why it would not start is said with the other files.
  if (user === null) return [];
  const path = locate(user, named);
  const folder = path.replace(/[^/]*$/, "") || ".", there = BESIDE.map((end) => path + end).filter(isThere);
  const refused = [
    refuseAccess(user, folder, ENTER),
    refuseAccess(user, folder, WRITE),
    ...there.flatMap((file) => [refuseAccess(user, file, READ), refuseAccess(user, file, WRITE)]),
  ].find((refused) => refused !== null);
  if (refused) return [problem(`tracker.state: ${refused.why}`, ...refused.commands)];
  const fault = findFault(path), isRepaired = examined.config.settings["tracker.state_repair"];
  if (fault?.isDamage && isRepaired) {
    return [warning(`${fault.message}: this start would do so`), checkRoom(folder, path)];
  }
  if (fault !== null) return [problem(fault.message)];
  return [ok(describeKeeping(user, path)), checkRoom(folder, path)];
}

// Why a start would refuse what is there, by its first bytes; null = it would not.
function findFault(path: string): StateFault | null {
  try {
    const { isFile, isDirectory } = isThere(path) ? Deno.statSync(path) : { isFile: true, isDirectory: false };
    // A FIFO would be waited for.
    if (!isFile && !isDirectory) return new StateFault(path, "is not a regular file", "name another in tracker.state");
    isStateFile(path);
    return null;
  } catch (error) {
    return toStateFault(path, error);
  }
}

function describeKeeping({ name }: RunAs, path: string): string {
  const keeper = keeperOf(path);
  if (keeper !== null) return `${path} is kept by process ${keeper}`;
  return `${path} can be written by ${name}${isThere(path) ? "" : ", and is made at the start"}`;
}

function keeperOf(path: string): number | null {
  try {
    return StateLock.keeperOf(path);
  } catch (error) {
    if (error instanceof StateFault) return null;
    throw error;
  }
}

function checkRoom(folder: string, path: string): Found {
  let free: number;
  try {
    const { bavail, bsize } = statfsSync(folder);
    free = bavail * bsize;
  } catch {
    return cannotTell(`the system does not say how much room there is in ${folder}`);
  }
  // A copy of the whole file is made when it is compacted or backed up.
  const wanted = Math.max(FREE_BYTES_WANTED, isThere(path) ? 2 * Deno.statSync(path).size : 0);
  const found = `${Math.floor(free / 1024 / 1024)} MiB are free where ${path} lies`, look = `df -h ${quote(folder)}`;
  if (free < FREE_BYTES_MIN) return problem(`${found}: it cannot be written much longer`, look);
  return free < wanted ? warning(found, look) : ok(found);
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    // What cannot be looked at may be there.
    return !(error instanceof Deno.errors.NotFound);
  }
}
