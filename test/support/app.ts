/** A tracker inside the test's own process: real parts in real workers, on ports the kernel chooses. */
import { App } from "../../src/app.ts";
import { ConfigDraft } from "../../src/config/config.ts";
import type { HostLimits } from "../../src/plugin/host_messages.ts";
import { HOST_LIMITS } from "../../src/plugin_choice.ts";

/** What a test's tracker runs on. */
export type Kind = "linux" | "portable";

/** A running tracker and its ports. */
export interface TestApp extends AsyncDisposable {
  readonly app: App;
  readonly tcpPort: number;
  readonly udpPort: number;
}

/** Kinds of front this machine can run. */
export const KINDS: readonly Kind[] = Deno.build.os === "linux" ? ["linux", "portable"] : ["portable"];

/**
 * Starts a tracker with the lines of `config`, listening on `address`. `limits`: how long what runs
 * plugins is waited for.
 */
export async function startApp(
  kind: Kind,
  config = "",
  address = "127.0.0.1",
  limits: Partial<HostLimits> = {},
): Promise<TestApp> {
  const host = address.includes(":") ? `[${address}]` : address, draft = new ConfigDraft();
  const base =
    `tracker.front ${kind}\ntracker.memory 32\ntracker.workers 2\nlisten.tcp ${host}:0\nlisten.udp ${host}:0\n`;
  const problem = draft.applyFile("test.conf", base + config);
  if (problem !== null) throw new Error(problem.sentence);
  const app = new App(draft.finish(), { ...HOST_LIMITS, ...limits }), refusal = await app.start();
  if (refusal !== null) {
    await app.stop();
    throw new Error(refusal);
  }
  const port = (wanted: string) => app.sockets.find(({ protocol }) => protocol === wanted)!.port;
  return { app, tcpPort: port("tcp"), udpPort: port("udp"), [Symbol.asyncDispose]: () => app.stop() };
}

/** Sends `request` (one character a byte) and reads until `replies` whole replies have come or the end. */
export async function exchange(port: number, request: string, replies = 1): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(socket, request);
  return await readReplies(socket, replies);
}

/** Writes all of `text`, one character a byte. */
export async function writeAll(socket: Deno.TcpConn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

/** Reads until `replies` replies with a Content-Length are whole, or the connection ends. */
export async function readReplies(socket: Deno.TcpConn, replies: number): Promise<string> {
  const decoder = new TextDecoder("latin1"), buffer = new Uint8Array(65536);
  let text = "";
  while (countWhole(text) < replies) {
    const count = await socket.read(buffer).catch(() => null);
    if (count === null) break;
    text += decoder.decode(buffer.slice(0, count));
  }
  return text;
}

/** Whole replies in `text`. */
export function countWhole(text: string): number {
  let at = 0;
  for (let whole = 0;; whole++) {
    const headEnd = text.indexOf("\r\n\r\n", at);
    if (headEnd < 0) return whole;
    const length = Number(/content-length: *(\d+)/i.exec(text.slice(at, headEnd))?.[1] ?? 0);
    at = headEnd + 4 + length;
    if (at > text.length) return whole;
  }
}

/** An announce of `port` to the torrent whose hash is 20 times `letter`. */
export function announceRequest(letter: string, port: number, rest = "", headers = ""): string {
  return `GET /announce?info_hash=${letter.repeat(20)}&port=${port}&left=1&compact=1${rest} HTTP/1.1\r\n${headers}\r\n`;
}
