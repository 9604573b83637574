/**
 * A restart without a gap, under load: no HTTP request fails, UDP clients get their answers with the connection ids they
 * had, and no peer is lost. EXECUTABLE names a compiled tracker to do it with.
 */
import assert from "node:assert/strict";
import { StateFile } from "../../src/persist/state_file.ts";
import { StateLock } from "../../src/persist/state_lock.ts";
import { HttpClient } from "../support/http_client.ts";
import { seededRandom } from "../support/random.ts";
import { EXECUTABLE, startKeptTracker, withStatePath } from "../support/state.ts";
import { type RunningTracker, writeConfig } from "../support/tracker_process.ts";

const LINES_MS_MAX = 30_000;
const TORRENTS = 50;
/** A UDP client's ordinary patience, shortened: BEP 15 says 15 seconds. */
const UDP_RETRY_MS = 1000;

/** What the clients saw. */
class Load {
  readonly hashes: Uint8Array[];
  readonly random = seededRandom("restart");
  /** Torrent and port of every peer that was answered. */
  readonly peers = new Set<string>();
  isEnding = false;
  http = 0;
  udp = 0;
  udpRetries = 0;

  constructor() {
    this.hashes = Array.from({ length: TORRENTS }, () => this.random.bytes(20));
  }

  /** Keeps one connection as long as the tracker does, and opens another when it has said that this one ends. */
  async overKeptConnections(port: number, ports: number): Promise<void> {
    while (!this.isEnding) {
      const client = await HttpClient.connect(port);
      for (let isKept = true; isKept && !this.isEnding;) isKept = await this.#announce(client, ports, false);
      client.close();
    }
  }

  /** A connection for each request. */
  async overNewConnections(port: number, ports: number): Promise<void> {
    while (!this.isEnding) {
      const client = await HttpClient.connect(port);
      await this.#announce(client, ports, true);
      client.close();
    }
  }

  async #announce(client: HttpClient, ports: number, close: boolean): Promise<boolean> {
    const torrent = this.random.below(TORRENTS), peer = ports + this.random.below(1000);
    const answer = await client.announce({ infoHash: this.hashes[torrent]!, port: peer, left: 1, close });
    assert.match(answer, /^HTTP\/1\.[01] 200 [^]*5:peers/);
    this.peers.add(`${torrent} ${peer}`);
    this.http++;
    return !/^connection: close\r$/im.test(answer);
  }

  /** Announces with the one connection id it was given at first. */
  async overUdp(port: number): Promise<void> {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const tracker = { transport: "udp" as const, hostname: "127.0.0.1", port };
    const connect = new DataView(new ArrayBuffer(16));
    connect.setBigUint64(0, 0x41727101980n);
    const id = (await this.#askUdp(socket, tracker, connect)).getBigUint64(8);
    while (!this.isEnding) {
      const announce = new DataView(new ArrayBuffer(98)), torrent = this.random.below(TORRENTS);
      const peer = 60_000 + this.random.below(1000);
      announce.setBigUint64(0, id);
      announce.setUint32(8, 1);
      new Uint8Array(announce.buffer).set(this.hashes[torrent]!, 16);
      announce.setUint32(68, 1);
      announce.setInt32(92, -1);
      announce.setUint16(96, peer);
      const answer = await this.#askUdp(socket, tracker, announce);
      assert.equal(answer.getUint32(0), 1, "the connection id is still good");
      this.peers.add(`${torrent} ${peer}`);
      this.udp++;
    }
    socket.close();
  }

  async #askUdp(socket: Deno.DatagramConn, tracker: Deno.NetAddr, packet: DataView): Promise<DataView> {
    const transaction = this.random.below(2 ** 31);
    packet.setUint32(12, transaction);
    for (;;) {
      await socket.send(new Uint8Array(packet.buffer as ArrayBuffer), tracker);
      const timer = setTimeout(() => {
        this.udpRetries++;
        void socket.send(new Uint8Array(packet.buffer as ArrayBuffer), tracker);
      }, UDP_RETRY_MS);
      const [bytes] = await socket.receive();
      clearTimeout(timer);
      const answer = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      if (answer.getUint32(4) === transaction) return answer;
    }
  }
}

Deno.test(
  "a restart by SIGUSR2 under load loses no request, no connection id and no peer",
  { ignore: Deno.build.os !== "linux" },
  withStatePath(async (path) => {
    const config = writeConfig(path.replace(/\/[^/]*$/, ""), {
      "tracker.state": path,
      "tracker.state_seconds": 1,
      "tracker.memory": 64,
      "http.idle_seconds": 2,
    });
    const tracker = await startKeptTracker(config);
    const load = new Load(), { httpPort, udpPort } = tracker;
    const clients = [
      load.overKeptConnections(httpPort, 10_000),
      load.overKeptConnections(httpPort, 20_000),
      load.overNewConnections(httpPort, 30_000),
      load.overUdp(udpPort),
    ];
    const failed = Promise.all(clients);
    Deno.kill(tracker.pid, "SIGUSR2");
    await Promise.race([untilPrinted(tracker, /^state: the other process has left$/m), failed]);
    const atLeaving = load.http;
    await Promise.race([until(() => load.http > atLeaving + 200), failed]);
    load.isEnding = true;
    await failed;
    const successor = Number(/process (\d+) takes over/.exec(tracker.printed())![1]);
    // An executable of an older runtime has a lock that this one does not see.
    const keeper = EXECUTABLE === undefined ? StateLock.keeperOf(path) : Number(Deno.readTextFileSync(`${path}.lock`));
    assert.equal(keeper, successor);
    Deno.kill(successor, "SIGTERM");
    await tracker.stop();
    console.log(`${load.http} HTTP, ${load.udp} UDP requests, ${load.udpRetries} UDP retries`);
    assertKept(path, load);
  }),
);

Deno.test(
  "a restart whose new process cannot start changes nothing",
  { ignore: Deno.build.os !== "linux" },
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
    await untilPrinted(tracker, /^reload-binary: the new process does not take over, this one goes on: it ended/m);
    const client = await HttpClient.connect(tracker.httpPort);
    assert.match(await client.announce({ infoHash: new Uint8Array(20), port: 1, left: 0 }), /^HTTP\/1.1 200/);
    // Its FIFO is read again as well.
    await writeFifo(`${folder}/fifo`, "61".repeat(20));
    await untilAnswered(client, 0x61, /not authorized/);
    client.close();
    assert.equal(await tracker.stop("SIGTERM"), 0);
    const file = StateFile.open(path);
    assert.equal(file.row(new Uint8Array(20))?.peers4?.length, 8);
    file.close();
  }),
);

Deno.test(
  "what comes through a FIFO while a process takes over reaches the new one",
  { ignore: Deno.build.os !== "linux" },
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
    await untilPrinted(tracker, /^reload-binary: process \d+ takes over/m);
    let lines = 0;
    for (; lines < 255 && !left.test(tracker.printed()); lines++) {
      await writeFifo(`${folder}/fifo`, (lines + 1).toString(16).padStart(2, "0").repeat(20));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await untilPrinted(tracker, left);
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

function assertKept(path: string, load: Load): void {
  const file = StateFile.open(path, { readOnly: true }), found = new Set<string>();
  for (const [torrent, infoHash] of load.hashes.entries()) {
    const peers = file.row(infoHash)?.peers4 ?? new Uint8Array(0);
    for (let at = 0; at < peers.length; at += 8) found.add(`${torrent} ${peers[at + 4]! << 8 | peers[at + 5]!}`);
  }
  file.close();
  const missing = [...load.peers].filter((peer) => !found.has(peer));
  assert.deepEqual(missing, [], `${missing.length} of ${load.peers.size} peers are missing`);
}

async function untilPrinted(tracker: RunningTracker, pattern: RegExp): Promise<void> {
  await until(() => pattern.test(tracker.printed()), () => tracker.printed());
}

/** Looks again whenever others have had their turn. */
async function until(isTrue: () => boolean, describe = () => ""): Promise<void> {
  const endMs = performance.now() + LINES_MS_MAX;
  while (!isTrue()) {
    assert.ok(performance.now() < endMs, `it does not come: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
