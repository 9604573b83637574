/** The lock beside a state file: one program has it, whichever runtime runs it, and who looks at it disturbs nobody. */
import assert from "node:assert/strict";
import { StateFault } from "../../src/persist/state_fault.ts";
import { StateLock } from "../../src/persist/state_lock.ts";
import { runProgram } from "../support/programs.ts";
import { listFolder, withStatePath } from "../support/state.ts";

const KEPT = /is kept by another tracker that runs/;

Deno.test(
  "StateLock excludes others of its own process and of other processes until it is closed",
  withStatePath(async (path) => {
    const lock = StateLock.open(path, false), shared = StateLock.open(path, true);
    assert.throws(() => StateLock.open(path, false), KEPT);
    assert.equal(shared.tryHold(), false);
    assert.match(await lockElsewhere(path), KEPT);
    lock.close();
    assert.equal(await lockElsewhere(path), "free");
    assert.deepEqual([shared.tryHold(), shared.tryHold()], [true, true]);
    assert.throws(() => StateLock.open(path, false), KEPT);
    shared.close();
    StateLock.open(path, false).close();
    assert.deepEqual(listFolder(path), ["tracker.sqlite.lock 600", "tracker.sqlite.lock.sqlite 600"]);
  }),
);

Deno.test(
  "StateLock.keeperOf() names who has signed the lock, and leaves it as it is",
  withStatePath(async (path) => {
    assert.equal(StateLock.keeperOf(path), null);
    assert.deepEqual(listFolder(path), [], "a look makes nothing");
    const lock = StateLock.open(path, false);
    assert.equal(StateLock.keeperOf(path), null, "a tool has it");
    lock.sign(4711);
    assert.equal(StateLock.keeperOf(path), 4711);
    lock.sign(52);
    assert.equal(StateLock.keeperOf(path), 52);
    assert.match(await lockElsewhere(path), KEPT);
    lock.close();
    assert.equal(StateLock.keeperOf(path), null, "whose it was is of no interest");
  }),
);

Deno.test(
  "StateLock takes over what an earlier version has left, and makes it secret",
  withStatePath((path) => {
    for (const end of [".lock", ".lock.sqlite"]) Deno.writeTextFileSync(path + end, end === ".lock" ? "4711" : "");
    for (const end of [".lock", ".lock.sqlite"]) Deno.chmodSync(path + end, 0o644);
    const lock = StateLock.open(path, false);
    assert.equal(StateLock.keeperOf(path), null);
    assert.ok(listFolder(path).includes("tracker.sqlite.lock.sqlite 600"));
    lock.close();
  }),
);

for (const end of [".lock", ".lock.sqlite"]) {
  Deno.test(
    `StateLock.open() takes nothing that is wrong with FILE${end} for another tracker, and names it`,
    withStatePath((path) => {
      Deno.mkdirSync(path + end);
      assert.throws(
        () => StateLock.open(path, false),
        (error) =>
          error instanceof StateFault && error.message.includes(JSON.stringify(path + end)) &&
          !KEPT.test(error.message),
      );
      Deno.removeSync(path + end);
      StateLock.open(path, false).close();
    }),
  );
}

/** Has another process take the lock and give it up. Resolves to "free" or to what it says. */
async function lockElsewhere(path: string): Promise<string> {
  const module = new URL("../../src/persist/state_lock.ts", import.meta.url);
  const script = `import { StateLock } from "${module}";
    try { StateLock.open("${path}", false).close(); console.log("free"); } catch (e) { console.log(e.message); }`;
  const { text } = await runProgram(Deno.execPath(), ["eval", "--no-lock", script]);
  return text.trim();
}
