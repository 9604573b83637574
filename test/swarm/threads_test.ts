/** One store under four threads: what each is told and what is left must add up. */
import assert from "node:assert/strict";
import { EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { ScrapeReply } from "../../src/bittorrent/scrape.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { seededRandom } from "../support/random.ts";
import { setAsker, StoreDriver } from "../support/store.ts";
import { runThreads } from "../support/threads.ts";
import type { SwarmFindings, SwarmTask } from "./swarm_thread.ts";

const THREADS = 4;
const ANNOUNCES = 60_000;
const TORRENTS = 6;
const PEERS_MAX = 400;

Deno.test("SwarmStore keeps count while four threads announce to the same few torrents", async () => {
  const random = seededRandom("swarm threads"), secret = new Int32Array(random.bytes(16).buffer);
  const arena = createArena(64, secret), hashes = Array.from({ length: TORRENTS }, () => random.bytes(20));
  const findings = await runThreads<SwarmTask, SwarmFindings>(
    import.meta.resolve("./swarm_thread.ts"),
    THREADS,
    (index) => ({
      arena,
      owner: index + 1,
      seed: random.below(2 ** 31),
      announces: ANNOUNCES,
      hashes,
      peersMax: PEERS_MAX,
    }),
  );
  const store = new SwarmStore(arena, THREADS + 1, 1, 45), reply = new ScrapeReply();
  assertCompleted(store, hashes, findings, reply);
  removeShared(store, hashes);
  const { seeders4, seeders6, leechers4, leechers6 } = store.totals(),
    sum = (key: "seeders" | "leechers") => findings.reduce((total, finding) => total + finding[key], 0);
  assert.deepEqual([seeders4 + seeders6, leechers4 + leechers6], [sum("seeders"), sum("leechers")]);
  const scraped = [0, 0];
  for (const hash of hashes) {
    store.scrape(new Int32Array(hash.buffer), reply, 0);
    scraped[0]! += reply.counts[0]!;
    scraped[1]! += reply.counts[2]!;
  }
  assert.deepEqual(scraped, [sum("seeders"), sum("leechers")]);
});

// Every transition was told to exactly one thread.
function assertCompleted(store: SwarmStore, hashes: Uint8Array[], findings: SwarmFindings[], reply: ScrapeReply): void {
  for (const [torrent, hash] of hashes.entries()) {
    store.scrape(new Int32Array(hash.buffer), reply, 0);
    const told = findings.reduce((total, finding) => total + finding.completed[torrent]!, 0);
    assert.equal(reply.counts[1], told, `torrent ${torrent}`);
  }
}

// Takes out the peers that all threads fought over: the rest is each thread's own.
function removeShared(store: SwarmStore, hashes: Uint8Array[]): void {
  const { request, reply } = new StoreDriver();
  request.event = EVENT_STOPPED;
  for (const hash of hashes) {
    for (const length of [4, 16]) {
      for (let port = 1; port <= PEERS_MAX; port++) {
        request.infoHashBytes.set(hash);
        setAsker(request, new Uint8Array(length).fill(99), port);
        store.announce(request, reply);
      }
    }
  }
}
