/** `tracker check` against trackers that run: ours, and Debian's opentracker. */
import assert from "node:assert/strict";
import { runProgram, testWith } from "../support/programs.ts";
import { askHttp } from "../support/raw_client.ts";
import { asOrdinaryUser } from "../support/root.ts";
import { withFolder } from "../support/tool_world.ts";
import {
  commandFromSource,
  type RunningTracker,
  startOpentracker,
  startTracker,
  writeConfig,
} from "../support/tracker_process.ts";

const EXECUTABLE = Deno.env.get("EXECUTABLE");
const COMMAND = EXECUTABLE === undefined ? commandFromSource() : [EXECUTABLE];
const HOST = "127.0.0.1";

async function check(...args: string[]): Promise<{ code: number; text: string }> {
  const [program, ...first] = COMMAND;
  return await runProgram(program!, [...first, "check", "--local", "--timeout", "5", ...args], {
    env: { NO_COLOR: "1" },
  });
}

const urlsOf = ({ httpPort, udpPort }: RunningTracker) => [
  `udp://${HOST}:${udpPort}/announce`,
  `http://${HOST}:${httpPort}/announce`,
];

Deno.test("check passes our own tracker, over both protocols and both families", async () => {
  await using tracker = await startTracker(["-i", "::1", "-p", "0", "-P", "0"], undefined, asOrdinaryUser(COMMAND));
  const six = tracker.sockets.filter(({ hostname }) => hostname === "::1")
    .map(({ protocol, port }) => `${protocol === "udp" ? "udp" : "http"}://[::1]:${port}/announce`);
  // The HTTP ports answer no UDP, which is asked there first: only those of UDP are quick.
  const { code, text } = await check(...six.filter((url) => url.startsWith("udp")), urlsOf(tracker)[0]!);
  assert.equal(code, 0, text);
  assert.match(text, /^udp:\/\/\[::1\]:\d+\/announce: answers as newTrackon wants it$/m);
  assert.match(
    text,
    /^ {2}ok +IPv6 +\[::1\]:\d+ answers in \d+ ms: interval 1\d{3} s, seeders 1, leechers 0, peers 0$/m,
  );
  assert.match(text, /^ {2}ok +IPv4 +127\.0\.0\.1:\d+ answers in \d+ ms: interval 1\d{3} s, /m);
  assert.equal(await tracker.stop(), 0);
});

Deno.test("check says in JSON what a private tracker does wrong, and that access.unknown mends it", () =>
  withFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/white.txt`, `${"61".repeat(20)}\n`);
    for (const unknown of ["refuse", "empty"]) {
      const config = writeConfig(folder, { "access.whitelist": `${folder}/white.txt`, "access.unknown": unknown });
      await using tracker = await startTracker(["-f", config], undefined, asOrdinaryUser(COMMAND, folder));
      const [url] = urlsOf(tracker), { code, text } = await check("--json", url!);
      const [checked] = JSON.parse(text).trackers;
      assert.equal(code, unknown === "empty" ? 0 : 1, text);
      assert.equal(checked.passes, unknown === "empty");
      assert.equal(checked.listedAs, unknown === "empty" ? url : null);
      const [answer] = checked.answers;
      if (unknown === "empty") assert.deepEqual([answer.outcome, answer.family, answer.peers], ["answer", 4, 0]);
      else {
        assert.equal(answer.outcome, "refused");
        assert.match(checked.why, /^it refuses an unknown torrent or client: .*access\.unknown empty/);
      }
      assert.equal(await tracker.stop(), 0);
    }
  }));

testWith(
  ["opentracker"],
  "check says why newTrackon does not list Debian's opentracker, which goes by a list",
  () =>
    withFolder(async (folder) => {
      // It gives up its rights before it reads the list.
      Deno.chmodSync(folder, 0o755);
      Deno.writeTextFileSync(`${folder}/whitelist.txt`, "");
      const isReady = async (port: number) => (await askHttp(port, "GET /announce HTTP/1.0\r\n\r\n")).bytes.length > 0;
      await using tracker = await startOpentracker(["-w", "whitelist.txt"], folder, isReady);
      const { code, text } = await check("--json", "--timeout", "3", ...urlsOf(tracker));
      const [udp, http] = JSON.parse(text).trackers;
      assert.equal(code, 1);
      assert.deepEqual([udp.passes, http.passes], [false, false]);
      assert.match(http.why, /^it refuses an unknown torrent or client: "Requested download is not authorized/);
      // Over UDP its refusal is the head of an answer and nothing more.
      assert.equal(udp.why, "its answer of 8 bytes with action 1 is too short, or answers something else");
    }),
);
