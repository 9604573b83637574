/**
 * Scrape as registers: the hashes asked for and the counts found, in the order they were asked, duplicates repeated.
 * A door owns one of each and overwrites them. Source: BEP 48, BEP 15.
 */

/** Hashes answered in one scrape; opentracker answers 64 over HTTP and 75 over UDP. */
export const SCRAPE_HASHES_MAX = 75;

/** A decoded scrape. */
export class ScrapeRequest {
  /** Hashes asked for. */
  count = 0;
  /** Info hash `i`: 20 raw bytes as five words from `i * 5`. */
  readonly words: Int32Array = new Int32Array(SCRAPE_HASHES_MAX * 5);
  /** The same bytes, 20 a hash. */
  readonly bytes: Uint8Array = new Uint8Array(this.words.buffer);
  /** Views of each hash's five words. */
  readonly infoHashes: readonly Int32Array[] = Array.from(
    { length: SCRAPE_HASHES_MAX },
    (_, i) => this.words.subarray(i * 5, i * 5 + 5),
  );
  /** Client address, as in AnnounceRequest. */
  readonly address: Int32Array = new Int32Array(4);
}

/** Counts found: seeders, completed, leechers, three words a hash, in the order of BEP 15. */
export class ScrapeReply {
  readonly counts: Int32Array = new Int32Array(SCRAPE_HASHES_MAX * 3);

  /** Sets the counts of hash `index`. */
  set(index: number, seeders: number, completed: number, leechers: number): void {
    this.counts[index * 3] = seeders;
    this.counts[index * 3 + 1] = completed;
    this.counts[index * 3 + 2] = leechers;
  }
}
