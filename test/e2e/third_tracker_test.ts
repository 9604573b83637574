/**
 * A restart without a gap whose old process is killed, and a third tracker that is started with the same state file before
 * the new process has its lock: one of them serves, and the other says why not. EXECUTABLE names a compiled tracker.
 */
import assert from "node:assert/strict";
import { HttpClient } from "../support/http_client.ts";
import { runProgram } from "../support/programs.ts";
import { startKeptTracker, withStatePath } from "../support/state.ts";
import { type RunningTracker, writeConfig } from "../support/tracker_process.ts";

const ON_LINUX = { ignore: Deno.build.os !== "linux" };
/** Passes and connections that come to no end in a test. */
const NEVER_SECONDS = 3600;

Deno.test(
  "a new process that waits when its tracker is killed does not serve beside one that was started meanwhile",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), settings = { "tracker.state": path, "tracker.memory": 64 };
    const first = await startKeptTracker(writeConfig(folder, settings)), pipe = `${folder}/pipe`;
    // The new process has loaded, and waits for somebody who writes into it.
    assert.equal((await runProgram("mkfifo", ["-m", "666", pipe])).code, 0);
    writeConfig(folder, { ...settings, "tracker.load_statedump": pipe });
    Deno.kill(first.pid, "SIGUSR2");
    const second = await successorOf(first);
    await first.waitFor(/(loaded from)/);
    await replace(first, second, writeConfig(folder, settings), async () => {
      await Deno.writeTextFile(pipe, "");
      await first.waitFor(/^(Cannot take over: no tracker waits for this one)/m);
    });
  }),
);

Deno.test(
  "a new process that serves when its tracker is killed ends when another has been started meanwhile",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, "");
    const config = writeConfig(folder, {
      "tracker.state": path,
      "tracker.memory": 64,
      "tracker.state_seconds": NEVER_SECONDS,
      "http.idle_seconds": NEVER_SECONDS,
    });
    const first = await startKeptTracker(config);
    // Kept, and silent: the old process has something to wait for.
    const silent = await HttpClient.connect(first.httpPort), busy = await HttpClient.connect(first.httpPort);
    await announce(silent, 1);
    Deno.kill(first.pid, "SIGUSR2");
    const second = await successorOf(first);
    while (!/^connection: close\r$/im.test(await announce(busy, 2)));
    await replace(first, second, config, async () => {
      await first.waitFor(/^(Cannot take over: another tracker was started with the same tracker\.state meanwhile)$/m);
    });
    silent.close();
    busy.close();
  }),
);

/** Kills `first`, starts a third tracker before process `second` knows, and then has `second` go on, which must end. */
async function replace(first: RunningTracker, second: number, config: string, goesOn: () => Promise<void>) {
  Deno.kill(second, "SIGSTOP");
  Deno.kill(first.pid, "SIGKILL");
  const third = await startKeptTracker(config);
  Deno.kill(second, "SIGCONT");
  await goesOn();
  // Both have the same standard output: when it is closed, both have ended.
  await first.stop();
  const client = await HttpClient.connect(third.httpPort);
  await announce(client, 3);
  client.close();
  assert.equal(await third.stop("SIGTERM"), 0);
}

async function announce(client: HttpClient, port: number): Promise<string> {
  const answer = await client.announce({ infoHash: new Uint8Array(20), port, left: 0 });
  assert.match(answer, /^HTTP\/1.1 200/);
  return answer;
}

async function successorOf(tracker: RunningTracker): Promise<number> {
  return Number(await tracker.waitFor(/process (\d+) takes over/));
}
