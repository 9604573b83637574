/**
 * A restart without a gap, under load: no HTTP request fails, UDP clients get their answers with the connection ids they
 * had, no peer is lost and none that has left comes back. Whichever of the two processes ends on the way, the other
 * serves. EXECUTABLE names a compiled tracker to do it with.
 */
import assert from "node:assert/strict";
import { StateFile } from "../../src/persist/state_file.ts";
import { StateLock } from "../../src/persist/state_lock.ts";
import { HttpClient, type TestAnnounce } from "../support/http_client.ts";
import { seededRandom } from "../support/random.ts";
import { runProgram } from "../support/programs.ts";
import { asOrdinaryUser } from "../support/root.ts";
import { EXECUTABLE, startKeptTracker, withStatePath } from "../support/state.ts";
import { commandFromSource, type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";

const ON_LINUX = { ignore: Deno.build.os !== "linux" };
const LINES_MS_MAX = 30_000;
/** Longer than a test takes, on any machine. */
const NEVER_SECONDS = 3600;
const TORRENTS = 50;
/** A UDP client's ordinary patience, shortened: BEP 15 says 15 seconds, doubled with each retry … */
const UDP_RETRY_MS = 100;
/** … and that it gives up after so many. */
const UDP_RETRIES_MAX = 8;

/** New connections that are kept one after the other show that all fronts keep them. */
const KEPT_IN_A_ROW = 20;

/** What the clients saw. */
class Load {
  readonly hashes: Uint8Array[];
  readonly random = seededRandom("restart");
  /** Torrent and port of every peer that was answered, and of those who have left since. */
  readonly peers = new Set<string>();
  readonly left = new Set<string>();
  isEnding = false;
  http = 0;
  udp = 0;
  udpRetries = 0;
  /** Most that one request needed. */
  udpRetriesMost = 0;

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

  /**
   * Comes and goes over kept connections. Peers come and go by the same one, and so by the same process: what is true of
   * others for a moment is in docs/adr/0007.
   */
  async comeAndGo(port: number, ports: number): Promise<void> {
    for (let first = ports; !this.isEnding; first += 50) {
      const client = await HttpClient.connect(port), here = new Set<string>();
      for (let isKept = true; isKept && !this.isEnding;) {
        const torrent = this.random.below(TORRENTS), peer = first + this.random.below(50), name = `${torrent} ${peer}`;
        const event = here.has(name) ? "stopped" : "started";
        isKept = await this.#ask(client, { infoHash: this.hashes[torrent]!, port: peer, left: 1, event });
        if (event === "started") here.add(name);
        else here.delete(name);
        this.#note(name, event === "started");
      }
      client.close();
    }
  }

  async #announce(client: HttpClient, ports: number, close: boolean): Promise<boolean> {
    const torrent = this.random.below(TORRENTS), peer = ports + this.random.below(1000);
    const isKept = await this.#ask(client, { infoHash: this.hashes[torrent]!, port: peer, left: 1, close });
    this.#note(`${torrent} ${peer}`, true);
    return isKept;
  }

  // True when the connection can be used again.
  async #ask(client: HttpClient, announce: TestAnnounce): Promise<boolean> {
    const answer = await client.announce(announce);
    assert.match(answer, /^HTTP\/1\.[01] 200 [^]*5:peers/);
    this.http++;
    return isKept(answer);
  }

  #note(peer: string, isThere: boolean): void {
    (isThere ? this.peers : this.left).add(peer);
    (isThere ? this.left : this.peers).delete(peer);
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
    let retries = 0, timer: ReturnType<typeof setTimeout> | undefined;
    const patience = Promise.withResolvers<never>();
    const send = () => {
      void socket.send(new Uint8Array(packet.buffer as ArrayBuffer), tracker);
      timer = setTimeout(() => {
        if (++retries > UDP_RETRIES_MAX) return patience.reject(new Error("a UDP client has given up"));
        this.udpRetries++;
        this.udpRetriesMost = Math.max(this.udpRetriesMost, retries);
        send();
      }, UDP_RETRY_MS * 2 ** retries);
    };
    send();
    try {
      for (;;) {
        const [bytes] = await Promise.race([socket.receive(), patience.promise]);
        const answer = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        if (answer.getUint32(4) === transaction) return answer;
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A tracker whose program's file is its own, so that another can take its place. */
class Replaceable {
  readonly #program: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#program = `${folder}/program`;
    this.replace();
  }

  /** As an installer does: the running program keeps its file, which has no name any more. */
  replace(): void {
    Deno.copyFileSync(EXECUTABLE ?? Deno.execPath(), `${this.#program}.new`);
    Deno.renameSync(`${this.#program}.new`, this.#program);
  }

  start(config: string): Promise<RunningTracker> {
    const command = EXECUTABLE === undefined
      ? [this.#program, ...commandFromSource().slice(1)]
      : asOrdinaryUser([this.#program], this.#folder);
    return startTracker(["-f", config], this.#folder, command);
  }
}

Deno.test(
  "a restart by SIGUSR2 under load, of a program that was replaced, loses no request, no connection id and no peer",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), program = new Replaceable(folder);
    const config = writeConfig(folder, {
      "tracker.state": path,
      "tracker.state_seconds": 1,
      "tracker.memory": 64,
      "http.idle_seconds": 2,
    });
    const tracker = await program.start(config);
    const load = new Load(), { httpPort, udpPort } = tracker;
    const clients = [
      load.overKeptConnections(httpPort, 10_000),
      load.overKeptConnections(httpPort, 20_000),
      load.overNewConnections(httpPort, 30_000),
      load.comeAndGo(httpPort, 40_000),
      load.overUdp(udpPort),
    ];
    const failed = Promise.all(clients);
    program.replace();
    Deno.kill(tracker.pid, "SIGUSR2");
    await Promise.race([untilPrinted(tracker, /^state: the other process has left$/m), failed]);
    const atLeaving = load.http;
    await Promise.race([until(() => load.http > atLeaving + 200), failed]);
    load.isEnding = true;
    await failed;
    const successor = Number(/process (\d+) takes over/.exec(tracker.printed())![1]);
    assert.equal(StateLock.keeperOf(path), successor);
    Deno.kill(successor, "SIGTERM");
    await tracker.stop();
    const retries = `${load.udpRetries} UDP retries, at most ${load.udpRetriesMost} of one request`;
    console.log(`${load.http} HTTP, ${load.udp} UDP requests, none failed; ${retries}`);
    assertKept(path, load);
  }),
);

Deno.test(
  "a restart whose new process cannot start changes nothing, and the next one can be done",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), settings = { "tracker.state": path, "tracker.memory": 64 };
    const tracker = await startKeptTracker(writeConfig(folder, settings));
    writeConfig(folder, { ...settings, "tracker.workers": "many" });
    Deno.kill(tracker.pid, "SIGUSR2");
    await untilPrinted(tracker, /^reload-binary: the new process does not take over, this one goes on: it ended/m);
    await announce(tracker, 1);
    const printed = tracker.printed().length;
    writeConfig(folder, settings);
    Deno.kill(tracker.pid, "SIGUSR2");
    await untilPrinted(tracker, /^state: the other process has left$/m);
    const [, successor] = /process (\d+) takes over/.exec(tracker.printed().slice(printed))!;
    await announce(tracker, 2);
    Deno.kill(Number(successor), "SIGTERM");
    assert.equal(await tracker.stop(), 0);
    assert.equal(peersIn(path), 2);
  }),
);

Deno.test(
  "a tracker whose new process is killed before it has left itself serves again, and is told to restart but once",
  ON_LINUX,
  withStatePath(async (path) => {
    const config = writeConfig(path.replace(/\/[^/]*$/, ""), {
      "tracker.state": path,
      "tracker.memory": 64,
      "http.idle_seconds": NEVER_SECONDS,
    });
    const tracker = await startKeptTracker(config), infoHash = new Uint8Array(20);
    // Kept, and silent: the old process has something to wait for.
    const silent = await HttpClient.connect(tracker.httpPort), busy = await HttpClient.connect(tracker.httpPort);
    await silent.announce({ infoHash, port: 1, left: 0 });
    Deno.kill(tracker.pid, "SIGUSR2");
    const successor = await successorOf(tracker);
    while (isKept(await busy.announce({ infoHash, port: 2, left: 0 })));
    await announce(tracker, 3);
    Deno.kill(tracker.pid, "SIGUSR2");
    await tracker.waitFor(/^reload-binary: not done, and this tracker goes on: one is under way$/m);
    Deno.kill(successor, "SIGKILL");
    await tracker.waitFor(/^reload-binary: the new process does not take over, this one goes on: it ended when /m);
    await announce(tracker, 4);
    // Each front is told by a message of its own.
    for (let kept = 0; kept < KEPT_IN_A_ROW;) kept = await isNextKept(tracker, infoHash) ? kept + 1 : 0;
    assert.ok(isKept(await silent.announce({ infoHash, port: 5, left: 0 })), "connections are kept again");
    silent.close();
    busy.close();
    assert.equal(await tracker.stop("SIGTERM"), 0);
    // What announced to the new process alone may have been lost with it.
    assert.ok(peersIn(path) >= 4);
  }),
);

Deno.test(
  "a new process whose tracker is killed on the way serves alone",
  ON_LINUX,
  withStatePath(async (path) => {
    const config = writeConfig(path.replace(/\/[^/]*$/, ""), {
      "tracker.state": path,
      "tracker.state_seconds": 1,
      "tracker.memory": 64,
    });
    const tracker = await startKeptTracker(config);
    await announce(tracker, 1);
    Deno.kill(tracker.pid, "SIGUSR2");
    const successor = await successorOf(tracker);
    Deno.kill(tracker.pid, "SIGKILL");
    await announce(tracker, 2);
    await tracker.waitFor(/^state: the other process has left$/m);
    Deno.kill(successor, "SIGTERM");
    await tracker.stop();
    assert.equal(peersIn(path), 2);
  }),
);

Deno.test(
  "a tracker that is stopped ends a new process that does not serve yet",
  ON_LINUX,
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), settings = { "tracker.state": path, "tracker.memory": 64 };
    const tracker = await startKeptTracker(writeConfig(folder, settings)), pipe = `${folder}/pipe`;
    await announce(tracker, 1);
    // Nobody writes into it: the new process waits for ever.
    assert.equal((await runProgram("mkfifo", ["-m", "666", pipe])).code, 0);
    writeConfig(folder, { ...settings, "tracker.load_statedump": pipe });
    Deno.kill(tracker.pid, "SIGUSR2");
    await successorOf(tracker);
    Deno.kill(tracker.pid, "SIGTERM");
    await tracker.waitFor(/^reload-binary: the new process does not take over, this one stops$/m);
    // It has the same standard output: this would wait for it too.
    assert.equal(await tracker.stop("SIGTERM"), 0);
    assert.equal(peersIn(path), 1);
  }),
);

function assertKept(path: string, load: Load): void {
  const file = StateFile.open(path, { readOnly: true }), found = new Set<string>();
  for (const [torrent, infoHash] of load.hashes.entries()) {
    const peers = file.row(infoHash)?.peers4 ?? new Uint8Array(0);
    for (let at = 0; at < peers.length; at += 8) found.add(`${torrent} ${peers[at + 4]! << 8 | peers[at + 5]!}`);
  }
  file.close();
  const missing = [...load.peers].filter((peer) => !found.has(peer));
  assert.deepEqual(missing, [], `${missing.length} of ${load.peers.size} peers are missing`);
  const back = [...load.left].filter((peer) => found.has(peer));
  assert.deepEqual(back, [], `${back.length} of ${load.left.size} peers that left are back`);
}

/** Whether the tracker keeps the connection of this answer. */
function isKept(answer: string): boolean {
  return !/^connection: close\r$/im.test(answer);
}

/** The process that takes over, as the tracker names it. */
async function isNextKept({ httpPort }: RunningTracker, infoHash: Uint8Array): Promise<boolean> {
  const client = await HttpClient.connect(httpPort), answer = await client.announce({ infoHash, port: 6, left: 0 });
  client.close();
  return isKept(answer);
}

async function successorOf(tracker: RunningTracker): Promise<number> {
  return Number(await tracker.waitFor(/process (\d+) takes over/));
}

/** Announces over a connection of its own. */
async function announce(tracker: RunningTracker, port: number): Promise<void> {
  const client = await HttpClient.connect(tracker.httpPort);
  assert.match(await client.announce({ infoHash: new Uint8Array(20), port, left: 0 }), /^HTTP\/1.1 200/);
  client.close();
}

function peersIn(path: string): number {
  const file = StateFile.open(path, { readOnly: true });
  try {
    return file.summary().peers4;
  } finally {
    file.close();
  }
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
