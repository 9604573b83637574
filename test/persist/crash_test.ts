/**
 * Kills the tracker with SIGKILL at random moments under load, HTTP and UDP over IPv4 and IPv6, and compares the state
 * file with a model of what was answered: nothing missing that was answered before the last whole pass began, nothing
 * invented, the completed counts right, the file sound; then what the next start serves with the file. Swarms so large
 * that a crash loses a minute of them are not among them. CRASHES says how often (default 10; 50 take some two
 * minutes), EXECUTABLE names a compiled tracker to do it with.
 */
import assert from "node:assert/strict";
import { StateFile, type StateRow } from "../../src/persist/state_file.ts";
import { UdpTalk } from "../contract/udp_talk.ts";
import { HttpClient } from "../support/http_client.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { startKeptTracker, withStatePath } from "../support/state.ts";
import { type RunningTracker, writeConfig } from "../support/tracker_process.ts";

const CRASHES = Number(Deno.env.get("CRASHES") ?? 10);
/** From the begin of a pass to the end of the next. */
const INTERVAL_MS = 1000;
/** How often the tracker's log is looked at. */
const LOOK_MS = 10;
/** Time a pass has on the slowest of machines. */
const PASS_MS_MAX = 60_000;
/** One each. Peers are shared out by port: no two connections have the same. */
const CONNECTIONS = [
  { protocol: "tcp", hostname: "127.0.0.1" },
  { protocol: "tcp", hostname: "::1" },
  { protocol: "udp", hostname: "127.0.0.1" },
  { protocol: "udp", hostname: "::1" },
] as const;
const ADDRESS_BYTES = CONNECTIONS.map(({ hostname }) => hostname === "::1" ? 16 : 4);
const TORRENTS = 300;
const PORTS = 40;
/** More than anyone says of one peer from one pass to the next. */
const HISTORY = 200;
/** A torrent with more peers than one that is always written in every pass. */
const LARGE_PORTS = 8000;
/** Peers of a family that are read in one piece. */
const SMALL_PEERS_MAX = 64;

/** What was said of one peer: true = seeder, false = leecher, null = gone; and when the answer came, by the clock. */
interface Said {
  readonly what: boolean | null;
  answeredMs: number;
}

/** That of what was found in the file. */
const KEPT_MS = -1;

/** A peer of the file. */
interface KeptPeer {
  readonly isSeeder: boolean;
  isCounted: boolean;
}

/** One torrent as it should be. */
class Model {
  /** By port: what was said, the oldest first; what is older than the last sure one is dropped. */
  readonly said = new Map<number, Said[]>();
  /** Ports whose completed download has been counted. */
  readonly counted = new Set<number>();
  /** What the file had last, and downloads that were completed since. */
  completed = 0;
  completions: Said[] = [];

  constructor(readonly infoHash: Uint8Array) {}

  /** Notes what is about to be said of a peer. */
  say(port: number, what: boolean | null, isCompleted: boolean): Said {
    const said: Said = { what, answeredMs: Infinity };
    this.said.set(port, [...(this.said.get(port) ?? []).slice(-HISTORY), said]);
    if (isCompleted && !this.counted.has(port)) this.completions.push(said);
    if (isCompleted) this.counted.add(port);
    if (what === null) this.counted.delete(port);
    return said;
  }

  /** Compares what the file has with what was said, and takes the file's word for what came at `sureMs` or later. */
  compare(row: StateRow | undefined, sureMs: number): void {
    const isSure = ({ answeredMs }: Said) => answeredMs < sureMs, completed = row?.completed ?? 0;
    const least = this.completed + this.completions.filter(isSure).length;
    const most = this.completed + this.completions.length;
    assert.ok(completed >= least && completed <= most, `${completed} were completed, and were ${least} to ${most}`);
    this.completed = completed;
    this.completions = [];
    this.counted.clear();
    const peers = peersOf(row);
    for (const [port, history] of this.said) {
      const sure = history.findLastIndex(isSure), found = peers.get(port);
      const allowed = new Set(history.slice(Math.max(0, sure)).map(({ what }) => what));
      if (sure < 0) allowed.add(null);
      assert.ok(
        allowed.has(found?.isSeeder ?? null),
        `peer ${port} is ${found?.isSeeder ?? null}, and was ${JSON.stringify(history)}; a pass began at ${sureMs}`,
      );
      this.said.set(port, [{ what: found?.isSeeder ?? null, answeredMs: KEPT_MS }]);
      if (found?.isCounted) this.counted.add(port);
      peers.delete(port);
    }
    assert.equal(peers.size, 0, `peers were invented: ${[...peers.keys()]}`);
  }
}

/** The peers of a row by port. */
function peersOf(row: StateRow | undefined): Map<number, KeptPeer> {
  const peers = new Map<number, KeptPeer>();
  const families = [[4, row?.peers4, row?.seeders4], [16, row?.peers6, row?.seeders6]] as const;
  for (const [addressBytes, packed, seeders] of families) {
    const bytes = packed ?? new Uint8Array(0), stride = addressBytes + 4;
    for (let at = 0; at < bytes.length; at += stride) {
      const tail = at + addressBytes, port = bytes[tail]! << 8 | bytes[tail + 1]!, isCounted = bytes[tail + 3]! > 0x7f;
      assert.equal(ADDRESS_BYTES[(port - 1) % CONNECTIONS.length], addressBytes, `peer ${port} is of the other family`);
      const known = peers.get(port);
      // A peer that turned seeder while its swarm was copied may stand on both sides: the first counts.
      if (known === undefined) peers.set(port, { isSeeder: at / stride < seeders!, isCounted });
      else known.isCounted ||= isCounted;
    }
  }
  return peers;
}

/** All torrents, and what the file had of them last. */
class Swarms {
  readonly models: Model[];
  kept: ReadonlyMap<string, StateRow> = new Map();

  constructor(readonly random: Random) {
    this.models = Array.from({ length: TORRENTS }, () => new Model(random.bytes(20)));
  }

  /** Announces on connection `index` until it breaks. */
  async announceUntilDead(client: Client, index: number): Promise<void> {
    const { random } = this;
    try {
      for (;;) {
        const isLarge = random.oneIn(3), model = this.models[isLarge ? 0 : random.below(TORRENTS)]!;
        const ports = model === this.models[0] ? LARGE_PORTS : PORTS;
        const port = 1 + index + CONNECTIONS.length * random.below(ports / CONNECTIONS.length);
        const what = random.oneIn(4) ? null : random.oneIn(2), isCompleted = what === true && random.oneIn(2);
        const said = model.say(port, what, isCompleted);
        const event = what === null ? "stopped" as const : isCompleted ? "completed" as const : undefined;
        const { infoHash } = model, left = what ? 0 : 1;
        await client.announce(infoHash, { port, left, ...(event === undefined ? {} : { event }) });
        said.answeredMs = Date.now();
      }
    } catch (error) {
      if (!(error instanceof Error) || !Object.hasOwn(Deno.errors, error.name)) throw error;
    }
  }

  /** Compares what a copy of the dead tracker's files holds with what was said. Returns when what may be missing began. */
  compare(path: string): number {
    const file = StateFile.open(path);
    try {
      const [, begunMs] = /,(\d+)/.exec(String(file.meta("connection_id_time"))) ?? [], sureMs = Number(begunMs ?? 0);
      assert.deepEqual(file.problems(), [], "integrity check");
      this.kept = new Map([...file.rows()].map((row) => [row.infoHash.toHex(), row]));
      const invented = new Set(this.kept.keys());
      for (const [i, model] of this.models.entries()) {
        const hash = model.infoHash.toHex();
        invented.delete(hash);
        try {
          model.compare(this.kept.get(hash), sureMs);
        } catch (error) {
          throw new Error(`torrent ${i} is not as it should be`, { cause: error });
        }
      }
      assert.deepEqual([...invented], [], "torrents were invented");
      return sureMs;
    } finally {
      file.close();
    }
  }

  /** A tracker that has started serves what the file held. */
  async compareServed(port: number): Promise<void> {
    const client = await HttpClient.connect(port);
    for (const { infoHash } of this.models) {
      const row = this.kept.get(infoHash.toHex()), hash = infoHash.toHex().replace(/../g, "%$&");
      const answer = await client.ask(`GET /scrape?info_hash=${hash} HTTP/1.1\r\nHost: x\r\n\r\n`);
      const served = ["complete", "downloaded", "incomplete"].map((key) =>
        Number(new RegExp(`${key.length}:${key}i(\\d+)e`).exec(answer)?.[1])
      );
      const length4 = (row?.peers4?.length ?? 0) / 8, length6 = (row?.peers6?.length ?? 0) / 20;
      const seeders = (row?.seeders4 ?? 0) + (row?.seeders6 ?? 0), want = [seeders, row?.completed ?? 0];
      // Of a larger one, peers that stand on both sides of the file are served once.
      const isWhole = length4 <= SMALL_PEERS_MAX && length6 <= SMALL_PEERS_MAX;
      if (isWhole) assert.deepEqual(served, [...want, length4 + length6 - seeders], infoHash.toHex());
      else assert.equal(served[1], want[1], infoHash.toHex());
    }
    client.close();
  }
}

/** One client of the tracker. */
interface Client {
  announce(infoHash: Uint8Array, peer: Peer): Promise<unknown>;
  close(): void;
}

interface Peer {
  readonly port: number;
  readonly left: 0 | 1;
  readonly event?: "completed" | "stopped";
}

function connectAll({ sockets }: RunningTracker): Promise<Client[]> {
  return Promise.all(CONNECTIONS.map(async ({ protocol, hostname }): Promise<Client> => {
    const { port } = sockets.find((socket) => socket.protocol === protocol && socket.hostname === hostname)!;
    if (protocol === "udp") {
      const talk = new UdpTalk(hostname, port);
      return { announce: (infoHash, peer) => talk.announce(infoHash, peer), close: () => talk[Symbol.dispose]() };
    }
    const client = await HttpClient.connect(port, hostname);
    return { announce: (infoHash, peer) => client.announce({ infoHash, ...peer }), close: () => client.close() };
  }));
}

/** Resolves when a tracker has written `passes` more, each of which changes its log at its end. */
async function untilWritten(statePath: string, passes: number): Promise<void> {
  const lookMs = () => Deno.statSync(`${statePath}-wal`).mtime!.getTime(), lateMs = Date.now() + passes * PASS_MS_MAX;
  for (let writtenMs = lookMs(); passes > 0; await pause(LOOK_MS)) {
    const ms = lookMs();
    // Not the rest of what one pass writes.
    if (ms > writtenMs + INTERVAL_MS / 4) passes--;
    writtenMs = ms;
    assert.ok(Date.now() < lateMs, "the state file is not written");
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Kills the tracker under load, `ms` after `passes` passes. Resolves to the moment before. */
async function crash(tracker: RunningTracker, swarms: Swarms, path: string, passes: number, ms: number) {
  const clients = await connectAll(tracker);
  const announcing = Promise.all(clients.map((client, i) => swarms.announceUntilDead(client, i)));
  await untilWritten(path, passes);
  await pause(ms);
  const deadMs = Date.now();
  await tracker.stop("SIGKILL");
  // Over UDP nobody hears of it.
  for (const client of clients) client.close();
  await announcing;
  return deadMs;
}

Deno.test(
  `tracker.state: killed ${CRASHES} times under load, nothing is missing and nothing is invented`,
  withStatePath(async (path) => {
    const random = seededRandom("crash"), swarms = new Swarms(random);
    const folder = path.replace(/\/[^/]*$/, ""), copy = Deno.makeTempDirSync({ prefix: "waggle_crash_" });
    const settings = { "tracker.state": path, "tracker.state_seconds": INTERVAL_MS / 1000, "tracker.memory": 64 };
    const config = writeConfig(folder, settings);
    let lostMs = 0;
    for (let crashes = 0; crashes <= CRASHES; crashes++) {
      const startedMs = Date.now(), tracker = await startKeptTracker(config, "-i", "::1", "-p", "0", "-P", "0");
      if (crashes > 0) await swarms.compareServed(tracker.httpPort);
      if (crashes === CRASHES) {
        assert.equal(await tracker.stop("SIGTERM"), 0);
        break;
      }
      const deadMs = await crash(tracker, swarms, path, random.below(3), random.below(INTERVAL_MS * 1.2));
      // The log is left to the next start.
      for (const end of ["", "-wal"]) Deno.copyFileSync(path + end, `${copy}/copy${end}`);
      const begunMs = swarms.compare(`${copy}/copy`);
      // Of a run without a whole pass nothing is sure.
      if (begunMs > startedMs) lostMs = Math.max(lostMs, deadMs - begunMs);
      for (const { name } of Deno.readDirSync(copy)) Deno.removeSync(`${copy}/${name}`);
    }
    Deno.removeSync(copy, { recursive: true });
    console.log(`crash: all that was answered more than ${lostMs} ms before a kill was kept`);
  }),
);
