/** Clients that do everything wrong: broken packets and requests, half requests, connections that do nothing. */
import { Mutator } from "../../test/support/mutate.ts";
import type { Random } from "../../test/support/random.ts";
import { latin1, latin1Text, readVectors } from "../../test/support/vectors.ts";
import type { Address } from "./walker.ts";

const BYTES_MAX = 4096;
/** Packets sent in one go. */
const PACKETS = 50;
/** Connections that do nothing, at most; the oldest makes room. */
const IDLE_MAX = 50;
/** A request that could be an announce would put somebody into a swarm. */
const ANNOUNCE = /GET \/+(a|%61)/;
const REFUSED = [
  "GET /announce HTTP/1.1\r\n\r\n",
  "GET /announce?info_hash=short&port=1 HTTP/1.1\r\n\r\n",
  "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=0 HTTP/1.1\r\n\r\n",
  "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaa%zz&port=1 HTTP/1.1\r\n\r\n",
  "GET /scrape?info_hash=a HTTP/1.0\r\n\r\n",
  "GET /nothing/here HTTP/1.1\r\n\r\n",
  "POST / HTTP/1.1\r\n\r\n",
];

/** One such client. */
export class Nuisance {
  /** Packets sent and connections made. */
  count = 0;
  readonly #random: Random;
  readonly #address: Address;
  readonly #packets: Mutator;
  readonly #requests: Mutator;
  readonly #idle: Deno.TcpConn[] = [];

  constructor(random: Random, address: Address) {
    this.#random = random;
    this.#address = address;
    this.#packets = new Mutator(random, [...readVectors("udp_requests.hex").values()], [], BYTES_MAX);
    this.#requests = new Mutator(random, [...readVectors("http_requests.hex").values()], [], BYTES_MAX);
  }

  /** Does one wrong thing. */
  async act(): Promise<void> {
    switch (this.#random.below(4)) {
      case 0:
        return await this.#sendPackets();
      case 1:
        return await this.#stayIdle();
      case 2:
        return await this.#request(latin1(REFUSED[this.#random.below(REFUSED.length)]!));
      default: {
        const request = this.#requests.next();
        if (!ANNOUNCE.test(latin1Text(request))) await this.#request(request);
      }
    }
  }

  /** Closes what is open. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  async #sendPackets(): Promise<void> {
    const { hostname, udpPort: port } = this.#address;
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    try {
      for (let i = 0; i < PACKETS; i++, this.count++) {
        const packet = this.#packets.next().subarray(0, 1400);
        await socket.send(packet, { transport: "udp", hostname, port });
      }
    } finally {
      socket.close();
    }
  }

  async #stayIdle(): Promise<void> {
    const connection = await this.#connect();
    if (this.#random.oneIn(2)) await write(connection, latin1("GET /announce?info_hash=aaaa"));
    this.#idle.push(connection);
    if (this.#idle.length > IDLE_MAX) this.#idle.shift()!.close();
  }

  // Sends it and goes, sometimes before the answer, which is nobody's business here.
  async #request(bytes: Uint8Array): Promise<void> {
    using connection = await this.#connect();
    await write(connection, bytes);
    if (this.#random.oneIn(3)) return;
    await connection.closeWrite().catch(() => {});
    await connection.read(new Uint8Array(BYTES_MAX)).catch(() => null);
  }

  async #connect(): Promise<Deno.TcpConn> {
    this.count++;
    return await Deno.connect({ hostname: this.#address.hostname, port: this.#address.httpPort });
  }
}

// The tracker may have closed the connection in the middle of it.
async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
