import assert from "node:assert/strict";
import { bindLinuxSockets } from "../../src/front/linux/bind.ts";
import { KernelDrops } from "../../src/front/linux/kernel_drops.ts";
import { BIND_SYMBOLS, LIBC } from "../../src/front/linux/libc.ts";

/** More than any socket's buffer holds. */
const PACKETS_MAX = 100_000;

Deno.test({
  name: "KernelDrops counts what a full socket could not take",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const wanted = { protocol: "udp", address: "127.0.0.1", port: 0, descriptor: -1 } as const;
    const [sockets] = bindLinuxSockets([wanted], 1), { port, descriptor } = sockets![0]!;
    const drops = new KernelDrops(sockets!), libc = Deno.dlopen(LIBC, BIND_SYMBOLS);
    const sender = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    try {
      assert.equal(drops.count(), 0);
      const packet = new Uint8Array(8000);
      let sent = 0;
      // Nobody reads: the kernel keeps what fits and drops the rest.
      while (drops.count() === 0 && sent++ < PACKETS_MAX) {
        await sender.send(packet, { transport: "udp", hostname: "127.0.0.1", port });
      }
      assert.ok(drops.count() > 0, `no drop after ${sent} packets`);
    } finally {
      sender.close();
      drops.close();
      libc.symbols.close(descriptor);
      libc.close();
    }
  },
});
