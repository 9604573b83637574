/** A client that speaks BEP 15 over a raw UDP socket. */
import { formatAddress } from "../../src/bittorrent/address.ts";
import { latin1Text, readVectors } from "../support/vectors.ts";
import { type Announced, type Client, heardInTime, type Refused, type Scraped, type Talk } from "./talk.ts";

const EVENTS = { completed: 1, started: 2, stopped: 3 };
const PACKET_BYTES_MAX = 2048;
const PACKETS = readVectors("udp_requests.hex");

/** Talks to the tracker at `hostname` and `port`. */
export class UdpTalk implements Talk {
  readonly address: string;
  readonly #socket: Deno.DatagramConn;
  readonly #tracker: Deno.NetAddr;
  #transaction = 0x5eed0000;
  #connectionId: Uint8Array | undefined;

  constructor(hostname: string, port: number) {
    this.address = hostname;
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#tracker = { transport: "udp", hostname, port };
  }

  async announce(infoHash: Uint8Array, { port, left, event, numwant = -1 }: Client): Promise<Announced | Refused> {
    const packet = this.#packet("announce", await this.#connected()), view = viewOf(packet);
    packet.set(infoHash, 16);
    view.setBigUint64(64, BigInt(left));
    view.setUint32(80, event === undefined ? 0 : EVENTS[event]);
    view.setInt32(92, numwant);
    view.setUint16(96, port);
    const reply = await this.exchange(packet), words = viewOf(reply);
    if (words.getUint32(0) === 3) return { refusal: errorText(reply) };
    check(words.getUint32(0) === 1 && reply.length >= 20, reply);
    return {
      intervalSeconds: words.getUint32(8),
      leechers: words.getUint32(12),
      seeders: words.getUint32(16),
      peers: peersOf(reply.subarray(20), this.address.includes(":") ? 18 : 6),
    };
  }

  async scrape(infoHashes: readonly Uint8Array[]): Promise<readonly Scraped[]> {
    const head = this.#packet("scrape of nothing", await this.#connected());
    const reply = await this.exchange(Uint8Array.of(...head, ...infoHashes.flatMap((hash) => [...hash])));
    const words = viewOf(reply);
    check(words.getUint32(0) === 2 && reply.length === 8 + 12 * infoHashes.length, reply);
    return infoHashes.map((_, i) => ({
      seeders: words.getUint32(8 + i * 12),
      completed: words.getUint32(12 + i * 12),
      leechers: words.getUint32(16 + i * 12),
    }));
  }

  async misbehave(infoHash: Uint8Array) {
    const wrongId = (await this.#connected()).map((byte, i) => i === 7 ? byte ^ 1 : byte);
    const announce = this.#packet("announce", wrongId), scrape = this.#packet("scrape of one", wrongId);
    announce.set(infoHash, 16);
    const wanted = "Connection ID missmatch.\0";
    return [
      { asked: "announce with a wrong id", heard: errorText(await this.exchange(announce)), wanted },
      { asked: "scrape with a wrong id", heard: errorText(await this.exchange(scrape)), wanted },
      { asked: "too short an announce", heard: await this.#firstAnswerOf(announce.subarray(0, 97)), wanted: "none" },
      {
        asked: "no known action",
        heard: await this.#firstAnswerOf(this.#packet("no such action", wrongId)),
        wanted: "none",
      },
      { asked: "nothing at all", heard: await this.#firstAnswerOf(new Uint8Array(0)), wanted: "none" },
    ];
  }

  /** Sends `packet` and returns what comes back, which must bear its transaction id. */
  async exchange(packet: Uint8Array): Promise<Uint8Array> {
    await this.#socket.send(packet, this.#tracker);
    const received = this.#socket.receive(new Uint8Array(PACKET_BYTES_MAX));
    const [reply] = await heardInTime(received, () => this.#socket.close(), `a UDP packet of ${packet.length} bytes`);
    check(reply.subarray(4, 8).toHex() === packet.subarray(12, 16).toHex(), reply);
    return reply;
  }

  // One socket's packets are answered in their order: if a connect sent after it is answered first, it never is.
  async #firstAnswerOf(packet: Uint8Array): Promise<string> {
    await this.#socket.send(packet, this.#tracker);
    await this.exchange(this.#packet("connect"));
    return "none";
  }

  async #connected(): Promise<Uint8Array> {
    this.#connectionId ??= (await this.exchange(this.#packet("connect"))).slice(8, 16);
    return this.#connectionId;
  }

  // The named packet with a transaction id of its own.
  #packet(name: string, connectionId?: Uint8Array): Uint8Array {
    const packet = PACKETS.get(name)!.slice();
    if (connectionId !== undefined) packet.set(connectionId);
    viewOf(packet).setUint32(12, ++this.#transaction);
    return packet;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function check(isGood: boolean, reply: Uint8Array): asserts isGood {
  if (!isGood) throw new Error(`not the reply that was asked for: ${reply.toHex()}`);
}

function errorText(reply: Uint8Array): string {
  check(viewOf(reply).getUint32(0) === 3, reply);
  return latin1Text(reply.subarray(8));
}

/** Compact peers of `size` bytes as `address port`, sorted. */
export function peersOf(compact: Uint8Array, size: number): string[] {
  if (compact.length % size !== 0) throw new Error(`${compact.length} bytes are no peers of ${size}`);
  const peers: string[] = [];
  for (let at = 0; at < compact.length; at += size) {
    const port = compact[at + size - 2]! << 8 | compact[at + size - 1]!;
    peers.push(`${formatAddress(compact.subarray(at, at + size - 2))} ${port}`);
  }
  return peers.sort();
}
