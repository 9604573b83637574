/** Asks a tracker byte by byte and takes its answers apart into named fields, so that two trackers can be compared. */
import { type Bencode, decodeBencode } from "./bencode.ts";
import { latin1, latin1Text } from "./vectors.ts";

/** An answer as fields: name to text. */
export type Fields = Readonly<Record<string, string>>;

const HOST = "127.0.0.1";

/** The tracker's interval and its jitter. */
const INTERVAL_SECONDS_MIN = 1620, INTERVAL_SECONDS_MAX = 1980;
/** After a whole reply, a connection that is not closed for this long stays open. */
const OPEN_MS = 1000;
/** A request without a whole reply after this long gets none: there is one that opentracker never answers. */
const NO_REPLY_MS = 3000;
/** Size of the longest UDP reply. */
const PACKET_BYTES_MAX = 2048;

/** Sends `request` (one character a byte) on a connection of its own. Resolves to the whole of the reply's bytes. */
export async function askHttp(port: number, request: string): Promise<{ bytes: Uint8Array; isClosed: boolean }> {
  const socket = await Deno.connect({ hostname: HOST, port });
  const parts: Uint8Array[] = [];
  let isClosed = false;
  try {
    await writeAll(socket, latin1(request));
    for (;;) {
      const part = await readOnce(socket, isWhole(concatenate(parts)) ? OPEN_MS : NO_REPLY_MS);
      if (part === null) {
        isClosed = true;
        break;
      }
      if (part === "quiet") break;
      parts.push(part);
      if (isWhole(concatenate(parts)) && isKept(concatenate(parts))) break;
    }
  } finally {
    socket.close();
  }
  return { bytes: concatenate(parts), isClosed };
}

async function writeAll(socket: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

// What has come; null at the end; "quiet" when nothing comes any more.
async function readOnce(socket: Deno.TcpConn, quietMs: number): Promise<Uint8Array | null | "quiet"> {
  const buffer = new Uint8Array(65536);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const quiet = new Promise<"quiet">((resolve) => timer = setTimeout(() => resolve("quiet"), quietMs));
  const read = socket.read(buffer).catch((error) => {
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BadResource) return null;
    throw error;
  });
  const count = await Promise.race([read, quiet]);
  clearTimeout(timer);
  return typeof count === "number" ? buffer.slice(0, count) : count;
}

function isWhole(bytes: Uint8Array): boolean {
  const { head, body } = split(bytes), length = /^content-length: *(\d+)$/im.exec(head)?.[1];
  if (/^transfer-encoding: *chunked$/im.test(head)) return body.endsWith("0\r\n\r\n");
  return length !== undefined && body.length >= Number(length);
}

// A whole reply after which the connection is said to stay open is not waited for.
function isKept(bytes: Uint8Array): boolean {
  const { head } = split(bytes);
  return /^HTTP\/1\.1 /.test(head) && !/^connection: *close$/im.test(head) && /^connection: *keep-alive$/im.test(head);
}

function split(bytes: Uint8Array): { head: string; body: string } {
  const text = latin1Text(bytes), at = text.indexOf("\r\n\r\n");
  return at < 0 ? { head: text, body: "" } : { head: text.slice(0, at), body: text.slice(at + 4) };
}

/** The fields of an HTTP reply. Bencode gives a field a key. Intervals in range are all the same, peers are sorted. */
export async function httpFields(port: number, request: string): Promise<Fields> {
  const { bytes, isClosed } = await askHttp(port, request);
  if (bytes.length === 0) return { answer: "none" };
  const { head, body } = split(bytes), [statusLine, ...headers] = head.split("\r\n");
  const fields: Record<string, string> = { "status line": statusLine!, connection: isClosed ? "closed" : "open" };
  for (const header of headers) {
    const [name, value] = header.split(": ");
    if (name!.toLowerCase() === "content-length") fields["length is right"] = String(Number(value) === body.length);
    else fields[`header ${name}`] = value!;
  }
  return { ...fields, ...bodyFields(await unpack(fields, latin1(body))) };
}

/** The body of a reply as text, one character a byte, unpacked. */
export async function httpBody(port: number, request: string): Promise<string> {
  const { head, body } = split((await askHttp(port, request)).bytes);
  const fields = Object.fromEntries(
    head.split("\r\n").map((line) => [`header ${line.split(": ")[0]}`, line.split(": ")[1] ?? ""]),
  );
  return latin1Text(await unpack(fields, latin1(body)));
}

async function unpack(fields: Fields, body: Uint8Array): Promise<Uint8Array> {
  const content = fields["header Transfer-Encoding"] === "chunked" ? joinChunks(body) : body;
  return fields["header Content-Encoding"] === "gzip" ? await gunzip(content) : content;
}

function joinChunks(bytes: Uint8Array): Uint8Array {
  const text = latin1Text(bytes), parts: Uint8Array[] = [];
  for (let at = 0;;) {
    const lineEnd = text.indexOf("\r\n", at), length = parseInt(text.slice(at, lineEnd), 16);
    if (!(length >= 0)) throw new Error(`no chunk at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    if (length === 0) return concatenate(parts);
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + length));
    at = lineEnd + length + 4;
  }
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes.slice()]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function bodyFields(body: Uint8Array): Fields {
  let value: Bencode;
  try {
    value = decodeBencode(body);
  } catch {
    return { body: bodyText(latin1Text(body)) };
  }
  if (typeof value !== "object" || Array.isArray(value)) return { body: latin1Text(body) };
  const keys = Object.keys(value);
  const fields: Record<string, string> = { "keys in order": String(keys.join() === [...keys].sort().join()) };
  for (const [key, item] of Object.entries(value)) fields[key] = fieldText(key, item, value);
  return fields;
}

/** What depends on the moment is the same in all: uptime, rates, accepted connections, minutes, a run's own number. */
function bodyText(text: string): string {
  return text
    .replace(/^\d+(\n\d+\n)\d+ seconds \(\d+ hours\)\n(opentracker (connections|tcp4))/, "C$1UP\n$2")
    .replace(/\d+ seconds \(\d+ hours\)/, "UP")
    .replace(/\d+ (conns|success|scrape|bytes)\/s/g, "N $1/s")
    .replace(/^([0-9A-F]{40}):(\d{7,9}):/gm, "$1:MINUTE:")
    .replace(/<(tracker_id|uptime|accept|overall)>\d+</g, "<$1>N<");
}

function fieldText(key: string, item: Bencode, all: { [key: string]: Bencode }): string {
  if (key === "interval") return intervalText(Number(item));
  if (key === "min interval") return item === Math.floor(Number(all["interval"]) / 2) ? "half" : String(item);
  if (key === "peers" && typeof item === "string") return peersText(latin1(item), 6);
  if (key === "files") return filesText(item as { [hash: string]: Bencode });
  return typeof item === "string" ? item : JSON.stringify(item);
}

function intervalText(seconds: number): string {
  const isUsual = seconds >= INTERVAL_SECONDS_MIN && seconds < INTERVAL_SECONDS_MAX;
  return isUsual ? `${INTERVAL_SECONDS_MIN} to ${INTERVAL_SECONDS_MAX - 1}` : String(seconds);
}

function peersText(bytes: Uint8Array, size: number): string {
  const peers: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const port = bytes[at + size - 2]! << 8 | bytes[at + size - 1]!;
    peers.push(`${bytes.subarray(at, at + size - 2).join(".")}:${port}`);
  }
  return peers.sort().join(" ");
}

function filesText(files: { [hash: string]: Bencode }): string {
  return Object.entries(files)
    .map(([hash, counts]) => `${hash.charCodeAt(0)} ${JSON.stringify(counts)}`)
    .join("; ");
}

/** One UDP client. */
export class UdpAsker {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  readonly #port: number;
  #lastTransaction = 1000;

  constructor(port: number) {
    this.#port = port;
  }

  /** A connection id. */
  async connect(): Promise<Uint8Array> {
    const reply = await this.#exchange(connectPacket(++this.#lastTransaction));
    return reply.slice(8, 16);
  }

  /** The fields of the reply to `packet`; only `answer: none` when there is none. */
  async fields(packet: Uint8Array): Promise<Fields> {
    const marker = ++this.#lastTransaction;
    await this.#send(packet);
    // Packets of one socket are answered in their order: the marker's answer coming first means there is no other.
    await this.#send(connectPacket(marker));
    const first = await this.#receive();
    if (view(first).getUint32(4) === marker) return { answer: "none" };
    await this.#receive();
    return udpFields(packet, first);
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }

  async #exchange(packet: Uint8Array): Promise<Uint8Array> {
    await this.#send(packet);
    return await this.#receive();
  }

  async #send(packet: Uint8Array): Promise<void> {
    await this.#socket.send(packet, { transport: "udp", hostname: HOST, port: this.#port });
  }

  async #receive(): Promise<Uint8Array> {
    const [packet] = await this.#socket.receive(new Uint8Array(PACKET_BYTES_MAX));
    return packet.slice();
  }
}

function connectPacket(transaction: number): Uint8Array {
  const packet = new Uint8Array(16);
  view(packet).setBigUint64(0, 0x41727101980n);
  view(packet).setUint32(12, transaction);
  return packet;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function udpFields(request: Uint8Array, reply: Uint8Array): Fields {
  const words = view(reply), action = words.getUint32(0);
  const isEcho = words.getUint32(4) === view(request).getUint32(12);
  const fields: Record<string, string> = { action: String(action), "transaction id": isEcho ? "echoed" : "other" };
  if (reply.length < 12) return { ...fields, bytes: String(reply.length) };
  if (action === 0) return { ...fields, bytes: String(reply.length) };
  if (action === 3) return { ...fields, text: latin1Text(reply.subarray(8)) };
  if (action === 2) {
    const counts = Array.from({ length: (reply.length - 8) >> 2 }, (_, i) => words.getUint32(8 + i * 4));
    return { ...fields, counts: counts.join(" ") };
  }
  return {
    ...fields,
    interval: intervalText(words.getUint32(8)),
    leechers: String(words.getUint32(12)),
    seeders: String(words.getUint32(16)),
    peers: peersText(reply.subarray(20), 6),
  };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
