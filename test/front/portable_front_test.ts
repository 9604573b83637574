/** Portable fronts on their own. What all fronts have in common is in http_connections_test.ts and test/contract. */
import assert from "node:assert/strict";
import { startPortableFront } from "../../src/front/portable/portable_front.ts";
import type { ToOffice } from "../../src/office/messages.ts";
import { Clock } from "../../src/stats/clock.ts";
import { COUNTER } from "../../src/stats/counters.ts";
import { announceRequest, readReplies, writeAll } from "../support/app.ts";
import { frontStart } from "../support/front.ts";

Deno.test("a connection that waits for the office longer than it may is closed once, and its request given up", async () => {
  const wanted = { protocol: "tcp", address: "127.0.0.1", port: 0, descriptor: -1 } as const;
  const start = frontStart([wanted]), { port1, port2 } = new MessageChannel(), heard: ToOffice["type"][] = [];
  const front = startPortableFront(start, port1), { counters } = front.tracker;
  const asked = new Promise<void>((resolve) => {
    port2.onmessage = ({ data }: MessageEvent<ToOffice>) => {
      heard.push(data.type);
      resolve();
    };
  });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: front.sockets[0]!.port });
  await client.write(new TextEncoder().encode("GET /stats HTTP/1.1\r\n\r\n"));
  await asked;
  new Clock(start.clock).second = start.http.requestSeconds + 1;
  assert.equal(await client.read(new Uint8Array(1)), null, "closed");
  // The looks for overdue ones go on: another is closed by a later one.
  const other = await Deno.connect({ hostname: "127.0.0.1", port: front.sockets[0]!.port });
  await writeAll(other, announceRequest("a", 1));
  await readReplies(other, 1);
  new Clock(start.clock).second += start.http.idleSeconds + 1;
  assert.equal(await other.read(new Uint8Array(1)), null);
  assert.equal(counters[COUNTER.tcpTimeouts], 2, "each once");
  assert.deepEqual(heard, ["request", "abort"]);
  for (const socket of [client, other]) socket.close();
  await front.stop();
  port2.close();
});
