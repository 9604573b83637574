/** Counts over the whole store, for those who only look: plain reads of the shard headers, no lock. */
import { arenaUse, shardAt } from "./arena.ts";
import { SHARD_PEERS, SHARD_STALLS, SHARD_TORRENTS, SHARDS } from "./layout.ts";

/** Counts over all swarms. Each shard is read on its own, so that a busy tracker's figures are a few packets apart. */
export interface SwarmTotals {
  readonly torrents: number;
  readonly seeders4: number;
  readonly leechers4: number;
  readonly seeders6: number;
  readonly leechers6: number;
  /** Times a thread had to wait for a shard. */
  readonly stalls: number;
  readonly bytesUsed: number;
  readonly bytesMax: number;
}

/** Reads the counts of the arena whose words these are. */
export function readTotals(words: Int32Array): SwarmTotals {
  let torrents = 0, seeders4 = 0, leechers4 = 0, seeders6 = 0, leechers6 = 0, stalls = 0;
  for (let i = 0; i < SHARDS; i++) {
    const shard = shardAt(i);
    torrents += words[shard + SHARD_TORRENTS];
    stalls += words[shard + SHARD_STALLS];
    seeders4 += words[shard + SHARD_PEERS];
    leechers4 += words[shard + SHARD_PEERS + 1];
    seeders6 += words[shard + SHARD_PEERS + 2];
    leechers6 += words[shard + SHARD_PEERS + 3];
  }
  return { torrents, seeders4, leechers4, seeders6, leechers6, stalls, ...arenaUse(words) };
}
