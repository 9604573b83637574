/**
 * Run in a network of its own (`unshare -rn`), where replies to one client are refused by the system in each of the ways
 * a route can: the others must be answered all the same, and every reply that was not taken be counted. Ends with exit
 * code 0 when it is so. The first argument is the kind of front.
 */
import assert from "node:assert/strict";
import { exchange, type Kind, startApp } from "./app.ts";

/** What `ip rule` calls them: EACCES, EINVAL and EHOSTUNREACH at the socket. */
const REFUSALS = ["prohibit", "blackhole", "unreachable"] as const;
const REFUSED = "192.0.2.1", HOST = "127.0.0.1";
/** Enough for several batches of both in one. */
const DATAGRAMS = 80;
const CONNECT = Uint8Array.from([0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 0, 0, 0, 7]);

async function ip(words: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args: words.split(" ") }).output();
  assert.ok(success, `ip ${words}: ${new TextDecoder().decode(stderr)}`);
}

async function sendErrors(tcpPort: number): Promise<number> {
  return Number(/"sendErrors": (\d+)/.exec(await exchange(tcpPort, "GET /stats?mode=json HTTP/1.1\r\n\r\n"))?.[1]);
}

await ip("link set lo up");
await ip(`addr add ${REFUSED}/32 dev lo`);
// What is local comes first in every system; here a rule of ours does.
await ip("rule add pref 100 lookup local");
await ip("rule del pref 0");

const tracker = await startApp(Deno.args[0] as Kind, "", "0.0.0.0"),
  to = {
    transport: "udp",
    hostname: HOST,
    port: tracker.udpPort,
  } as const;
const [refused, served] = [REFUSED, HOST].map((hostname) =>
  Deno.listenDatagram({ transport: "udp", hostname, port: 0 })
) as [Deno.DatagramConn, Deno.DatagramConn];

for (const [i, refusal] of REFUSALS.entries()) {
  await ip(`rule add pref 50 to ${REFUSED} ipproto udp sport ${tracker.udpPort} ${refusal}`);
  for (let sent = 0; sent < DATAGRAMS; sent++) {
    await Promise.all([refused.send(CONNECT, to), served.send(CONNECT, to)]);
  }
  for (let received = 0; received < DATAGRAMS; received++) await served.receive();
  // Answered in order of arrival: what was sent before the last answered one has been tried.
  while (await sendErrors(tracker.tcpPort) < (i + 1) * DATAGRAMS);
  assert.equal(await sendErrors(tracker.tcpPort), (i + 1) * DATAGRAMS, refusal);
  await ip("rule del pref 50");
  await refused.send(CONNECT, to);
  assert.equal((await refused.receive())[0].length, 16, `after ${refusal} it is answered again`);
}
assert.equal(tracker.app.restarts, 0);
await tracker[Symbol.asyncDispose]();
Deno.exit(0);
