/**
 * Kills the tracker with SIGKILL at random moments under load, and compares the state file with a model of what was
 * answered: nothing missing that was answered longer than one interval ago, nothing invented, the file sound. CRASHES
 * says how often (default 10; 50 take some two minutes), EXECUTABLE names a compiled tracker to do it with.
 */
import assert from "node:assert/strict";
import { StateFile } from "../../src/persist/state_file.ts";
import { HttpClient } from "../support/http_client.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { startKeptTracker, withStatePath } from "../support/state.ts";
import { type RunningTracker, writeConfig } from "../support/tracker_process.ts";

const CRASHES = Number(Deno.env.get("CRASHES") ?? 10);
const INTERVAL_SECONDS = 1;
/** What is younger than this may be lost: the interval, and the pass that was being made. */
const WINDOW_MS = INTERVAL_SECONDS * 1000 + 1000;
const CONNECTIONS = 4;
const TORRENTS = 300;
const PORTS = 40;
/** More than anyone says of one peer within the window. */
const HISTORY = 200;
/** A torrent with enough peers to be a large list. */
const LARGE_PORTS = 3000;

/** What was said of one peer: true = seeder, false = leecher, null = gone; and when the answer came. */
interface Said {
  readonly what: boolean | null;
  readonly sentMs: number;
  answeredMs: number;
}

class Swarms {
  readonly hashes: Uint8Array[];
  /** By torrent, by port: what was said, the oldest first; what is older than the last sure one is dropped. */
  readonly said: Map<number, Said[]>[];

  constructor(readonly random: Random) {
    this.hashes = Array.from({ length: TORRENTS }, () => random.bytes(20));
    this.said = this.hashes.map(() => new Map());
  }

  /** Announces on one connection until it breaks. Peers are shared out by port: no two connections have the same. */
  async announceUntilDead(port: number, connection: number): Promise<void> {
    const client = await HttpClient.connect(port), { random } = this;
    try {
      for (;;) {
        const torrent = random.oneIn(3) ? 0 : random.below(TORRENTS);
        const peers = torrent === 0 ? LARGE_PORTS : PORTS;
        const peer = 1 + connection + CONNECTIONS * random.below(peers / CONNECTIONS);
        const what = random.oneIn(4) ? null : random.oneIn(2);
        const said: Said = { what, sentMs: performance.now(), answeredMs: Infinity };
        const history = this.said[torrent]!.get(peer) ?? [];
        this.said[torrent]!.set(peer, [...history.slice(-HISTORY), said]);
        const event = what === null ? { event: "stopped" as const } : {};
        await client.announce({ infoHash: this.hashes[torrent]!, port: peer, left: what ? 0 : 1, ...event });
        said.answeredMs = performance.now();
      }
    } catch (error) {
      if (!(error instanceof Error) || !Object.hasOwn(Deno.errors, error.name)) throw error;
    } finally {
      client.close();
    }
  }

  /** Compares the file with what was said up to `deadMs`, and takes the file's word for what was open. */
  compare(file: StateFile, deadMs: number): void {
    const kept = new Map([...file.rows()].map((row) => [row.infoHash.join(), row]));
    for (const [torrent, infoHash] of this.hashes.entries()) {
      const row = kept.get(infoHash.join()), peers = new Map<number, boolean>();
      kept.delete(infoHash.join());
      const packed = row?.peers4 ?? new Uint8Array(0);
      for (let i = 0; i < packed.length / 8; i++) {
        const port = packed[i * 8 + 4]! << 8 | packed[i * 8 + 5]!;
        // A peer that turned seeder while its swarm was copied may stand on both sides: the first counts.
        if (!peers.has(port)) peers.set(port, i < row!.seeders4);
      }
      this.#compareTorrent(torrent, peers, deadMs);
    }
    assert.equal(kept.size, 0, "torrents were invented");
  }

  #compareTorrent(torrent: number, peers: Map<number, boolean>, deadMs: number): void {
    for (const [port, history] of this.said[torrent]!) {
      const sure = history.findLastIndex(({ answeredMs }) => answeredMs < deadMs - WINDOW_MS);
      const allowed = new Set(history.slice(Math.max(0, sure)).map(({ what }) => what));
      if (sure < 0) allowed.add(null);
      const found = peers.get(port) ?? null;
      assert.ok(
        allowed.has(found),
        `torrent ${torrent} peer ${port} is ${found}, and was ${JSON.stringify(history)} at ${deadMs}`,
      );
      this.said[torrent]!.set(port, [{ what: found, sentMs: 0, answeredMs: 0 }]);
      peers.delete(port);
    }
    assert.equal(peers.size, 0, `peers of torrent ${torrent} were invented: ${[...peers.keys()]}`);
  }
}

Deno.test(
  `tracker.state: killed ${CRASHES} times under load, nothing is missing and nothing is invented`,
  withStatePath(async (path) => {
    const random = seededRandom("crash"), swarms = new Swarms(random);
    const folder = path.replace(/\/[^/]*$/, "");
    const config = writeConfig(folder, {
      "tracker.state": path,
      "tracker.state_seconds": INTERVAL_SECONDS,
      "tracker.memory": 64,
    });
    for (let crash = 0; crash <= CRASHES; crash++) {
      const tracker = await startKeptTracker(config);
      if (crash > 0) await compareScrape(tracker, path, swarms);
      if (crash === CRASHES) {
        assert.equal(await tracker.stop("SIGTERM"), 0);
        break;
      }
      const dead = killLater(tracker, 500 + random.below(2500));
      await Promise.all(
        Array.from({ length: CONNECTIONS }, (_, i) => swarms.announceUntilDead(tracker.httpPort, i)),
      );
      const deadMs = await dead, file = StateFile.open(path);
      try {
        assert.deepEqual(file.problems(), [], "integrity check");
        swarms.compare(file, deadMs);
      } finally {
        file.close();
      }
    }
  }),
);

/** Kills it after a random time under load. Resolves to the moment before. */
async function killLater(tracker: RunningTracker, ms: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms);
  await promise;
  const deadMs = performance.now();
  await tracker.stop("SIGKILL");
  return deadMs;
}

/** A tracker that has started serves what the file holds. */
async function compareScrape(tracker: RunningTracker, path: string, swarms: Swarms): Promise<void> {
  const file = StateFile.open(path, { readOnly: true }), client = await HttpClient.connect(tracker.httpPort);
  for (const infoHash of swarms.hashes.slice(0, 20)) {
    const row = file.row(infoHash), hash = Array.from(infoHash, (byte) => `%${byte.toString(16).padStart(2, "0")}`);
    const answer = await client.ask(`GET /scrape?info_hash=${hash.join("")} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const seeders = Number(/8:completei(\d+)e/.exec(answer)?.[1]), want = row?.seeders4 ?? 0;
    assert.ok(seeders === want || row!.peers4!.length > 8 * 64, `${seeders} seeders are served, ${want} were kept`);
  }
  file.close();
  client.close();
}
