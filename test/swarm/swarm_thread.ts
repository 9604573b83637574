/** A thread that announces random peers to a few torrents, and counts what it was told. */
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { Random } from "../support/random.ts";
import { setAsker, StoreDriver } from "../support/store.ts";
import { threadBody } from "../support/threads.ts";

/** What the thread is to do. */
export interface SwarmTask {
  readonly arena: SharedArrayBuffer;
  readonly owner: number;
  readonly seed: number;
  readonly announces: number;
  readonly hashes: readonly Uint8Array[];
  /** Peers of its own a torrent; besides, all threads share as many. */
  readonly peersMax: number;
}

/** What it was told: completed transitions a torrent; and what is left of its own peers, which only it touches. */
export interface SwarmFindings {
  readonly completed: number[];
  readonly seeders: number;
  readonly leechers: number;
}

threadBody<SwarmTask, SwarmFindings>((task) => {
  const random = new Random(task.seed), { request, reply } = new StoreDriver();
  const store = new SwarmStore(task.arena, task.owner, task.seed, 45);
  const completed = task.hashes.map(() => 0), own = new Map<string, boolean>();
  reply.peersMax = 50;
  reply.bothFamilies = true;
  for (let i = 0; i < task.announces; i++) {
    const torrent = random.below(task.hashes.length), isOwn = random.oneIn(2);
    const address = new Uint8Array(random.oneIn(3) ? 16 : 4).fill(isOwn ? task.owner : 99);
    request.infoHashBytes.set(task.hashes[torrent]!);
    const asker = `${torrent}|${setAsker(request, address, 1 + random.below(task.peersMax))}`;
    request.seeder = random.oneIn(2);
    request.event = random.oneIn(4) ? EVENT_STOPPED : random.oneIn(3) ? EVENT_COMPLETED : EVENT_NONE;
    store.announce(request, reply);
    if (reply.newlyCompleted) completed[torrent]!++;
    if (!isOwn) continue;
    if (reply.ageMinutes >= 0 !== own.has(asker)) {
      throw new Error(`${asker} was ${own.has(asker) ? "lost" : "made up"}`);
    }
    if (request.event === EVENT_STOPPED) own.delete(asker);
    else own.set(asker, request.seeder);
    if (i % 1000 === 0) store.sweep(random.below(256), 8);
  }
  const seeders = [...own.values()].filter((seeder) => seeder).length;
  return { completed, seeders, leechers: own.size - seeders };
});
