/** A disk that is full at the start: the sentence says so, and nobody else is blamed for it. */
import assert from "node:assert/strict";
import { toStateFault } from "../../src/persist/state_fault.ts";
import { runProgram } from "../support/programs.ts";
import { NOT_ROOT } from "../support/root.ts";
import { StateRun, withStatePath } from "../support/state.ts";

const FULL = /cannot be written: the disk is full; make room on the disk$/;
/** Room for a new file and what lies beside it, and for little else. */
const DISK = "size=200k";

const obstacle = NOT_ROOT ?? findObstacle();
const name = "Keeper.start() says that the disk is full, whether the file is new or not";
if (obstacle !== null) Deno.test.ignore(`${name} (${obstacle})`, () => {});
else Deno.test(name, withStatePath((path) => onSmallDisk(path, testFullDisk)));

function testFullDisk(path: string): void {
  const rest = `${path}.rest`;
  fillDisk(rest);
  assert.throws(() => new StateRun(path), FULL);
  Deno.removeSync(rest);
  new StateRun(path).keeper.stop();
  fillDisk(rest);
  assert.throws(() => new StateRun(path), FULL);
  Deno.removeSync(rest);
  const run = new StateRun(path);
  assert.match(run.lines[0]!, /^state: 0 torrents and 0 peers loaded from /);
  run.keeper.stop();
}

Deno.test("toStateFault() knows the system's and SQLite's words for a full disk", () => {
  const rows = [{ code: "ENOSPC" }, { code: "EDQUOT" }, { code: "ERR_SQLITE_ERROR", errcode: 13 }]
    .concat({ code: "ERR_SQLITE_ERROR", errcode: 4874 });
  for (const row of rows) {
    assert.match(toStateFault("/a", Object.assign(new Error("no"), row)).message, FULL, JSON.stringify(row));
  }
  const other = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 });
  assert.match(toStateFault("/a", other).message, /cannot be read or written \(disk I\/O error\); see to the disk$/);
});

/** Runs `test` with the path of a state file on a disk of its own. */
async function onSmallDisk(path: string, test: (path: string) => void): Promise<void> {
  const disk = `${path}.disk`;
  Deno.mkdirSync(disk);
  const { code, text } = await runProgram("mount", ["-t", "tmpfs", "-o", DISK, "tmpfs", disk]);
  assert.equal(code, 0, text);
  try {
    test(`${disk}/tracker.sqlite`);
  } finally {
    await runProgram("umount", [disk]);
  }
}

// To the last byte.
function fillDisk(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const bytes of [4096, 1]) {
    try {
      for (;;) file.writeSync(new Uint8Array(bytes));
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, "ENOSPC");
    }
  }
}

// Why no disk can be had, or null.
function findObstacle(): string | null {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_disk_" });
  try {
    const args = ["-t", "tmpfs", "-o", DISK, "tmpfs", folder];
    if (!new Deno.Command("mount", { args }).outputSync().success) return "no disk can be mounted";
    new Deno.Command("umount", { args: [folder] }).outputSync();
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "needs mount";
    throw error;
  } finally {
    Deno.removeSync(folder);
  }
}
