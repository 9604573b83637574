/** One client that announces over UDP without pause and times every answer, for what else a tracker does meanwhile. */

/** Where the tracker is. */
export const HOST = "127.0.0.1";

/** One UDP client with a connection id. */
export class Announcer {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  readonly #to: Deno.NetAddr;
  readonly #packet = new Uint8Array(98);
  readonly #view = new DataView(this.#packet.buffer);

  constructor(port: number) {
    this.#to = { transport: "udp", hostname: HOST, port };
  }

  async connect(): Promise<void> {
    const packet = new Uint8Array(16);
    new DataView(packet.buffer).setBigUint64(0, 0x41727101980n);
    await this.#socket.send(packet, this.#to);
    const [reply] = await this.#socket.receive();
    this.#packet.set(reply.subarray(8, 16));
    this.#view.setUint32(8, 1);
  }

  /** Announces torrent `number` from one of many ports. */
  async send(number: number, port: number): Promise<void> {
    this.#packet.set(infoHashOf(number), 16);
    this.#view.setUint32(68, number & 3);
    this.#view.setInt32(92, 50);
    this.#view.setUint16(96, port);
    await this.#socket.send(this.#packet, this.#to);
  }

  async receive(): Promise<void> {
    await this.#socket.receive();
  }

  close(): void {
    this.#socket.close();
  }
}

/** The info hash of torrent `number`. */
export function infoHashOf(number: number): Uint8Array {
  const infoHash = new Uint8Array(20), view = new DataView(infoHash.buffer);
  view.setUint32(0, Math.imul(number, 0x9e3779b1));
  view.setUint32(4, number);
  return infoHash;
}

/** Milliseconds of each announce, of one torrent of `torrents` after the other, until `isOver`; the shortest first. */
export async function timeAnnounces(
  announcer: Announcer,
  torrents: number,
  isOver: () => boolean,
): Promise<number[]> {
  const times: number[] = [];
  while (!isOver()) {
    const begunMs = performance.now();
    await announcer.send(times.length % torrents, 2000);
    await announcer.receive();
    times.push(performance.now() - begunMs);
  }
  return times.sort((a, b) => a - b);
}

/** Prints how long announces took, and `more`. */
export function printTimes(name: string, times: readonly number[], more = ""): void {
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(2);
  const late = times.filter((ms) => ms > 5).length;
  console.log(
    `${name.padEnd(12)} announces ${String(times.length).padStart(6)}  p50 ${at(0.5)}  p99 ${at(0.99)}  ` +
      `p99.9 ${at(0.999)}  max ${at(1)} ms  over 5 ms: ${late}${more}`,
  );
}

/** Memory of a process in RAM, now or at most so far. */
export function residentMebibytes(pid: number, field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
}
