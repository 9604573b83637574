/**
 * What statistics and full scrapes cost, and what they cost those who announce meanwhile: a tracker with a million
 * torrents is asked for each, while one client announces without pause and times every answer.
 *
 *   deno run -A bench/office_latency.ts [torrents]
 */
import { Announcer, HOST, printTimes, residentMebibytes, timeAnnounces } from "./announcer.ts";
import { startTracker, writeConfig } from "../test/support/tracker_process.ts";

const TORRENTS = Number(Deno.args[0] ?? 1_000_000);
/** Announces under way while the store is filled. */
const WINDOW = 256;
/** Times each page is asked for. */
const ROUNDS = 5;
const IDLE_MS = 3000;

const PAGES: readonly (readonly [name: string, path: string, encoding: string])[] = [
  ["top100", "/stats?mode=top100", "identity"],
  ["s24s", "/stats?mode=s24s", "identity"],
  ["metrics", "/metrics", "identity"],
  ["scrape", "/scrape", "identity"],
  ["scrape gzip", "/scrape", "gzip"],
  ["scrape zstd", "/scrape", "zstd"],
];

async function fill(announcer: Announcer): Promise<void> {
  for (let peer = 0; peer < 2; peer++) {
    for (let number = 0; number < TORRENTS; number += WINDOW) {
      const count = Math.min(WINDOW, TORRENTS - number);
      for (let i = 0; i < count; i++) await announcer.send(number + i, 1000 + peer);
      for (let i = 0; i < count; i++) await announcer.receive();
    }
  }
}

async function ask(port: number, path: string, encoding: string): Promise<string> {
  const args = ["-s", "-o", "/dev/null", "-w", "%{size_download} bytes in %{time_total} s"];
  const url = `http://${HOST}:${port}${path}`;
  const { stdout } = await new Deno.Command("curl", { args: [...args, "-H", `Accept-Encoding: ${encoding}`, url] })
    .output();
  return new TextDecoder().decode(stdout);
}

const folder = Deno.makeTempDirSync(), config = writeConfig(folder, { "tracker.fullscrape_seconds": 0 });
const tracker = await startTracker(["-f", config]);
const announcer = new Announcer(tracker.udpPort);
await announcer.connect();
await fill(announcer);
const endMs = performance.now() + IDLE_MS;
printTimes("nothing", await timeAnnounces(announcer, TORRENTS, () => performance.now() > endMs));
for (const [name, path, encoding] of PAGES) {
  for (let round = 0; round < ROUNDS; round++) {
    const before = residentMebibytes(tracker.pid, "VmRSS");
    // From here on the highest is that of this page.
    Deno.writeTextFileSync(`/proc/${tracker.pid}/clear_refs`, "5");
    let isOver = false;
    const asked = ask(tracker.httpPort, path, encoding).finally(() => isOver = true);
    const times = await timeAnnounces(announcer, TORRENTS, () => isOver);
    const grown = residentMebibytes(tracker.pid, "VmHWM") - before;
    printTimes(name, times, `  ${await asked}, +${grown} MiB`);
  }
}
announcer.close();
await tracker.stop();
Deno.removeSync(folder, { recursive: true });
