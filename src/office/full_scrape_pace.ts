/**
 * The bytes of a full scrape on their way to its client: counted, and given up when the client takes them too slowly,
 * because only a few are under way at once and each keeps its torrents in memory.
 */
import type { SentFullScrape } from "./full_scrape_gate.ts";

/** What a client must take in a second, on average over the time that it is waited for. */
export const PACE_BYTES_MIN = 131_072;
/** Seconds that it may be waited for before that counts. */
export const WAIT_SECONDS = 30;

/** The client takes too little. Nobody's fault but its own. */
export class TooSlow extends Error {}

/** What the stream is handed. */
export interface FullScrapeStreamRim {
  /** Seconds since the start. */
  readonly second: () => number;
  readonly onBytes: (count: number) => void;
  /** All is sent, it failed, or the client has gone: once. */
  readonly onEnd: () => void;
}

/** A full scrape on its way. */
export interface WatchedFullScrape extends SentFullScrape {
  /** Its bytes, each piece when it is asked for. Fails with TooSlow. */
  readonly bytes: ReadableStream<Uint8Array>;
}

/** Watches the bytes of `body`. */
export function watchFullScrape(
  body: ReadableStreamDefaultReader<Uint8Array>,
  { second, onBytes, onEnd }: FullScrapeStreamRim,
): WatchedFullScrape {
  let sentBytes = 0, sentSecond = second(), waitedSeconds = 0, isAsked = false, isTooSlow = false, hasEnded = false;
  const end = () => {
    if (!hasEnded) onEnd();
    hasEnded = true;
  };
  const checkPace = () => {
    waitedSeconds += second() - sentSecond;
    if (isTooSlow || (waitedSeconds - WAIT_SECONDS) * PACE_BYTES_MIN > sentBytes) throw new TooSlow();
  };
  const bytes = new ReadableStream<Uint8Array>({
    pull: async (out) => {
      isAsked = true;
      try {
        checkPace();
        const { value, done } = await body.read();
        if (done) {
          end();
          return out.close();
        }
        sentBytes += value.length;
        sentSecond = second();
        onBytes(value.length);
        out.enqueue(value);
      } catch (error) {
        end();
        if (error instanceof TooSlow) await body.cancel(error);
        throw error;
      } finally {
        isAsked = false;
      }
    },
    cancel: async (reason) => {
      end();
      await body.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return {
    bytes,
    waitingSeconds: () => isAsked || hasEnded ? 0 : second() - sentSecond,
    giveWay: () => {
      isTooSlow = true;
      end();
      // What it has in memory goes now; its client hears of it when it asks for more.
      body.cancel(new TooSlow()).catch(() => {});
    },
  };
}
