/** config/tracker.service, as systemd itself reads it. */
import assert from "node:assert/strict";
import { runProgram, testWith } from "../support/programs.ts";

const UNIT = new URL("../../config/tracker.service", import.meta.url).pathname;
/** Exposure by systemd's own reckoning, in tenths; without any hardening it is 96. */
const EXPOSURE_TENTHS_MAX = 20;

testWith(["systemd-analyze"], "systemd finds little that config/tracker.service leaves open", async () => {
  const args = ["security", "--offline=true", `--threshold=${EXPOSURE_TENTHS_MAX}`, "--no-pager", UNIT];
  const { code, text } = await runProgram("systemd-analyze", args);
  assert.match(text, /Overall exposure level for tracker\.service: \d\.\d/);
  assert.equal(code, 0, text);
  // A line that systemd does not know is passed over, with a word about it.
  assert.doesNotMatch(text, /unknown|ignoring|failed to parse/i);
});

Deno.test("config/tracker.service has what the tracker's own words to systemd need", () => {
  const lines = Deno.readTextFileSync(UNIT).split("\n");
  for (const line of ["Type=notify", "NotifyAccess=main", "ExecReload=/bin/kill -HUP $MAINPID"]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(lines.some((line) => /^WatchdogSec=\d+$/.test(line)));
  // As many starts as it takes for the unit to have failed must fit the time in which they are counted.
  const [rest, starts, hours] = [/^RestartSec=(\d+)$/, /^StartLimitBurst=(\d+)$/, /^StartLimitIntervalSec=(\d+)h$/].map(
    (pattern) => Number(lines.map((line) => pattern.exec(line)?.[1]).find((value) => value !== undefined)),
  ) as [number, number, number];
  assert.ok(rest * starts < hours * 3600 / 2, `${starts} starts, one each ${rest} s, in ${hours} h`);
  // The runtime compiles while it runs.
  assert.ok(!lines.some((line) => line.startsWith("MemoryDenyWriteExecute=")));
});
