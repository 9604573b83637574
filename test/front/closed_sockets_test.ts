/** Sockets that are bound before the tracker can serve: they take nothing until they are opened. */
import assert from "node:assert/strict";
import { bindLinuxSockets, openLinuxSockets } from "../../src/front/linux/bind.ts";
import type { FrontSocket } from "../../src/front/front_start.ts";
import { EAGAIN, LIBC, MSG_DONTWAIT, systemError } from "../../src/front/linux/libc.ts";

const SYMBOLS = {
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  strerror: { parameters: ["i32"], result: "pointer" },
  __errno_location: { parameters: [], result: "pointer" },
} as const;

const HOST = "127.0.0.1", OPTIONS = { ignore: Deno.build.os !== "linux" };

Deno.test("a UDP socket that is bound and closed keeps nothing of what came meanwhile", OPTIONS, async () => {
  using bound = bind("udp");
  const sender = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  const send = (text: string) =>
    sender.send(new TextEncoder().encode(text), { transport: "udp", hostname: HOST, port: bound.socket.port });
  // Over the loopback a datagram has arrived when it has been sent.
  await send("early");
  assert.equal(bound.receive(), null);
  openLinuxSockets([bound.socket]);
  assert.equal(bound.receive(), null, "what came before does not come later");
  await send("now");
  assert.equal(bound.receive(), "now");
  openLinuxSockets([bound.socket]);
  await send("still");
  assert.equal(bound.receive(), "still", "one that is open stays open");
  sender.close();
});

Deno.test("a TCP socket that is bound and closed refuses connections", OPTIONS, async () => {
  using bound = bind("tcp");
  const connect = () => Deno.connect({ hostname: HOST, port: bound.socket.port });
  await assert.rejects(connect, Deno.errors.ConnectionRefused);
  openLinuxSockets([bound.socket]);
  (await connect()).close();
  openLinuxSockets([bound.socket]);
  (await connect()).close();
});

function bind(protocol: "tcp" | "udp"): Disposable & { socket: FrontSocket; receive: () => string | null } {
  const wanted = { protocol, address: HOST, port: 0, descriptor: -1 };
  const socket = bindLinuxSockets([wanted], 1)[0]![0]!, libc = Deno.dlopen(LIBC, SYMBOLS);
  const receive = () => {
    const bytes = new Uint8Array(100);
    const length = Number(libc.symbols.recv(socket.descriptor, bytes, BigInt(bytes.length), MSG_DONTWAIT));
    if (length >= 0) return new TextDecoder().decode(bytes.subarray(0, length));
    const errno = new Deno.UnsafePointerView(libc.symbols.__errno_location()!).getInt32();
    assert.equal(errno, EAGAIN, systemError(libc.symbols));
    return null;
  };
  return {
    socket,
    receive,
    [Symbol.dispose]: () => {
      libc.symbols.close(socket.descriptor);
      libc.close();
    },
  };
}
