/**
 * A tracker that root confines to a folder, from source and as an executable: nothing of root is left in any thread, what
 * the config names is found inside and nothing else is, and it lives on: parts that fail, reload, stop and start.
 */
import assert from "node:assert/strict";
import { announceRequest, exchange } from "../support/app.ts";
import { freeLowPort, makeOpenFolder, NOBODY, onlyUser, openFolders, privilegesOf } from "../support/root.ts";
import { type RunningTracker, startTracker } from "../support/tracker_process.ts";

/** Time for what is printed sooner or later. */
const PRINTED_MS_MAX = 30_000;

/** A front that is asked for a certain torrent fails: what is thrown outside of any request by nobody ends the part. */
export const FAIL_PLUGIN = `export default {
  name: "fail",
  admitAnnounce(announce) {
    if (announce.infoHash[0] === 102) Promise.reject("as told");
  },
};
`;

const CONFIG = `tracker.workers 1
tracker.memory 32
tracker.state var/tracker.sqlite
tracker.load_statedump /dump
access.whitelist /etc/white
access.fifo_add /var/add
plugin.probe.allow read /
`;

/** What is tried. */
export interface Confined {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Puts into the folder what the program needs there. */
  readonly prepare?: (jail: string) => Promise<void>;
  /** Files of its own, by their path in the folder. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Tries it; needs root. */
export async function tryConfinement({ command, env = {}, prepare, files = {} }: Confined): Promise<void> {
  const jail = makeOpenFolder("waggle_jail_"), secret = makeOpenFolder("waggle_secret_"), low = freeLowPort();
  await prepare?.(jail);
  const outside = ["/etc/passwd", `${secret}/secret`, "/../etc/passwd"];
  writeFiles(secret, { "secret": "not for you" });
  writeFiles(jail, {
    "etc/t.conf": CONFIG,
    "etc/white": `${"61".repeat(20)}\n${"66".repeat(20)}\n`,
    "etc/plugins/fail.js": FAIL_PLUGIN,
    "etc/plugins/probe.js": probePlugin([...outside, "/etc/white"]),
    "dump": `${"61".repeat(20)}:${Math.floor(Date.now() / 60_000)}:7\n`,
    ...files,
  });
  Deno.mkdirSync(`${jail}/var`);
  Deno.chownSync(`${jail}/var`, NOBODY, NOBODY);
  const args = ["-d", jail, "-p", `${low}`, "-P", `${low}`, "-f", `${jail}/etc/t.conf`];
  {
    await using tracker = await startTracker(args, "/", command, env);
    assert.match(tracker.printed(), new RegExp(`^running as nobody .*, confined to ${jail}: all paths are`, "m"));
    for (const path of outside) assert.ok(tracker.printed().includes(`plugin probe: ${path} NotFound\n`), path);
    assert.match(tracker.printed(), /^plugin probe: \/etc\/white read$/m);
    assert.equal(Deno.readLinkSync(`/proc/${tracker.pid}/root`), jail);
    assert.deepEqual(openFolders(tracker.pid), [], "an open folder would be a way out");
    await live(tracker, jail, low);
    assert.equal(await tracker.stop("SIGTERM"), 0);
    assert.match(tracker.printed(), /^state: \d torrents saved/m);
  }
  assert.equal(Deno.statSync(`${jail}/var/tracker.sqlite`).uid, NOBODY);
  {
    await using tracker = await startTracker(args, "/", command, env);
    assert.match(tracker.printed(), /^state: 4 torrents and 5 peers loaded from var\/tracker\.sqlite/m);
  }
  for (const folder of [jail, secret]) Deno.removeSync(folder, { recursive: true });
}

// What goes on inside, on a port that only root may bind.
async function live(tracker: RunningTracker, jail: string, low: number): Promise<void> {
  const { pid } = tracker;
  assert.deepEqual(privilegesOf(pid), onlyUser(NOBODY));
  assert.match(await exchange(low, announceRequest("a", 1001)), /10:downloadedi7e[^]*10:incompletei1e/);
  assert.match(await exchange(low, announceRequest("b", 1001)), /14:failure reason/);
  await failFront(tracker, low);
  assert.deepEqual(privilegesOf(pid), onlyUser(NOBODY), "a part that came back");
  Deno.writeTextFileSync(`${jail}/etc/white`, `${"62".repeat(20)}\n`, { append: true });
  Deno.kill(pid, "SIGHUP");
  await untilPrinted(tracker, /whitelist: 3 info hashes/);
  await untilPrinted(tracker, /^plugin probe: reloaded$/m);
  while (!/10:incompletei1e/.test(await exchange(low, announceRequest("b", 1001))));
  Deno.writeTextFileSync(`${jail}/var/add`, `${"63".repeat(20)}\n`);
  while (!/10:incompletei1e/.test(await exchange(low, announceRequest("c", 1001))));
  Deno.kill(pid, "SIGUSR2");
  await untilPrinted(
    tracker,
    /^reload-binary: not done, and this tracker goes on: a tracker that was started as root cannot/m,
  );
}

/** Has the front fail, and waits until the one after it answers, with the swarm that there was. */
export async function failFront(tracker: RunningTracker, port: number): Promise<void> {
  assert.match(await exchange(port, announceRequest("a", 1001)), /10:incompletei1e/);
  await exchange(port, announceRequest("f", 1));
  await untilPrinted(tracker, /^front 0: failed and is started again in [^]*as told/m);
  assert.match(await exchangeAgain(port, announceRequest("a", 1002)), /10:incompletei2e/);
}

// What a front that has failed accepts until its thread has ended is cut off with all that it has. Who is asks again.
async function exchangeAgain(port: number, request: string): Promise<string> {
  for (const endMs = performance.now() + PRINTED_MS_MAX;;) {
    const reply = await exchange(port, request).catch((error: Error) => error.message);
    if (reply.startsWith("HTTP/") || performance.now() > endMs) return reply;
  }
}

/** Writes files into `folder` by their path in it. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    Deno.mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    Deno.writeTextFileSync(`${folder}/${path}`, text);
  }
}

/** A plugin that says at its start which of `paths` it can read. */
function probePlugin(paths: readonly string[]): string {
  return `export default {
  name: "probe",
  start({ log }) {
    for (const path of ${JSON.stringify(paths)}) {
      try {
        Deno.readTextFileSync(path);
        log(path + " read");
      } catch (error) {
        log(path + " " + error.name);
      }
    }
  },
  reload: ({ log }) => log("reloaded"),
};
`;
}

async function untilPrinted(tracker: RunningTracker, pattern: RegExp): Promise<void> {
  const endMs = performance.now() + PRINTED_MS_MAX;
  while (!pattern.test(tracker.printed())) {
    assert.ok(performance.now() < endMs, `${pattern} is not printed: ${tracker.printed()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
