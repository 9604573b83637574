/** Ports that fronts of one tracker share, and that no other tracker may share with them. */
import assert from "node:assert/strict";
import type { FrontSocket } from "../../src/front/front_start.ts";
import { bindLinuxSockets, closeLinuxSockets, openLinuxSockets } from "../../src/front/linux/bind.ts";
import { LIBC, MSG_DONTWAIT } from "../../src/front/linux/libc.ts";
import { freePort } from "../support/tracker_process.ts";

const SYMBOLS = { recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" } } as const;
const HOST = "127.0.0.1", OPTIONS = { ignore: Deno.build.os !== "linux" };
/** That all of them come to one of two sockets happens once in 2^63 times. */
const SENDERS = 64;

for (const protocol of ["tcp", "udp"] as const) {
  Deno.test(
    `${protocol} ports that a tracker has are refused to another, on any address that meets its own`,
    OPTIONS,
    () => {
      for (const own of [HOST, "::"]) {
        using bound = bind([wanted(protocol, own, 0)]);
        const { port } = bound.sockets[0]!;
        for (const other of [HOST, "0.0.0.0", "::"]) {
          assert.throws(
            () => bind([wanted(protocol, other, port)]),
            /^Error: Cannot listen on .*: Address already in use$/,
          );
        }
      }
    },
  );

  Deno.test(`${protocol} ports that are handed down are taken, and more fronts share them`, OPTIONS, () => {
    using bound = bind([wanted(protocol, HOST, 0)], 1);
    const { port } = bound.sockets[0]!, more = bindLinuxSockets([wanted(protocol, HOST, port)], 2, bound.sockets);
    openLinuxSockets(more.flat());
    assert.deepEqual(more.map(([socket]) => socket!.port), [port, port]);
    assert.equal(more[0]![0]!.descriptor, bound.sockets[0]!.descriptor);
    closeLinuxSockets(more[1]!);
  });

  Deno.test(`one tracker has a ${protocol} port on all addresses and on one`, OPTIONS, () => {
    const port = freePort();
    using bound = bind([wanted(protocol, "0.0.0.0", port), wanted(protocol, HOST, port)]);
    assert.equal(bound.sockets.length, 4);
  });
}

Deno.test("datagrams to a port of the kernel's choice are shared out among the fronts", OPTIONS, async () => {
  using bound = bind([wanted("udp", HOST, 0)]);
  for (let i = 0; i < SENDERS; i++) {
    const sender = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
    await sender.send(new Uint8Array(1), { transport: "udp", hostname: HOST, port: bound.sockets[0]!.port });
    sender.close();
  }
  const libc = Deno.dlopen(LIBC, SYMBOLS), bytes = new Uint8Array(8);
  const counts = bound.sockets.map(({ descriptor }) => {
    let count = 0;
    while (libc.symbols.recv(descriptor, bytes, 8n, MSG_DONTWAIT) > 0n) count++;
    return count;
  });
  libc.close();
  assert.equal(counts[0]! + counts[1]!, SENDERS);
  assert.ok(counts.every((count) => count > 0), counts.join());
});

function wanted(protocol: "tcp" | "udp", address: string, port: number): FrontSocket {
  return { protocol, address, port, descriptor: -1 };
}

function bind(sockets: readonly FrontSocket[], fronts = 2): Disposable & { readonly sockets: readonly FrontSocket[] } {
  const bound = bindLinuxSockets(sockets, fronts).flat();
  openLinuxSockets(bound);
  return { sockets: bound, [Symbol.dispose]: () => closeLinuxSockets(bound) };
}
