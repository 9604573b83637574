/** Small questions to a tracker on 127.0.0.1: whether it answers yet, and whether it keeps connections open. */

const HOST = "127.0.0.1";
/** Pause between two tries; the time to the first answer is known to this. */
const TRY_EVERY_MS = 4;
/** How long a connection must stay open after a reply to count as kept alive. */
const KEPT_ALIVE_MS = 200;
/** The first torrent of the generators, which every tracker is told to serve. */
const INFO_HASH = Uint8Array.fromHex("2ccbc234fcbc56b4e7830665202abf3aced8f809");

/** connect of BEP 15: protocol id, action 0, transaction id 1. */
const CONNECT = Uint8Array.fromHex("00000417271019800000000000000001");

/** A port of 127.0.0.1 that is free for TCP and UDP now. */
export function freePort(): number {
  for (;;) {
    const listener = Deno.listen({ hostname: HOST, port: 0 });
    try {
      const { port } = listener.addr;
      Deno.listenDatagram({ hostname: HOST, port, transport: "udp" }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    } finally {
      listener.close();
    }
  }
}

/**
 * Waits until the tracker on `port` has answered over UDP and over HTTP, at most `secondsMax`. Returns when, on the
 * clock of performance.now(). `check` is called between tries and may throw.
 */
export async function firstAnswer(port: number, secondsMax: number, check: () => void): Promise<number> {
  const end = performance.now() + secondsMax * 1000;
  const [udp, http] = await Promise.all([askUdp(port, end, check), askHttp(port, end, check)]);
  return Math.max(udp, http);
}

async function askUdp(port: number, end: number, check: () => void): Promise<number> {
  const socket = Deno.listenDatagram({ hostname: HOST, port: 0, transport: "udp" });
  let answeredAt: number | undefined;
  const answer = socket.receive().then(() => answeredAt = performance.now(), () => {});
  try {
    while (answeredAt === undefined) {
      if (performance.now() > end) throw new Error(`Nothing answers on UDP port ${port}`);
      check();
      await socket.send(CONNECT, { transport: "udp", hostname: HOST, port });
      await Promise.race([answer, pause(TRY_EVERY_MS)]);
    }
    return answeredAt;
  } finally {
    socket.close();
  }
}

async function askHttp(port: number, end: number, check: () => void): Promise<number> {
  while (performance.now() < end) {
    check();
    try {
      using connection = await Deno.connect({ hostname: HOST, port });
      if (await announce(connection, "close")) return performance.now();
    } catch (error) {
      const tooEarly = error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset;
      if (!tooEarly) throw error;
    }
    await pause(TRY_EVERY_MS);
  }
  throw new Error(`Nothing answers on TCP port ${port}`);
}

/** Whether the tracker on `port` leaves a connection open that asked for it. */
export async function keepsAlive(port: number): Promise<boolean> {
  using connection = await Deno.connect({ hostname: HOST, port });
  await announce(connection, "keep-alive");
  const closed = connection.read(new Uint8Array(1)).then(() => true, () => true);
  return !await Promise.race([closed, pause(KEPT_ALIVE_MS).then(() => false)]);
}

/** Announces a leecher that is not there and leaves. Returns whether that was answered, and not with a refusal. */
async function announce(connection: Deno.TcpConn, header: "close" | "keep-alive"): Promise<boolean> {
  const infoHash = [...INFO_HASH].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const query = `info_hash=${infoHash}&peer_id=-WG0001-000000000000&port=1&uploaded=0&downloaded=0&left=1` +
    "&compact=1&event=stopped";
  const request = `GET /announce?${query} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: ${header}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const reply = new Uint8Array(4096), length = await connection.read(reply) ?? 0;
  return new TextDecoder("latin1").decode(reply.subarray(0, length)).includes("8:interval");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
