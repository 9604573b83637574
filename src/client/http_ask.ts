/**
 * One GET to a tracker over HTTP or HTTPS. The target goes out byte for byte, redirects are followed, a body is bounded,
 * and whatever goes wrong is a reason that an operator can act on.
 */
import http from "node:http";
import https from "node:https";
import { gunzipSync, inflateSync } from "node:zlib";
import { formatEndpoint, unresolved } from "./endpoint.ts";
import type { AskOptions } from "./question.ts";
import { parseTrackerUrl, type TrackerUrl } from "./tracker_url.ts";

/** What came back. */
export type HttpReply =
  | { readonly kind: "reply"; readonly status: string; readonly body: Uint8Array; readonly answeredBy: string }
  /** `reason` is the end of a sentence about the tracker. */
  | { readonly kind: "noAnswer"; readonly reason: string };

/** Bytes of a body, before and after it is unpacked, when nothing else is asked for: some 100,000 peers. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Redirects that are followed. */
const REDIRECTS_MAX = 5;

/** One step: a reply, or where to go on. */
type Step = HttpReply | { readonly kind: "redirect"; readonly location: string };

/** Asks `url`, of which `target` takes the place of the target. Never rejects. */
export async function askHttp(url: TrackerUrl, target: string, options: AskOptions): Promise<HttpReply> {
  const deadline = AbortSignal.timeout(options.timeoutSeconds * 1000);
  let at: TrackerUrl = { ...url, target };
  for (let step = 0; step <= REDIRECTS_MAX; step++) {
    const reply = await get(at, options, deadline);
    if (reply.kind !== "redirect") return reply;
    if (options.isStrict) return { kind: "noAnswer", reason: `it redirects to ${JSON.stringify(reply.location)}` };
    const next = parseTrackerUrl(URL.parse(reply.location, formatUrl(at))?.href ?? reply.location);
    if (next.kind === "fault" || next.kind === "udp") {
      return { kind: "noAnswer", reason: `it redirects to ${JSON.stringify(reply.location)}, which cannot be asked` };
    }
    at = next;
  }
  return { kind: "noAnswer", reason: `it redirects more than ${REDIRECTS_MAX} times` };
}

function get(url: TrackerUrl, options: AskOptions, deadline: AbortSignal): Promise<Step> {
  const { promise, resolve } = Promise.withResolvers<Step>(), { bodyBytesMax = BODY_BYTES_MAX } = options;
  const { request } = url.kind === "https" ? https : http;
  const sent = request({
    host: url.host,
    port: url.port,
    path: url.target,
    method: "GET",
    agent: false,
    headers: {
      "User-Agent": options.userAgent,
      Host: formatHost(url),
      Accept: "*/*",
      ...(options.isStrict ? { "Accept-Encoding": "gzip" } : {}),
    },
    ...(options.family === undefined ? {} : { family: options.family }),
    ...(url.auth === undefined ? {} : { auth: url.auth }),
  });
  const giveUp = () => {
    resolve({ kind: "noAnswer", reason: `it did not answer within ${options.timeoutSeconds} s` });
    sent.destroy();
  };
  const fail = (error: Error) => resolve({ kind: "noAnswer", reason: explain(error, url, options.family) });
  if (deadline.aborted) giveUp();
  deadline.addEventListener("abort", giveUp);
  promise.finally(() => deadline.removeEventListener("abort", giveUp));

  sent.on("error", fail);
  sent.on("response", (response: http.IncomingMessage) => {
    const { remoteAddress = url.host, remotePort = url.port } = response.socket ?? {};
    const { location } = response.headers;
    if (location !== undefined && [301, 302, 303, 307, 308].includes(response.statusCode ?? 0)) {
      resolve({ kind: "redirect", location });
      sent.destroy();
      return;
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    response.on("error", fail);
    response.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= bodyBytesMax) return;
      resolve({ kind: "noAnswer", reason: tooLong(bodyBytesMax) });
      sent.destroy();
    });
    response.on("end", () => {
      const body = unpack(chunks, response.headers["content-encoding"], bodyBytesMax);
      const status = `${response.statusCode} ${response.statusMessage ?? ""}`.trim();
      const answeredBy = formatEndpoint(remoteAddress, remotePort);
      resolve(
        typeof body === "string" ? { kind: "noAnswer", reason: body } : { kind: "reply", status, body, answeredBy },
      );
    });
    response.on("aborted", () => resolve({ kind: "noAnswer", reason: "its answer was cut off" }));
  });
  sent.end();
  return promise;
}

function tooLong(bodyBytesMax: number): string {
  return `its answer has more than ${bodyBytesMax} bytes`;
}

/** The body, or why it cannot be read. Trackers pack theirs now and then without being asked. */
function unpack(
  chunks: readonly Uint8Array[],
  encoding: string | undefined,
  maxOutputLength: number,
): Uint8Array | string {
  const body = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  try {
    if (encoding === "gzip" || encoding === "x-gzip") return gunzipSync(body, { maxOutputLength });
    if (encoding === "deflate") return inflateSync(body, { maxOutputLength });
    return body;
  } catch (error) {
    return (error as NodeError).code === "ERR_BUFFER_TOO_LARGE"
      ? tooLong(maxOutputLength)
      : `its answer is not valid ${encoding}`;
  }
}

interface NodeError extends Error {
  readonly code?: string;
}

/** The reason of a failed request. */
function explain(error: NodeError, { kind, host, port }: TrackerUrl, family: 4 | 6 | undefined): string {
  const code = error.code ?? "";
  if (code === "ECONNREFUSED") return `${formatEndpoint(host, port)} refuses connections: nothing listens there`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return unresolved(host, family);
  if (code === "ECONNRESET") return "it closed the connection without an answer";
  if (code === "ETIMEDOUT") return `${formatEndpoint(host, port)} cannot be reached`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `there is no route to ${host}`;
  if (code.startsWith("HPE_")) return "what answers there does not speak HTTP";
  return kind === "https" ? `TLS failed: ${error.message}` : error.message;
}

function formatUrl(url: TrackerUrl): string {
  return `${url.kind}://${formatHost(url)}${url.target}`;
}

function formatHost({ kind, host, port }: TrackerUrl): string {
  const isDefault = port === (kind === "https" ? 443 : 80);
  return isDefault ? formatEndpoint(host, port).replace(/:\d+$/, "") : formatEndpoint(host, port);
}
