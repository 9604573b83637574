/** Giving root up where the system lets a part of it fail. What it comes to where all works is in test/e2e/root_test.ts. */
import assert from "node:assert/strict";
import { runProgram, testWith } from "../support/programs.ts";
import { commandFromSource } from "../support/tracker_process.ts";

const PROGRAM = new URL("../support/no_seccomp.ts", import.meta.url).pathname;

/** Runs the program with `before` in front of it. Resolves to what leaveRoot returned. */
async function leaveWithoutFilters(...before: string[]): Promise<string> {
  const [deno, run, ...flags] = commandFromSource(), config = flags.slice(0, flags.indexOf("--config") + 2);
  const [command, ...words] = [...before, deno!, run!, ...config, "-A", PROGRAM];
  const { code, text } = await runProgram(command!, words);
  assert.equal(code, 0, text);
  return text;
}

Deno.test({
  name: "leaveRoot() refuses when threads of the runtime keep a way to gain rights",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    assert.match(
      await leaveWithoutFilters(),
      /Cannot start: started as root, and that could not be given up: \d+ threads may still gain rights through other programs \(seccomp: Function not implemented\)/,
    );
  },
});

testWith(
  ["setpriv"],
  "leaveRoot() needs no filter of calls where no thread had such a way from the start",
  async () => {
    // It comes to the next step, and fails there: its user stays root, or never was.
    assert.match(
      await leaveWithoutFilters("setpriv", "--no-new-privs", "--"),
      /given up: (setgroups|users 0, 0, 0 are left)/,
    );
  },
);
