import assert from "node:assert/strict";
import { SERVE_OPTIONS } from "../../src/cli/serve_options.ts";
import { VERSION } from "../../src/version.ts";

/** Runs the program itself to its end. */
async function main(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const path = new URL("../../main.ts", import.meta.url).href;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", path, ...args],
    env: { NO_COLOR: "1" },
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { exitCode: code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("main prints usage and a line for each option with -h", async () => {
  const { exitCode, stdout, stderr } = await main("-h");
  assert.equal(exitCode, 0);
  assert.equal(stdout, "");
  assert.match(stderr, /^Usage: tracker /);
  for (const { letter } of SERVE_OPTIONS) assert.match(stderr, new RegExp(`^\\t--?${letter} `, "m"));
  assert.match(stderr, /^\tserve /m);
});

Deno.test("main prints the version with -v", async () => {
  assert.deepEqual(await main("-v"), { exitCode: 0, stdout: "", stderr: `waggle ${VERSION}\n` });
});

Deno.test("main takes serve by name", async () => {
  assert.deepEqual(await main("serve", "--version"), { exitCode: 0, stdout: "", stderr: `waggle ${VERSION}\n` });
});

Deno.test("main answers an unknown option with the usage line and 1", async () => {
  const { exitCode, stderr } = await main("-x");
  assert.equal(exitCode, 1);
  assert.match(stderr, /^Usage: tracker /m);
});

Deno.test("main answers an unknown command with a sentence and 1", async () => {
  const { exitCode, stderr } = await main("swim");
  assert.equal(exitCode, 1);
  assert.match(stderr, /^Cannot start: the first word must be an option or a command \(serve.*\), and is "swim"\n$/);
});

Deno.test("main answers a bad setting with one sentence and 1", async () => {
  const file = Deno.makeTempFileSync({ suffix: ".conf" });
  try {
    Deno.writeTextFileSync(file, "# workers\ntracker.workers many\n");
    const { exitCode, stderr } = await main("-f", file);
    assert.equal(exitCode, 1);
    assert.equal(stderr, `Cannot start: tracker.workers must be 0 to 64, and is "many" (${file} line 2)\n`);
  } finally {
    Deno.removeSync(file);
  }
});
