/** Exit codes of a start that is refused: 1 tells systemd that nothing but an edit of the config helps, 111 to try again. */
import assert from "node:assert/strict";
import { runProgram } from "../support/programs.ts";
import { commandFromSource } from "../support/tracker_process.ts";

const ROWS: readonly (readonly [config: string, code: number, want: RegExp])[] = [
  ["plugin.passkey.foo a", 1, /^Cannot start: plugin passkey has no setting foo \(test\.conf line 1\)$/m],
  ["plugin.passkey.allow net ::1", 1, /^Cannot start: plugin\.passkey\.allow must be .* \(test\.conf line 1\)$/m],
  ["plugin.foo.bar 1", 1, /^Cannot start: there is no plugin foo in .* \(test\.conf line 1\)$/m],
  ["tracker.interval soon", 1, /^Cannot start: tracker\.interval must be .* \(test\.conf line 1\)$/m],
  ["plugins.dir plugns", 111, /^Cannot start: plugins\.dir must be a folder that is there/m],
  ["plugins.dir broken", 111, /^Cannot start: .*broken\/bad\.ts/m],
];

Deno.test("a start that a line of the config keeps from running ends with 1, and one that a file does with 111", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_exit_" }), [program, ...first] = commandFromSource();
  Deno.mkdirSync(`${folder}/broken`);
  Deno.writeTextFileSync(`${folder}/broken/bad.ts`, "export default { name: 'bad', settings: 7 };");
  const args = [...first, "-i", "127.0.0.1", "-p", "0", "-P", "0", "-f", "test.conf"];
  for (const [line, code, want] of ROWS) {
    Deno.writeTextFileSync(`${folder}/test.conf`, `${line}\ntracker.memory 32\ntracker.workers 1\n`);
    const ended = await runProgram(program!, args, { cwd: folder });
    assert.match(ended.text, want);
    assert.equal(ended.code, code, ended.text);
  }
  Deno.removeSync(folder, { recursive: true });
});
