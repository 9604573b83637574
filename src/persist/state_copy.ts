/**
 * A copy of a state file that a tracker may be writing to: of one moment, whole, compact and as secret as the file, or
 * not there. By SQLite's backup and not by VACUUM INTO, which attaches the copy: the runtime lets only those attach who
 * may do everything.
 */
import { basename, dirname } from "node:path";
import { damagedRow, isOfSource, StateFault, toStateFault } from "./state_fault.ts";
import { StateFile } from "./state_file.ts";
import { removeDatabase, tryCreateSecretFile } from "./state_making.ts";
import { keptPaths } from "./state_paths.ts";

/** Copies `file` to `target`, which must not exist. Throws a StateFault that names the one of the two that is at fault. */
export async function copyState(file: StateFile, target: string): Promise<void> {
  if (isKept(file.path, target)) {
    throw new StateFault(target, "has the name of a file that the tracker makes and removes itself", "name another");
  }
  reserve(target);
  try {
    // Pages are copied as they are, damaged and free ones too.
    const [problem] = file.problems();
    if (problem !== undefined) throw damagedRow(file.path, problem);
    await file.copyPages(target);
    compact(target);
  } catch (error) {
    removeDatabase(target);
    throw toStateFault(isOfSource(error) ? file.path : target, error);
  }
}

// Whether it would lie where whoever keeps the file at `path` has its own: a later start would remove it.
function isKept(path: string, target: string): boolean {
  const isOfSame = keptPaths(basename(path)).includes(basename(target));
  try {
    return isOfSame && Deno.realPathSync(dirname(path)) === Deno.realPathSync(dirname(target));
  } catch (error) {
    throw toStateFault(target, error);
  }
}

function reserve(target: string): void {
  try {
    if (tryCreateSecretFile(target)) return;
  } catch (error) {
    throw toStateFault(target, error);
  }
  throw new StateFault(target, "exists", "name a new file");
}

function compact(path: string): void {
  const copy = StateFile.open(path, { isLocked: true });
  copy.compact();
  copy.close();
}
