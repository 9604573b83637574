/** What a client of a tracker can say and hear, whatever the protocol: the conversation is written in these words. */

/** One client: a program at an address and port. */
export interface Client {
  /** The port others reach it at, which is all that tells clients of one machine apart. */
  readonly port: number;
  readonly left: number;
  readonly event?: "started" | "completed" | "stopped";
  readonly numwant?: number;
}

/** What a tracker says to an announce. */
export interface Announced {
  readonly seeders: number;
  readonly leechers: number;
  readonly intervalSeconds: number;
  /** Peers as `address port`, sorted. */
  readonly peers: readonly string[];
}

/** Counts of one torrent. */
export interface Scraped {
  readonly seeders: number;
  readonly completed: number;
  readonly leechers: number;
}

/** A refusal: its text. */
export interface Refused {
  readonly refusal: string;
}

/** Someone talking to a tracker over raw sockets. */
export interface Talk extends Disposable {
  /** The address the tracker sees, as it gives it to others. */
  readonly address: string;
  announce(infoHash: Uint8Array, client: Client): Promise<Announced | Refused>;
  scrape(infoHashes: readonly Uint8Array[]): Promise<readonly Scraped[]>;
  /** Refusals that only this protocol knows: what was asked, what was heard, what it should have been. */
  misbehave(infoHash: Uint8Array): Promise<readonly { asked: string; heard: string; wanted: string }[]>;
}

/** Longest a reply on the loopback may take before the test gives up. */
const REPLY_MS_MAX = 10_000;

/** `reply`, or an error when it does not come; `giveUp` ends the waiting. */
export async function heardInTime<Reply>(reply: Promise<Reply>, giveUp: () => void, what: string): Promise<Reply> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    giveUp();
  }, REPLY_MS_MAX);
  try {
    return await reply;
  } catch (error) {
    if (isLate) throw new Error(`no reply to ${what} within ${REPLY_MS_MAX} ms`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
