/**
 * What statistics and full scrapes cost, and what they cost those who announce meanwhile: a tracker with a million
 * torrents is asked for each, while one client announces without pause and times every answer.
 *
 *   deno run -A bench/office_latency.ts [torrents]
 */
import { startTracker, writeConfig } from "../test/support/tracker_process.ts";

const HOST = "127.0.0.1";
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

/** One UDP client with a connection id. */
class Announcer {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  readonly #to: Deno.NetAddr;
  readonly #packet = new Uint8Array(98);
  readonly #view = new DataView(this.#packet.buffer);

  constructor(port: number) {
    this.#to = { transport: "udp", hostname: HOST, port };
  }

  async connect(): Promise<void> {
    const packet = new Uint8Array(16);
    new DataView(packet.buffer).setBigUint64(0, 0x41727101980n);
    await this.#socket.send(packet, this.#to);
    const [reply] = await this.#socket.receive();
    this.#packet.set(reply.subarray(8, 16));
    this.#view.setUint32(8, 1);
  }

  /** Announces torrent `number` from one of many ports. */
  async send(number: number, port: number): Promise<void> {
    this.#view.setUint32(16, Math.imul(number, 0x9e3779b1));
    this.#view.setUint32(20, number);
    this.#view.setUint32(68, number & 3);
    this.#view.setInt32(92, 50);
    this.#view.setUint16(96, port);
    await this.#socket.send(this.#packet, this.#to);
  }

  async receive(): Promise<void> {
    await this.#socket.receive();
  }

  close(): void {
    this.#socket.close();
  }
}

async function fill(announcer: Announcer): Promise<void> {
  for (let peer = 0; peer < 2; peer++) {
    for (let number = 0; number < TORRENTS; number += WINDOW) {
      const count = Math.min(WINDOW, TORRENTS - number);
      for (let i = 0; i < count; i++) await announcer.send(number + i, 1000 + peer);
      for (let i = 0; i < count; i++) await announcer.receive();
    }
  }
}

/** Milliseconds of each announce until `isOver`. */
async function timeAnnounces(announcer: Announcer, isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const begunMs = performance.now();
    await announcer.send(times.length % TORRENTS, 2000);
    await announcer.receive();
    times.push(performance.now() - begunMs);
  }
  return times.sort((a, b) => a - b);
}

function print(name: string, times: readonly number[], more = ""): void {
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(2);
  const late = times.filter((ms) => ms > 5).length;
  console.log(
    `${name.padEnd(12)} announces ${String(times.length).padStart(6)}  p50 ${at(0.5)}  p99 ${at(0.99)}  ` +
      `p99.9 ${at(0.999)}  max ${at(1)} ms  over 5 ms: ${late}${more}`,
  );
}

function residentMebibytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
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
print("nothing", await timeAnnounces(announcer, () => performance.now() > endMs));
for (const [name, path, encoding] of PAGES) {
  for (let round = 0; round < ROUNDS; round++) {
    const before = residentMebibytes(tracker.pid, "VmRSS");
    // From here on the highest is that of this page.
    Deno.writeTextFileSync(`/proc/${tracker.pid}/clear_refs`, "5");
    let isOver = false;
    const asked = ask(tracker.httpPort, path, encoding).finally(() => isOver = true);
    const times = await timeAnnounces(announcer, () => isOver);
    const grown = residentMebibytes(tracker.pid, "VmHWM") - before;
    print(name, times, `  ${await asked}, +${grown} MiB`);
  }
}
announcer.close();
await tracker.stop();
Deno.removeSync(folder, { recursive: true });
