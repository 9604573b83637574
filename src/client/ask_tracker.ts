/** Asks any tracker over HTTP or UDP: an announce or a scrape in, what came back out. Prints nothing, never rejects. */
import { isIP } from "node:net";
import { readAnnounceBody, readScrapeBody } from "./http_answer.ts";
import { askHttp } from "./http_ask.ts";
import { announceTarget, scrapeQueryTarget } from "./http_target.ts";
import type {
  AnnounceAnswer,
  AnnounceQuestion,
  Asked,
  AskOptions,
  NoAnswer,
  ScrapeAnswer,
  ScrapedSwarm,
  TrackerRefusal,
} from "./question.ts";
import { parseTrackerUrl, scrapeTarget, type TrackerUrl } from "./tracker_url.ts";
import { openUdp } from "./udp_ask.ts";
import { decodeAnnounce, decodeScrape, encodeAnnounce, encodeScrape, UDP_SCRAPE_HASHES_MAX } from "./udp_packets.ts";

/** Info hashes of one HTTP scrape: a target below 4 KiB, which every tracker reads. */
const HTTP_SCRAPE_HASHES_MAX = 50;

/** An outcome and who gave it. */
interface Reply<Answer> {
  readonly outcome: Answer | TrackerRefusal | NoAnswer;
  readonly answeredBy: string | undefined;
}

/** Announces to the tracker at `url`. */
export function askAnnounce(
  url: string,
  question: AnnounceQuestion,
  options: AskOptions,
): Promise<Asked<AnnounceAnswer>> {
  return timed(url, options, (tracker) => {
    return tracker.kind === "udp"
      ? announceUdp(tracker, question, options)
      : askBody(tracker, announceTarget(tracker.target, question), options, readAnnounceBody);
  });
}

/** Scrapes `infoHashes`, at least one of 20 bytes each, from the tracker whose announce or scrape URL is `url`. */
export function askScrape(
  url: string,
  infoHashes: readonly Uint8Array[],
  options: AskOptions,
): Promise<Asked<ScrapeAnswer>> {
  return timed(url, options, (tracker) => {
    return tracker.kind === "udp" ? scrapeUdp(tracker, infoHashes, options) : scrapeHttp(tracker, infoHashes, options);
  });
}

async function timed<Answer>(
  url: string,
  { family }: AskOptions,
  ask: (tracker: TrackerUrl) => Promise<Reply<Answer>>,
): Promise<Asked<Answer>> {
  const startedAt = performance.now();
  const tracker = parseTrackerUrl(url);
  const reply = tracker.kind === "fault"
    ? silent(tracker.reason)
    : family !== undefined && isIP(tracker.host) === (family === 4 ? 6 : 4)
    ? silent(`${tracker.host} is not an IPv${family} address`)
    : await ask(tracker);
  return { ...reply, milliseconds: performance.now() - startedAt };
}

async function announceUdp(
  tracker: TrackerUrl,
  question: AnnounceQuestion,
  options: AskOptions,
): Promise<Reply<AnnounceAnswer>> {
  const conversation = await openUdp(tracker, options);
  if (conversation.kind !== "open") return { outcome: conversation, answeredBy: undefined };
  const { family, answeredBy } = conversation;
  const outcome = await conversation.ask(
    (connectionId, transactionId) => encodeAnnounce(connectionId, transactionId, question, tracker.target),
    (packet, transactionId) => decodeAnnounce(packet, transactionId, family),
  );
  conversation.close();
  return { outcome, answeredBy };
}

async function scrapeUdp(
  tracker: TrackerUrl,
  infoHashes: readonly Uint8Array[],
  options: AskOptions,
): Promise<Reply<ScrapeAnswer>> {
  const conversation = await openUdp(tracker, options);
  if (conversation.kind !== "open") return { outcome: conversation, answeredBy: undefined };
  const reply = await inBatches(infoHashes, UDP_SCRAPE_HASHES_MAX, async (batch) => {
    const outcome = await conversation.ask(
      (connectionId, transactionId) => encodeScrape(connectionId, transactionId, batch),
      (packet, transactionId) => decodeScrape(packet, transactionId, batch),
    );
    return { outcome, answeredBy: conversation.answeredBy };
  });
  conversation.close();
  return reply;
}

function scrapeHttp(
  tracker: TrackerUrl,
  infoHashes: readonly Uint8Array[],
  options: AskOptions,
): Promise<Reply<ScrapeAnswer>> {
  const target = scrapeTarget(tracker.target);
  if (target === null) {
    return Promise.resolve(silent('it cannot be scraped: the last part of its path must begin with "announce"'));
  }
  return inBatches(infoHashes, HTTP_SCRAPE_HASHES_MAX, (batch) => {
    return askBody(tracker, scrapeQueryTarget(target, batch), options, (body) => readScrapeBody(body, batch));
  });
}

/** Scrapes batch after batch up to the first that is not answered. */
async function inBatches(
  infoHashes: readonly Uint8Array[],
  batchMax: number,
  scrape: (batch: readonly Uint8Array[]) => Promise<Reply<ScrapeAnswer>>,
): Promise<Reply<ScrapeAnswer>> {
  const swarms: ScrapedSwarm[] = [];
  let answeredBy: string | undefined;
  for (let at = 0; at < infoHashes.length; at += batchMax) {
    const reply = await scrape(infoHashes.slice(at, at + batchMax));
    if (reply.outcome.kind !== "answer") return reply;
    swarms.push(...reply.outcome.swarms);
    answeredBy = reply.answeredBy;
  }
  return { outcome: { kind: "answer", swarms }, answeredBy };
}

async function askBody<Answer extends { readonly kind: string }>(
  tracker: TrackerUrl,
  target: string,
  options: AskOptions,
  read: (body: Uint8Array) => Answer | TrackerRefusal | NoAnswer,
): Promise<Reply<Answer>> {
  const reply = await askHttp(tracker, target, options);
  if (reply.kind === "noAnswer") return { outcome: reply, answeredBy: undefined };
  const { answeredBy, status } = reply;
  const outcome = read(reply.body);
  // A refusal counts with any status; of anything else that came with a bad one, the status says more than the body.
  const isBadPage = !status.startsWith("200") && outcome.kind !== "refusal";
  return { outcome: isBadPage ? { kind: "noAnswer", reason: `it answers with HTTP ${status}` } : outcome, answeredBy };
}

function silent(reason: string): Reply<never> {
  return { outcome: { kind: "noAnswer", reason }, answeredBy: undefined };
}
