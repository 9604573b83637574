/** What the kernel says of real sockets that nobody reads. */
import assert from "node:assert/strict";
import { bindLinuxSockets, openLinuxSockets } from "../../src/front/linux/bind.ts";
import { BIND_SYMBOLS, LIBC } from "../../src/front/linux/libc.ts";
import { SocketQueues } from "../../src/front/linux/socket_queues.ts";
import type { FrontSocket } from "../../src/front/front_start.ts";

/** More than any socket's buffer holds. */
const PACKETS_MAX = 100_000;
const HOST = "127.0.0.1";

// Binds a socket, and closes it afterwards.
async function withSocket(protocol: "tcp" | "udp", test: (socket: FrontSocket) => Promise<void>): Promise<void> {
  const [[socket]] = bindLinuxSockets([{ protocol, address: HOST, port: 0, descriptor: -1 }], 1) as [[FrontSocket]];
  const libc = Deno.dlopen(LIBC, BIND_SYMBOLS);
  try {
    openLinuxSockets([socket]);
    await test(socket);
  } finally {
    libc.symbols.close(socket.descriptor);
    libc.close();
  }
}

Deno.test({
  name: "SocketQueues.look() says how full a UDP socket is, and counts what it could not take",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withSocket("udp", async (socket) => {
      const queues = new SocketQueues([socket]), packet = new Uint8Array(8000);
      const sender = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
      try {
        assert.deepEqual(queues.look(), [{ protocol: "udp", address: HOST, share: 0, lost: 0 }]);
        let sent = 0, lost = 0, share = 0;
        // Nobody reads: the kernel keeps what fits and drops the rest.
        while (lost === 0 && sent++ < PACKETS_MAX) {
          await sender.send(packet, { transport: "udp", hostname: HOST, port: socket.port });
          ({ lost, share } = queues.look()[0]!);
        }
        assert.equal(lost, 1, `after ${sent} packets`);
        assert.ok(share > 0.9, `${share}`);
        assert.equal(queues.look()[0]!.lost, 0, "each is counted once");
        const successor = new SocketQueues([socket]);
        assert.equal(successor.look()[0]!.lost, 0, "those of before are not its own");
        successor.close();
      } finally {
        sender.close();
        queues.close();
      }
    }),
});

Deno.test({
  name: "SocketQueues.look() says how full a listener's queue is",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withSocket("tcp", async (socket) => {
      const queues = new SocketQueues([socket]), clients: Deno.TcpConn[] = [];
      try {
        assert.deepEqual(queues.look(), [{ protocol: "tcp", address: HOST, share: 0, lost: 0 }]);
        for (let i = 0; i < 20; i++) {
          const client = await Deno.connect({ hostname: HOST, port: socket.port });
          clients.push(client);
          // A connection waits to be accepted once it has said something.
          await client.write(Uint8Array.of(0x47));
        }
        const before = queues.look()[0]!.share;
        assert.ok(before > 0 && before < 1, `${before}`);
      } finally {
        for (const client of clients) client.close();
        queues.close();
      }
    }),
});

Deno.test({
  name: "SocketQueues.look() counts connections that a listener had no room for",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    withSocket("tcp", async (socket) => {
      const queues = new SocketQueues([socket]), libc = Deno.dlopen(LIBC, BIND_SYMBOLS), clients: Deno.TcpConn[] = [];
      const giveUp = new AbortController();
      try {
        // Room for one, and the kernel gives one more.
        libc.symbols.listen(socket.descriptor, 1);
        for (let i = 0; i < 2; i++) {
          const client = await Deno.connect({ hostname: HOST, port: socket.port });
          clients.push(client);
          await client.write(Uint8Array.of(0x47));
        }
        const late = Deno.connect({ hostname: HOST, port: socket.port, signal: giveUp.signal }).catch(() => null);
        let lost = 0;
        for (let i = 0; i < 10_000 && lost === 0; i++) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          lost = queues.look()[0]!.lost;
        }
        giveUp.abort();
        assert.equal(await late, null);
        assert.ok(lost > 0);
      } finally {
        for (const client of clients) client.close();
        queues.close();
        libc.close();
      }
    }),
});

Deno.test({
  name: "SocketQueues.look() is silent about what is no socket",
  ignore: Deno.build.os !== "linux",
  fn: () => {
    const queues = new SocketQueues([{ protocol: "udp", address: HOST, port: 1, descriptor: 1_000_000 }]);
    assert.deepEqual(queues.look(), [{ protocol: "udp", address: HOST, share: 0, lost: 0 }]);
    queues.close();
  },
});
