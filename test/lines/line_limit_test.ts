/** Lines of a thread: a burst passes, a flood is counted. */
import assert from "node:assert/strict";
import { LINE_CHARS_MAX, LineLimit, LINES_BURST_MAX, LINES_PER_SECOND } from "../../src/lines/line_limit.ts";

class Heard {
  nowMs = 0;
  readonly lines: string[] = [];
  readonly limit = new LineLimit((line) => this.lines.push(line), () => this.nowMs);

  flood(lines: number): void {
    for (let i = 0; i < lines; i++) this.limit.say("again", true);
  }
}

Deno.test("LineLimit passes a burst, and from then on a few lines a second", () => {
  const heard = new Heard();
  heard.flood(100_000);
  assert.equal(heard.lines.length, LINES_BURST_MAX);
  heard.lines.length = 0;
  for (let second = 0; second < 60; second++) {
    heard.nowMs += 1000;
    heard.flood(1000);
  }
  const said = heard.lines.filter((line) => line === "again").length;
  assert.equal(said, 60 * LINES_PER_SECOND);
});

Deno.test("LineLimit says how many lines it left out, all of them, when it is asked to", () => {
  const heard = new Heard(), lines = 5000;
  for (let round = 0; round < 2; round++) {
    heard.flood(lines);
    heard.limit.sayLeftOut();
    heard.limit.sayLeftOut();
    heard.nowMs += 10_000;
  }
  const leftOut = heard.lines.flatMap((line) => /^(\d+) more lines were left out$/.exec(line)?.slice(1) ?? []);
  const passed = heard.lines.filter((line) => line === "again").length;
  assert.equal(leftOut.length, 2);
  assert.equal(passed + leftOut.reduce((sum, count) => sum + Number(count), 0), 2 * lines);
});

Deno.test("LineLimit cuts a line that is too long", () => {
  const heard = new Heard();
  heard.limit.say("x".repeat(LINE_CHARS_MAX + 1), false);
  assert.deepEqual(heard.lines, [`${"x".repeat(LINE_CHARS_MAX)} …`]);
});

Deno.test("LineLimit lets no line pass for another's, or move the terminal", () => {
  const heard = new Heard();
  heard.limit.say("one\nplugin passkey: forged\r\nmore\n    at stack\x1b[2J\x00\tend", false);
  assert.deepEqual(heard.lines, ["one\n  plugin passkey: forged\n  more\n    at stack\ufffd[2J\ufffd\tend"]);
});
