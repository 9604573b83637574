/** Strangers that hold connections and send noise, more of them than there is room for: bench/abuse.ts makes it large. */
import assert from "node:assert/strict";
import { announceRequest, exchange, KINDS, startApp, writeAll } from "../support/app.ts";
import { seededRandom } from "../support/random.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const HOST = "127.0.0.1";
const CONNECT = Uint8Array.from([0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 0, 0, 0, 7]);
const HELD = 300, ROUNDS = 30;

for (const kind of KINDS) {
  for (
    const { name, says } of [{ name: "silent connections", says: "" }, { name: "half requests", says: "GET /ann" }]
  ) {
    Deno.test(`${kind} fronts beside ${name} and bad datagrams answer every announce`, OPTIONS, async () => {
      const random = seededRandom("abuse");
      await using tracker = await startApp(kind, "http.connections_max 64\n");
      const held = await Promise.all(Array.from({ length: HELD }, async () => {
        const socket = await Deno.connect({ hostname: HOST, port: tracker.tcpPort });
        // Some have had to make room by now.
        if (says !== "") await writeAll(socket, says).catch(() => {});
        return socket;
      }));
      const udp = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
      const to = { transport: "udp", hostname: HOST, port: tracker.udpPort } as const;
      for (let round = 1; round <= ROUNDS; round++) {
        for (let i = 0; i < 10; i++) await udp.send(random.bytes(random.below(100)), to);
        await udp.send(CONNECT, to);
        const announced = await exchange(tracker.tcpPort, announceRequest("b", round));
        assert.match(announced, new RegExp(`10:incompletei${round}e`));
      }
      let connects = 0;
      // Some of the noise is answered with an error: an announce with a wrong connection id.
      while (connects < ROUNDS) if ((await udp.receive())[0].length === 16) connects++;
      udp.close();
      for (const socket of held) socket.close();
    });
  }
}
