/** Trackers on the loopback that answer whatever a test likes. */
import dgram from "node:dgram";
import type { AddressInfo } from "node:net";

/** Runs `use` with the URL of an HTTP tracker on loopback that answers with `answer`. */
export async function withHttp(
  answer: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Runs `use` with the port of a TCP listener that sends `text` to whoever connects, and closes. */
export async function withText(text: string, use: (url: string) => Promise<void>): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
      connection.close();
    }
  })();
  try {
    await use(`http://127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
  }
}

/** Runs `use` with a UDP tracker on loopback: `answer` gets each packet with its number and says what goes back. */
export async function withUdp(
  answer: (packet: Uint8Array, number: number) => Uint8Array[],
  use: (url: string) => Promise<void>,
): Promise<void> {
  const socket = dgram.createSocket("udp4");
  let number = 0;
  socket.on("message", (packet: Uint8Array, { port, address }: AddressInfo) => {
    for (const reply of answer(packet, number++)) socket.send(reply, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  try {
    await use(`udp://127.0.0.1:${socket.address().port}`);
  } finally {
    socket.close();
  }
}

/** Runs `use` with the number of a port on loopback where a UDP tracker answers with `udp`, and an HTTP one with `http`. */
export async function withBoth(
  udp: (packet: Uint8Array) => Uint8Array[],
  http: (request: Request) => Response,
  use: (port: number) => Promise<void>,
): Promise<void> {
  await withUdp(udp, async (url) => {
    const port = Number(url.split(":")[2]);
    let server: Deno.HttpServer;
    try {
      server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, http);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      // A connection of somebody has the number over TCP. Ours over UDP is kept meanwhile, so that the next is another.
      return await withBoth(udp, http, use);
    }
    try {
      await use(port);
    } finally {
      await server.shutdown();
    }
  });
}

/** A reply that echoes the transaction id of `packet`: action, then words of 4 bytes. */
export function reply(packet: Uint8Array, action: number, ...words: number[]): Uint8Array {
  const bytes = new Uint8Array(8 + 4 * words.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, action);
  bytes.set(packet.subarray(12, 16), 4);
  words.forEach((word, i) => view.setUint32(8 + 4 * i, word));
  return bytes;
}

/** The action of a request. */
export const actionOf = (packet: Uint8Array) => new DataView(packet.buffer, packet.byteOffset).getUint32(8);
