/** `tracker reload-binary`: whom it tells, and what it says when there is nobody to tell. */
import assert from "node:assert/strict";
import { Command } from "commander";
import { registerReload } from "../../src/cli/reload_binary.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { withStatePath } from "../support/state.ts";

/** Nobody's: the kernel's numbers end far below. */
const PID = 2 ** 30;

async function reload(path: string, canSignal = true) {
  const told: number[] = [];
  let exitCode = -1, out = "", errors = "";
  const command = new Command("tracker reload-binary").exitOverride();
  registerReload({
    print: (line) => out += line,
    printError: (line) => errors += line,
    signal: (pid) => told.push(pid) > 0 && canSignal,
  })(command, (code) => exitCode = code);
  await command.parseAsync([path], { from: "user" });
  return { told, exitCode, out, errors };
}

/** What the command says of a file that nobody keeps. */
async function assertNobody(path: string, what: string): Promise<void> {
  const { told, exitCode, errors } = await reload(path);
  assert.deepEqual([told, exitCode], [[], 1], what);
  assert.match(errors, /^No tracker keeps its state in ".*tracker\.sqlite"; name the file/, what);
}

Deno.test(
  "tracker reload-binary tells the tracker that keeps the file, and no other process",
  withStatePath(async (path) => {
    await assertNobody(path, "no file");
    const tracker = StateFile.open(path);
    tracker.sign(PID);
    assert.deepEqual(await reload(path), {
      told: [PID],
      exitCode: 0,
      out: `process ${PID} was told to restart`,
      errors: "",
    });
    const refused = await reload(path, false);
    assert.deepEqual([refused.told, refused.exitCode], [[PID], 1]);
    assert.match(refused.errors, /^Process \d+ cannot be signalled; run this as the tracker's user$/);
    tracker.close();
    await assertNobody(path, "the tracker has ended");
    // The number in the lock may be another program's by now.
    const tool = StateFile.open(path);
    await assertNobody(path, "a tool has the file");
    tool.close();
  }),
);

Deno.test(
  "tracker reload-binary tells the one that leaves until it has left, then the one that took over",
  withStatePath(async (path) => {
    const old = StateFile.open(path);
    old.sign(PID);
    const next = StateFile.open(path, { isShared: true });
    assert.equal(next.tryHold(), false);
    assert.deepEqual((await reload(path)).told, [PID]);
    old.close();
    assert.equal(next.tryHold(), true);
    next.sign(PID + 1);
    assert.equal(next.tryHold(), true, "it stays ours, and signed");
    assert.deepEqual((await reload(path)).told, [PID + 1]);
    next.close();
  }),
);
