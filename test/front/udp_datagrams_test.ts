/** Odd datagrams on every kind of front: none may stop it, none may be answered with more than it was. */
import assert from "node:assert/strict";
import { KINDS, startApp } from "../support/app.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const CONNECT = Uint8Array.from([0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 0, 0, 0, 7]);

for (const kind of KINDS) {
  for (const address of ["127.0.0.1", "::1", "0.0.0.0", "::"]) {
    Deno.test(
      `${kind} front on ${address}: odd datagrams are passed over and the next is answered`,
      OPTIONS,
      async () => {
        await using tracker = await startApp(kind, "", address);
        const is4 = !address.includes(":"), hostname = is4 ? "127.0.0.1" : "::1";
        const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
        const to = { transport: "udp", hostname, port: tracker.udpPort } as const;
        for (const length of [0, 1, 15, 17, 97, 2047, 2048, 2049, 8192, 65507]) {
          await socket.send(new Uint8Array(length), to);
          // Long ones that look like an announce in their first bytes, too.
          await socket.send(new Uint8Array(length).fill(1), to);
        }
        await socket.send(CONNECT, to);
        const [reply, from] = await socket.receive();
        assert.equal(reply.length, 16, "the first answer is the connect's");
        assert.deepEqual([...reply.subarray(0, 8)], [0, 0, 0, 0, 0, 0, 0, 7]);
        assert.equal((from as Deno.NetAddr).port, tracker.udpPort);
        socket.close();
      },
    );
  }
}

Deno.test("linux front on ::: an answer leaves from the address that was asked", {
  ...OPTIONS,
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using tracker = await startApp("linux", "", "::");
  for (const hostname of ["127.0.0.1", "127.0.0.2", "127.9.8.7"]) {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    await socket.send(CONNECT, { transport: "udp", hostname, port: tracker.udpPort });
    const [, from] = await socket.receive();
    assert.equal((from as Deno.NetAddr).hostname, hostname);
    socket.close();
  }
});
