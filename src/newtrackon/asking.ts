/** One announce as newTrackon sends it: to one protocol and port of a host, over one family. Never rejects. */
import { askHttp } from "../client/http_ask.ts";
import { announceTarget } from "../client/http_target.ts";
import type { AnnounceQuestion, AskOptions } from "../client/question.ts";
import type { TrackerUrl } from "../client/tracker_url.ts";
import { openUdp } from "../client/udp_ask.ts";
import { decodeAnnounce, encodeAnnounce } from "../client/udp_packets.ts";
import { ANNOUNCE_PATH, type Answer, ASKER, BODY_BYTES_MAX, judgeHttp, judgeUdp, type Rejection } from "./rules.ts";

/** What came of it. */
export interface Asking {
  readonly family: 4 | 6;
  /** From name to answer. */
  readonly milliseconds: number;
  /** Address and port that answered; undefined when none did. */
  readonly answeredBy: string | undefined;
  /** silent: nothing came back that says something. */
  readonly outcome: Answer | Rejection | { readonly kind: "silent"; readonly reason: string };
}

/** How to ask. */
export interface AskingOptions {
  readonly family: 4 | 6;
  readonly timeoutSeconds: number;
  /** Random bytes: a new torrent and a new peer each time. */
  readonly randomBytes: (length: number) => Uint8Array;
}

/** Asks `tracker`, of which only protocol, host and port count. */
export async function askAsNewTrackon(tracker: TrackerUrl, options: AskingOptions): Promise<Asking> {
  const startedAt = performance.now(), { family, timeoutSeconds } = options, { userAgent } = ASKER;
  const ask = { family, timeoutSeconds, userAgent, isStrict: true, bodyBytesMax: BODY_BYTES_MAX };
  const reply = tracker.kind === "udp"
    ? await askUdp(tracker, questionOf(options, ASKER.udpPort), ask)
    : await askOverHttp(tracker, questionOf(options, ASKER.httpPort), ask);
  return { family, milliseconds: performance.now() - startedAt, ...reply };
}

type Reply = Pick<Asking, "answeredBy" | "outcome">;

async function askUdp(tracker: TrackerUrl, question: AnnounceQuestion, options: AskOptions): Promise<Reply> {
  const conversation = await openUdp(tracker, options);
  if (conversation.kind !== "open") return { answeredBy: undefined, outcome: toOutcome(conversation) };
  const { family, answeredBy } = conversation;
  const answer = await conversation.ask(
    (connectionId, transactionId) => encodeAnnounce(connectionId, transactionId, { ...question, event: "started" }, ""),
    (packet, transactionId) => decodeAnnounce(packet, transactionId, family),
  );
  conversation.close();
  return { answeredBy, outcome: answer.kind === "answer" ? judgeUdp(answer) : toOutcome(answer) };
}

async function askOverHttp(tracker: TrackerUrl, question: AnnounceQuestion, options: AskOptions): Promise<Reply> {
  const reply = await askHttp(tracker, announceTarget(ANNOUNCE_PATH, question), options);
  if (reply.kind === "noAnswer") return { answeredBy: undefined, outcome: { kind: "silent", reason: reply.reason } };
  return { answeredBy: reply.answeredBy, outcome: judgeHttp(reply.status, reply.body) };
}

function toOutcome({ kind, reason }: { kind: "refusal" | "noAnswer"; reason: string }): Asking["outcome"] {
  return { kind: kind === "refusal" ? "refused" : "silent", reason };
}

function questionOf({ randomBytes }: AskingOptions, port: number): AnnounceQuestion {
  const peerId = randomBytes(20).map((byte) => 0x61 + byte % 26);
  peerId.set(new TextEncoder().encode(ASKER.peerIdPrefix));
  return {
    infoHash: randomBytes(20),
    peerId,
    port,
    uploaded: 0,
    downloaded: 0,
    left: 0,
    event: "",
    numwant: undefined,
    key: new DataView(randomBytes(4).buffer).getUint32(0),
  };
}
