/**
 * What a long access list costs: a tracker with a whitelist of five million info hashes is told to read it again, with
 * SIGHUP, while one client announces without pause and times every answer.
 *
 *   deno run -A bench/access_list.ts [hashes]
 */
import { Announcer, infoHashOf, printTimes, residentMebibytes, timeAnnounces } from "./announcer.ts";
import { formatCount } from "./figures.ts";
import { type RunningTracker, startTracker } from "../test/support/tracker_process.ts";

const HASHES = Number(Deno.args[0] ?? 5_000_000);
/** Torrents that the client announces. */
const TORRENTS = 1000;
/** Times the list is read again. */
const ROUNDS = 5;
const QUIET_MS = 3000;
/** Lines written at a time. */
const LINES = 10_000;
const LOADED = /whitelist: [0-9]+ info hashes/g;

function writeList(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  for (let from = 0; from < HASHES; from += LINES) {
    let lines = "";
    for (let i = from; i < Math.min(HASHES, from + LINES); i++) lines += `${infoHashOf(i).toHex()}\n`;
    file.writeSync(encoder.encode(lines));
  }
}

/** Starts a tracker with `args`. Also: how long that took. */
async function start(args: readonly string[]): Promise<{ tracker: RunningTracker; startMs: number }> {
  const begunMs = performance.now(), tracker = await startTracker(args);
  return { tracker, startMs: performance.now() - begunMs };
}

/** Sends SIGHUP; resolves when the list has been read again. */
async function reload(tracker: RunningTracker): Promise<void> {
  const loads = tracker.printed().match(LOADED)?.length ?? 0;
  Deno.kill(tracker.pid, "SIGHUP");
  await tracker.waitFor(new RegExp(`(?:${LOADED.source}[^]*){${loads + 1}}`));
}

const folder = Deno.makeTempDirSync(), list = `${folder}/whitelist.txt`;
writeList(list);
const none = await start([]);
const bareMebibytes = residentMebibytes(none.tracker.pid, "VmRSS");
await none.tracker.stop();
const { tracker, startMs } = await start(["-w", list]);
const grown = () => residentMebibytes(tracker.pid, "VmRSS") - bareMebibytes;
console.log(`${formatCount(HASHES)} hashes: starts ${Math.round(startMs - none.startMs)} ms later, +${grown()} MiB`);
const announcer = new Announcer(tracker.udpPort);
await announcer.connect();
const quiet = async () => {
  const endMs = performance.now() + QUIET_MS;
  printTimes("quiet", await timeAnnounces(announcer, TORRENTS, () => performance.now() > endMs));
};
await quiet();
for (let round = 0; round < ROUNDS; round++) {
  let isOver = false;
  const begunMs = performance.now();
  const loaded = reload(tracker).then(() => performance.now() - begunMs).finally(() => isOver = true);
  const times = await timeAnnounces(announcer, TORRENTS, () => isOver);
  printTimes("SIGHUP", times, `  read in ${Math.round(await loaded)} ms, +${grown()} MiB`);
}
await quiet();
announcer.close();
await tracker.stop();
Deno.removeSync(folder, { recursive: true });
