/**
 * Conversations with a tracker over UDP, as BEP 15 describes them: a connect, then announces or scrapes under its
 * connection id; each is sent again until it is answered or the time is up. When a name has addresses of both families
 * and none is asked for, both are connected to and the first to answer is kept.
 */
import dgram from "node:dgram";
import { lookup } from "node:dns/promises";
import { formatEndpoint, unresolved } from "./endpoint.ts";
import type { AskOptions, NoAnswer, TrackerRefusal } from "./question.ts";
import type { TrackerUrl } from "./tracker_url.ts";
import { decodeConnect, type Decoded, describeStray, encodeConnect } from "./udp_packets.ts";

/** Wait before a packet is sent again; doubles each time. BEP 15 says 15 s, which suits a client that asks hourly. */
const RESEND_MILLISECONDS = 1000;

/** A tracker that answered a connect. */
export interface UdpConversation {
  readonly kind: "open";
  readonly family: 4 | 6;
  /** Address and port of the tracker. */
  readonly answeredBy: string;
  /** Sends what `encode` makes until `decode` finds its answer among the packets. Never rejects. */
  ask<Answer extends { readonly kind: string }>(
    encode: (connectionId: bigint, transactionId: number) => Uint8Array,
    decode: (packet: Uint8Array, transactionId: number) => Decoded<Answer>,
  ): Promise<Answer | TrackerRefusal | NoAnswer>;
  /** Ends it. */
  close(): void;
}

/** Opens a conversation: the caller closes it. Never rejects. */
export async function openUdp(
  { host, port }: TrackerUrl,
  options: AskOptions,
): Promise<UdpConversation | TrackerRefusal | NoAnswer> {
  const deadline = AbortSignal.timeout(options.timeoutSeconds * 1000);
  const addresses = await resolve(host, options.family);
  if (addresses.length === 0) return { kind: "noAnswer", reason: unresolved(host, options.family) };
  const sockets = addresses.map(({ address, family }) => new UdpExchange(address, family, port, options, deadline));
  const answers = sockets.map(async (socket) => {
    const answer = await socket.exchange(encodeConnect, decodeConnect);
    if (answer.kind === "connected") return { socket, connectionId: answer.connectionId };
    throw answer;
  });
  try {
    const { socket, connectionId } = await Promise.any(answers);
    for (const other of sockets) if (other !== socket) other.close();
    return {
      kind: "open",
      family: socket.family,
      answeredBy: formatEndpoint(socket.address, port),
      ask: (encode, decode) => socket.exchange((transactionId) => encode(connectionId, transactionId), decode),
      close: () => socket.close(),
    };
  } catch (error) {
    for (const socket of sockets) socket.close();
    if (!(error instanceof AggregateError)) throw error;
    const outcomes = error.errors as (TrackerRefusal | NoAnswer)[];
    return outcomes.find(({ kind }) => kind === "refusal") ?? outcomes[0];
  }
}

/** The first address of each family asked for. */
async function resolve(host: string, wanted: 4 | 6 | undefined): Promise<{ address: string; family: 4 | 6 }[]> {
  const families = wanted === undefined ? [4, 6] as const : [wanted];
  const found = await Promise.all(families.map(async (family) => {
    try {
      const { address } = await lookup(host, { family });
      return [{ address, family }];
    } catch {
      // No address of this family.
      return [];
    }
  }));
  return found.flat();
}

/** One socket towards one address. */
class UdpExchange {
  readonly #socket: dgram.Socket;
  readonly #port: number;
  readonly #timeoutSeconds: number;
  readonly #isStrict: boolean;
  readonly #deadline: AbortSignal;
  /** Transaction ids of questions that were answered: what was sent again may be answered again. */
  readonly #answered: number[] = [];
  #isClosed = false;

  constructor(
    readonly address: string,
    readonly family: 4 | 6,
    port: number,
    { timeoutSeconds, isStrict = false }: AskOptions,
    deadline: AbortSignal,
  ) {
    this.#socket = dgram.createSocket(family === 4 ? "udp4" : "udp6");
    this.#port = port;
    this.#timeoutSeconds = timeoutSeconds;
    this.#isStrict = isStrict;
    this.#deadline = deadline;
    // Whatever a socket reports ends as silence, or in `send` below.
    this.#socket.on("error", () => {});
  }

  exchange<Answer extends { readonly kind: string }>(
    encode: (transactionId: number) => Uint8Array,
    decode: (packet: Uint8Array, transactionId: number) => Decoded<Answer>,
  ): Promise<Answer | TrackerRefusal | NoAnswer> {
    const { promise, resolve } = Promise.withResolvers<Answer | TrackerRefusal | NoAnswer>();
    const transactionId = crypto.getRandomValues(new Uint32Array(1))[0];
    const packet = encode(transactionId);
    let wait = RESEND_MILLISECONDS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const send = () => {
      if (this.#isClosed) return;
      this.#socket.send(packet, this.#port, this.address, (error: Error | null) => {
        if (error !== null) resolve({ kind: "noAnswer", reason: `nothing can be sent to ${this.address}` });
      });
      timer = setTimeout(send, wait);
      wait *= 2;
    };
    const giveUp = () => resolve({ kind: "noAnswer", reason: `it did not answer within ${this.#timeoutSeconds} s` });
    const receive = (bytes: Uint8Array, { port }: { readonly port: number }) => {
      if (port !== this.#port) return;
      const answer = decode(bytes, transactionId);
      if (answer !== null) resolve(answer);
      else if (this.#isStrict) {
        const reason = describeStray(bytes, transactionId, this.#answered);
        if (reason !== null) resolve({ kind: "noAnswer", reason });
      }
    };
    this.#socket.on("message", receive);
    this.#deadline.addEventListener("abort", giveUp);
    if (this.#deadline.aborted) giveUp();
    send();
    promise.finally(() => {
      this.#answered.push(transactionId);
      clearTimeout(timer);
      this.#socket.off("message", receive);
      this.#deadline.removeEventListener("abort", giveUp);
    });
    return promise;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
