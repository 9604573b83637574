/** A kept HTTP connection that announces, for tests that need many announces and every answer. */

/** One announce of a test: the info hash as 20 bytes; the peer is the loopback and a port. */
export interface TestAnnounce {
  readonly infoHash: Uint8Array;
  readonly port: number;
  readonly left: 0 | 1;
  readonly event?: "started" | "completed" | "stopped";
  /** Ask for the connection to be closed after the answer. */
  readonly close?: boolean;
}

const encoder = new TextEncoder(), decoder = new TextDecoder("latin1");

/** One connection. Not for two requests at a time. */
export class HttpClient {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65_536);

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    socket.setNoDelay();
  }

  /** Connects to a port of the loopback. */
  static async connect(port: number, hostname: "127.0.0.1" | "::1" = "127.0.0.1"): Promise<HttpClient> {
    return new HttpClient(await Deno.connect({ hostname, port }));
  }

  /** Announces. Resolves to the whole answer, head and body, one character a byte. Rejects when the connection breaks. */
  announce({ infoHash, port, left, event, close = false }: TestAnnounce): Promise<string> {
    const hash = Array.from(infoHash, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const query = `info_hash=${hash}&peer_id=${"p".repeat(20)}&port=${port}&left=${left}&uploaded=0&downloaded=0` +
      `&compact=1${event === undefined ? "" : `&event=${event}`}`;
    return this.ask(
      `GET /announce?${query} HTTP/1.1\r\nHost: x\r\nConnection: ${close ? "close" : "keep-alive"}\r\n\r\n`,
    );
  }

  /** Sends a whole request and resolves to its whole answer. */
  async ask(request: string): Promise<string> {
    const bytes = encoder.encode(request);
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
    for (let answer = "";;) {
      const read = await this.#socket.read(this.#buffer);
      if (read === null) throw new Deno.errors.UnexpectedEof(`the connection ended after ${answer.length} bytes`);
      answer += decoder.decode(this.#buffer.subarray(0, read));
      const head = answer.indexOf("\r\n\r\n"), length = /^content-length: *(\d+)/im.exec(answer)?.[1];
      if (head >= 0 && length !== undefined && answer.length >= head + 4 + Number(length)) return answer;
    }
  }

  /** Closes the connection. */
  close(): void {
    try {
      this.#socket.close();
    } catch {
      // Closed already.
    }
  }
}
