/** A client that speaks HTTP over a raw TCP socket, kept open between requests. */
import { type Bencode, decodeBencode } from "../support/bencode.ts";
import { latin1, latin1Text } from "../support/vectors.ts";
import { type Announced, type Client, heardInTime, type Refused, type Scraped, type Talk } from "./talk.ts";
import { peersOf } from "./udp_talk.ts";

/** A reply as it came. */
export interface HttpReply {
  readonly head: string;
  readonly body: Uint8Array;
}

/** One connection to a tracker, byte by byte. */
export class HttpWire implements Disposable {
  readonly #socket: Deno.TcpConn;
  #unread = new Uint8Array(0);

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects to the tracker. */
  static async connect(hostname: string, port: number): Promise<HttpWire> {
    return new HttpWire(await Deno.connect({ hostname, port }));
  }

  /** Writes the bytes of `text`, one a character. */
  async write(text: string): Promise<void> {
    const bytes = latin1(text);
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  /** The next reply, whole by its Content-Length. */
  async reply(): Promise<HttpReply> {
    for (;;) {
      const text = latin1Text(this.#unread), headEnd = text.indexOf("\r\n\r\n");
      const length = Number(/^Content-Length: (\d+)\r?$/m.exec(text)?.[1]), end = headEnd + 4 + length;
      if (headEnd >= 0 && this.#unread.length >= end) {
        const reply = { head: text.slice(0, headEnd), body: this.#unread.slice(headEnd + 4, end) };
        this.#unread = this.#unread.slice(end);
        return reply;
      }
      const read = await this.#read();
      if (read === null) throw new Error(`closed in the middle of a reply: ${JSON.stringify(text)}`);
      this.#unread = new Uint8Array([...this.#unread, ...read]);
    }
  }

  /** Resolves when the tracker has closed the connection; what it still says is returned. */
  async closed(): Promise<string> {
    let text = latin1Text(this.#unread);
    for (let read; (read = await this.#read()) !== null;) text += latin1Text(read);
    return text;
  }

  async #read(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(65536);
    try {
      const read = await heardInTime(this.#socket.read(buffer), () => this.#socket.close(), "an HTTP request");
      return read === null ? null : buffer.subarray(0, read);
    } catch (error) {
      // So a connection ends that the tracker has closed without reading all of it.
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#socket.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Talks to the tracker at `hostname` and `port`. */
export class HttpTalk implements Talk {
  readonly address: string;
  readonly #wire: HttpWire;

  private constructor(address: string, wire: HttpWire) {
    this.address = address;
    this.#wire = wire;
  }

  /** Connects to the tracker. */
  static async connect(hostname: string, port: number): Promise<HttpTalk> {
    return new HttpTalk(hostname, await HttpWire.connect(hostname, port));
  }

  async announce(infoHash: Uint8Array, { port, left, event, numwant }: Client): Promise<Announced | Refused> {
    const rest = `${event === undefined ? "" : `&event=${event}`}${numwant === undefined ? "" : `&numwant=${numwant}`}`;
    const hash = escaped(infoHash), peerId = "peer_id=-WG0001-abcdefghijkl";
    const reply = await this.#get(`/announce?info_hash=${hash}&${peerId}&port=${port}&left=${left}&compact=1${rest}`);
    if (typeof reply["failure reason"] === "string") return { refusal: reply["failure reason"] };
    const peers = (key: string, size: number) => peersOf(latin1((reply[key] ?? "") as string), size);
    return {
      seeders: Number(reply["complete"]),
      leechers: Number(reply["incomplete"]),
      intervalSeconds: Number(reply["interval"]),
      peers: [...peers("peers", 6), ...peers("peers6", 18)].sort(),
    };
  }

  async scrape(infoHashes: readonly Uint8Array[]): Promise<readonly Scraped[]> {
    const { files } = await this.#get(`/scrape?${infoHashes.map((hash) => `info_hash=${escaped(hash)}`).join("&")}`);
    return infoHashes.map((hash) => {
      const counts = (files as { [hash: string]: { [key: string]: Bencode } })[latin1Text(hash)]!;
      return {
        seeders: Number(counts["complete"]),
        completed: Number(counts["downloaded"]),
        leechers: Number(counts["incomplete"]),
      };
    });
  }

  async misbehave(infoHash: Uint8Array) {
    const refusal = async (target: string) => (await this.#get(target))["failure reason"] as string;
    const hash = escaped(infoHash);
    return [
      {
        asked: "a short info hash",
        heard: await refusal(`/announce?info_hash=${escaped(infoHash.subarray(1))}&port=1&left=1`),
        wanted: "info_hash must be 20 bytes, and given once",
      },
      {
        asked: "no info hash",
        heard: await refusal("/announce?port=1&left=1"),
        wanted: "Your client forgot to send your torrent's info_hash. Please upgrade your client.",
      },
      {
        asked: "left of letters",
        heard: await refusal(`/announce?info_hash=${hash}&port=1&left=all`),
        wanted: "left must be a whole number",
      },
      {
        asked: "no port",
        heard: await refusal(`/announce?info_hash=${hash}&left=1`),
        wanted: "port must be 1 to 65535",
      },
    ];
  }

  async #get(target: string): Promise<{ [key: string]: Bencode }> {
    await this.#wire.write(`GET ${target} HTTP/1.1\r\nHost: ${this.address}\r\n\r\n`);
    const { head, body } = await this.#wire.reply();
    if (!head.startsWith("HTTP/1.1 200 OK\r\n")) throw new Error(`${target}: ${head}`);
    return decodeBencode(body) as { [key: string]: Bencode };
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }
}

/** Bytes as percent escapes. */
export function escaped(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
