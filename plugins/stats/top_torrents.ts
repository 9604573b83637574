/** The largest torrents by peers, seeds and leechers, in one walk over the store and without keeping more than asked. */
import type { TorrentBatch } from "waggle/plugin";

/** opentracker's text: three lists of up to `length` torrents, the largest first, zeros left out. */
export async function topTorrents(length: number, batches: AsyncIterable<TorrentBatch>): Promise<string> {
  const peers = new TopList(length), seeds = new TopList(length), leechers = new TopList(length);
  for await (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      const seederCount = batch.seeders[i]!, leecherCount = batch.leechers[i]!;
      peers.offer(seederCount + leecherCount, batch.infoHashes, i);
      seeds.offer(seederCount, batch.infoHashes, i);
      leechers.offer(leecherCount, batch.infoHashes, i);
    }
  }
  return peers.text("peers") + seeds.text("seeds") + leechers.text("leechers");
}

/** The `length` torrents with the most of something; of equals, those with the lower hash. */
class TopList {
  readonly #length: number;
  /** Descending. */
  readonly #rows: Row[] = [];
  /** Less than this is not among the top. */
  #least = 1;

  constructor(length: number) {
    this.#length = length;
  }

  offer(value: number, infoHashes: Uint8Array, row: number): void {
    if (value < this.#least) return;
    const rows = this.#rows, hashAt = row * 20;
    const isFull = rows.length === this.#length;
    if (isFull && !isBefore(value, infoHashes, hashAt, rows.at(-1)!)) return;
    if (isFull) rows.pop();
    let at = rows.length;
    while (at > 0 && isBefore(value, infoHashes, hashAt, rows[at - 1]!)) at--;
    rows.splice(at, 0, { value, infoHash: infoHashes.slice(hashAt, hashAt + 20) });
    if (rows.length === this.#length) this.#least = rows.at(-1)!.value;
  }

  text(by: string): string {
    const lines = this.#rows.map(({ value, infoHash }) => `\t${value}\t${infoHash.toHex().toUpperCase()}\n`);
    return `Top ${this.#length} torrents by ${by}:\n${lines.join("")}`;
  }
}

interface Row {
  readonly value: number;
  readonly infoHash: Uint8Array;
}

function isBefore(value: number, infoHashes: Uint8Array, hashAt: number, row: Row): boolean {
  if (value !== row.value) return value > row.value;
  for (let i = 0; i < 20; i++) {
    const byte = infoHashes[hashAt + i]!;
    if (byte !== row.infoHash[i]) return byte < row.infoHash[i]!;
  }
  return false;
}
