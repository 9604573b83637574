/**
 * The bytes of a full scrape on their way to its client: counted, and given up when the client takes them too slowly,
 * because only a few are under way at once and each keeps its torrents in memory.
 */

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

/** The bytes of `body`, each piece when it is asked for. Fails with TooSlow. */
export function watchFullScrape(
  body: ReadableStreamDefaultReader<Uint8Array>,
  { second, onBytes, onEnd }: FullScrapeStreamRim,
): ReadableStream<Uint8Array> {
  let sentBytes = 0, sentSecond = second(), waitedSeconds = 0, hasEnded = false;
  const end = () => {
    if (!hasEnded) onEnd();
    hasEnded = true;
  };
  const checkPace = () => {
    waitedSeconds += second() - sentSecond;
    if ((waitedSeconds - WAIT_SECONDS) * PACE_BYTES_MIN > sentBytes) throw new TooSlow();
  };
  return new ReadableStream<Uint8Array>({
    pull: async (out) => {
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
      }
    },
    cancel: async (reason) => {
      end();
      await body.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
