/**
 * A copy of a state file that a tracker may be writing to: of one moment, whole, compact and as secret as the file, or
 * not there. By SQLite's backup and not by VACUUM INTO, which attaches the copy: the runtime lets only those attach who
 * may do everything.
 */
import { damagedRow, isOfSource, StateFault, toStateFault } from "./state_fault.ts";
import { StateFile } from "./state_file.ts";
import { removeDatabase, tryCreateSecretFile } from "./state_making.ts";

/** Copies `file` to `target`, which must not exist. Throws a StateFault that names the one of the two that is at fault. */
export async function copyState(file: StateFile, target: string): Promise<void> {
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
