/** What comes through a FIFO while the tracker is restarted without a gap: a line reaches the process that serves. */
import assert from "node:assert/strict";
import { HttpClient } from "../support/http_client.ts";
import { startKeptTracker, withStatePath } from "../support/state.ts";
import { writeConfig } from "../support/tracker_process.ts";

const ON_LINUX = { ignore: Deno.build.os !== "linux" };
/** Longest wait for a line to be in force. */
const LINES_MS_MAX = 30_000;

Deno.test(
  "a tracker that goes on after a restart that failed reads its FIFO again",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""),
      settings = {
        "tracker.state": path,
        "tracker.memory": 64,
        "access.blacklist": `${folder}/list`,
        "access.fifo_add": `${folder}/fifo`,
      };
    Deno.writeTextFileSync(`${folder}/list`, "");
    const tracker = await startKeptTracker(writeConfig(folder, settings));
    writeConfig(folder, { ...settings, "tracker.workers": "many" });
    Deno.kill(tracker.pid, "SIGUSR2");
    await tracker.waitFor(/^reload-binary: the new process does not take over, this one goes on: it ended/m);
    const client = await HttpClient.connect(tracker.httpPort);
    await writeFifo(`${folder}/fifo`, "61".repeat(20));
    await untilAnswered(client, 0x61, /not authorized/);
    client.close();
    assert.equal(await tracker.stop("SIGTERM"), 0);
  }),
);

Deno.test(
  "what comes through a FIFO while a process takes over reaches the new one",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""),
      settings = {
        "tracker.state": path,
        "tracker.memory": 64,
        "http.idle_seconds": 2,
        "access.whitelist": `${folder}/list`,
        "access.fifo_add": `${folder}/fifo`,
      };
    Deno.writeTextFileSync(`${folder}/list`, "");
    const tracker = await startKeptTracker(writeConfig(folder, settings));
    // The old process has a connection to wait for, and stays beside the new one for a while.
    const kept = await HttpClient.connect(tracker.httpPort), left = /^state: the other process has left$/m;
    assert.match(await kept.announce({ infoHash: new Uint8Array(20), port: 1, left: 0 }), /not authorized/);
    Deno.kill(tracker.pid, "SIGUSR2");
    await tracker.waitFor(/^reload-binary: process \d+ takes over/m);
    let lines = 0;
    for (; lines < 255 && !left.test(tracker.printed()); lines++) {
      await writeFifo(`${folder}/fifo`, (lines + 1).toString(16).padStart(2, "0").repeat(20));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await tracker.waitFor(left);
    kept.close();
    const client = await HttpClient.connect(tracker.httpPort);
    await untilAnswered(client, lines, /5:peers/);
    for (let line = 1; line <= lines; line++) await untilAnswered(client, line, /5:peers/, 0);
    client.close();
    Deno.kill(Number(/process (\d+) takes over/.exec(tracker.printed())![1]), "SIGTERM");
    await tracker.stop();
  }),
);

async function writeFifo(path: string, line: string): Promise<void> {
  const fifo = await Deno.open(path, { write: true });
  await fifo.write(new TextEncoder().encode(`${line}\n`));
  fifo.close();
}

/** Announces the info hash of 20 times `byte` until the answer is `want`. */
async function untilAnswered(client: HttpClient, byte: number, want: RegExp, msMax = LINES_MS_MAX): Promise<void> {
  const endMs = performance.now() + msMax;
  for (;;) {
    const answer = await client.announce({ infoHash: new Uint8Array(20).fill(byte), port: 1, left: 0 });
    if (want.test(answer)) return;
    assert.ok(performance.now() < endMs, `hash ${byte}: ${answer}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
