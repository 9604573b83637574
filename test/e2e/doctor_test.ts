/** `tracker doctor`, with the permissions the program has, beside a tracker that runs and without one. */
import assert from "node:assert/strict";
import type { Finding } from "../../src/doctor/finding.ts";
import { runProgram } from "../support/programs.ts";
import { asOrdinaryUser } from "../support/root.ts";
import { withFolder } from "../support/tool_world.ts";
import { commandFromSource, freePort, startTracker, writeConfig } from "../support/tracker_process.ts";

const EXECUTABLE = Deno.env.get("EXECUTABLE");
const COMMAND = EXECUTABLE === undefined ? commandFromSource() : [EXECUTABLE];
const HOST = "127.0.0.1";
/** Exit code when the config cannot be read. */
const EXIT_CANNOT_LOOK = 111;

async function doctor(...args: string[]): Promise<{ code: number; text: string }> {
  const [program, ...first] = COMMAND;
  return await runProgram(program!, [...first, "doctor", ...args], { env: { NO_COLOR: "1" } });
}

async function findings(...args: string[]): Promise<{ code: number; findings: readonly Finding[] }> {
  const { code, text } = await doctor(...args, "--json"), { counts, findings } = JSON.parse(text);
  assert.equal(code, counts.problem === 0 ? 0 : 1, text);
  return { code, findings };
}

const said = (findings: readonly Finding[], name: string) =>
  findings.filter(({ check }) => check === name).map(({ state, says }) => `${state}: ${says}`);

Deno.test("doctor finds the tracker that runs", () =>
  withFolder(async (folder) => {
    const config = writeConfig(folder, {
      "tracker.memory": 64,
      "http.connections_max": 100,
      "tracker.state": `${folder}/t.sqlite`,
    });
    await using tracker = await startTracker(["-f", config], undefined, asOrdinaryUser(COMMAND, folder));
    const ports = ["-i", HOST, "-p", `${tracker.httpPort}`, "-P", `${tracker.udpPort}`];
    const { findings: found } = await findings(...ports, "-f", config);
    const isLinux = Deno.build.os === "linux", who = isLinux ? `(process ${tracker.pid})` : "";
    const listeners = said(found, "listeners");
    assert.equal(listeners.length, 2);
    for (const line of listeners) {
      assert.match(line, /^ok: (tcp|udp) 127\.0\.0\.1:\d+: a tracker answers on 127\.0\.0\.1/);
    }
    for (const line of [...listeners, ...said(found, "file limit")]) {
      assert.ok(line.includes(who), line);
    }
    assert.match(said(found, "state")[0]!, new RegExp(`t\\.sqlite is kept by process ${tracker.pid}$`));
    assert.match(said(found, "plugins")[0]!, /^ok: \d+ would load: .*stats_opentracker/);
    if (isLinux) {
      assert.match(said(found, "udp losses")[0]!, /^ok: no datagram was dropped on the UDP ports, by \d+ socket/);
    }
    assert.deepEqual(said(found, "config"), [`ok: ${config} is understood`]);
    assert.equal(await tracker.stop(), 0);
  }));

Deno.test("doctor says what is wrong before a start, one line each, with what to type", () =>
  withFolder(async (folder) => {
    const [tcp, udp] = [freePort(), freePort()];
    const config = writeConfig(folder, {
      "listen.tcp": `${HOST}:${tcp}`,
      "listen.udp": `${HOST}:${udp}`,
      "access.whitelist": `${folder}/none.txt`,
      "tracker.colour": "blue",
    });
    const { code, text } = await doctor("-f", config);
    assert.equal(code, 1, text);
    assert.match(text, /^warning +config +Unhandled line in config file: tracker\.colour blue \(.* line 4\)$/m);
    assert.match(
      text,
      new RegExp(`^warning +listeners +tcp ${HOST}:${tcp}: no tracker runs there; the port is free$`, "m"),
    );
    assert.match(
      text,
      new RegExp(`^warning +listeners +udp ${HOST}:${udp}: no tracker runs there; the port is free$`, "m"),
    );
    assert.match(text, /^problem +files +access\.whitelist: there is no .*none\.txt.*\n +ls -ld .*none\.txt$/m);
    assert.match(text, /^\d+ problems?, \d+ warnings?, \d+ cannot be told, \d+ ok$/m);
    assert.deepEqual(Deno.readDirSync(folder).toArray().length, 1, "nothing was made");
  }));

Deno.test("doctor ends with 111 without a config", () =>
  withFolder(async (folder) => {
    const missing = await doctor("-f", `${folder}/none.conf`);
    assert.deepEqual(missing, {
      code: EXIT_CANNOT_LOOK,
      text: `Cannot look: the config file "${folder}/none.conf" cannot be read\n`,
    });
    const bad = await doctor("-f", writeConfig(folder, { "tracker.workers": "many" }));
    assert.equal(bad.code, EXIT_CANNOT_LOOK);
    assert.match(bad.text, /^Cannot start: tracker\.workers must be 0 to 64, and is "many" \(.* line 1\)\n$/);
    const misplaced = await doctor("-d", `${folder}/none`);
    assert.equal(misplaced.code, EXIT_CANNOT_LOOK);
    assert.match(misplaced.text, /^Cannot look: tracker\.rootdir must be a directory, and is ".*\/none" \(.*\)\n$/);
  }));
