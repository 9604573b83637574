/** What becomes of a tracker whose lines nobody takes: it serves, its time goes on, and it stops when it is told. */
import assert from "node:assert/strict";
import { makeFifo } from "../../src/fifo.ts";
import { announceRequest, exchange } from "../support/app.ts";
import { commandFromSource, freePort } from "../support/tracker_process.ts";

/** What a pipe of Linux holds. */
const PIPE_BYTES = 65_536;

Deno.test(onLinux("a full disk"), () => serveInto(">/dev/full 2>/dev/full"));

Deno.test(onLinux("closed streams"), () => serveInto(">&- 2>&-"));

Deno.test(onLinux("a pipe that is full and that nobody reads"), () =>
  withPipe(async (path, pipe) => {
    await pipe.write(new Uint8Array(PIPE_BYTES));
    await serveInto(`>${path} 2>&1`);
  }));

Deno.test(onLinux("a pipe whose reader goes"), () =>
  withPipe((path, pipe) =>
    serveInto(`>${path} 2>&1`, async () => {
      await pipe.read(new Uint8Array(1));
      pipe.close();
    })
  ));

function onLinux(where: string) {
  const name = `a tracker that prints to ${where} serves on and stops when it is told`;
  return { name, ignore: Deno.build.os !== "linux" };
}

// A pipe with a name. Open for reading and writing, so that neither end waits for the other.
async function withPipe(test: (path: string, pipe: Deno.FsFile) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync(), path = `${folder}/pipe`;
  assert.equal(makeFifo({ path, setting: "a test" }), null);
  const pipe = await Deno.open(path, { read: true, write: true });
  try {
    await test(path, pipe);
  } finally {
    try {
      pipe.close();
    } catch {
      // The test has closed it.
    }
    Deno.removeSync(folder, { recursive: true });
  }
}

// Runs a tracker whose streams are `redirection`, in the shell's words.
async function serveInto(redirection: string, onServing: () => Promise<void> = () => Promise.resolve()): Promise<void> {
  const port = freePort();
  const words = [...commandFromSource(), "-i", "127.0.0.1", "-p", port, "-P", port].join(" ");
  const tracker = new Deno.Command("sh", {
    args: ["-c", `exec ${words} ${redirection}`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let hasEnded = false;
  const ended = tracker.status.finally(() => hasEnded = true);
  try {
    const before = await uptimeSeconds(port, () => hasEnded);
    await onServing();
    // The supervisor has something to say, and its clock goes on.
    tracker.kill("SIGHUP");
    while (await uptimeSeconds(port, () => hasEnded) <= before);
    assert.match(await exchange(port, announceRequest("o", 1001)), /8:complete/);
    tracker.kill("SIGTERM");
    assert.equal((await ended).code, 0);
  } finally {
    if (!hasEnded) tracker.kill("SIGKILL");
    await ended;
  }
}

// Waits until it answers.
async function uptimeSeconds(port: number, hasEnded: () => boolean): Promise<number> {
  for (;;) {
    assert.ok(!hasEnded(), "it has ended by itself");
    try {
      const text = await exchange(port, "GET /stats?mode=json HTTP/1.1\r\n\r\n");
      return Number(/"uptimeSeconds": (\d+)/.exec(text)?.[1]);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
  }
}
