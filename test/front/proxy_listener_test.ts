/** Listeners for proxies (`listen.proxy_protocol`): whose word is taken. On every kind of front. */
import assert from "node:assert/strict";
import { HTTP_REQUEST_BYTES_MAX } from "../../src/wire/http_request.ts";
import { announceRequest, countWhole, exchange, KINDS, readReplies, startApp, writeAll } from "../support/app.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const HOST = "127.0.0.1";
/** 192.0.2.5 as the reply's `external ip`. */
const CLIENT = "11:external ip4:\xc0\x00\x02\x05";
const HEADER = "PROXY TCP4 192.0.2.5 198.51.100.1 4711 80\r\n";

for (const kind of KINDS) {
  for (
    const { name, access, isTaken } of [
      { name: "anybody's word where no proxies are named", access: "", isTaken: true },
      { name: "a named proxy's word", access: "access.proxy 10.0.0.0/8\naccess.proxy 127.0.0.0/8\n", isTaken: true },
      { name: "nobody else's word, and closes", access: "access.proxy 10.0.0.0/8\n", isTaken: false },
    ]
  ) {
    Deno.test(`${kind} front: a proxies' listener takes ${name}`, OPTIONS, async () => {
      await using tracker = await startApp(kind, `listen.proxy_protocol ${HOST}:0\n${access}`);
      const { port } = tracker.app.sockets.find(({ proxyProtocol }) => proxyProtocol)!;
      using socket = await Deno.connect({ hostname: HOST, port });
      const reply = await writeAll(socket, HEADER + announceRequest("p", 1001)).then(() => readReplies(socket, 1))
        .catch(() => "");
      if (isTaken) assert.ok(reply.includes(CLIENT), reply);
      else assert.equal(countWhole(reply), 0, reply);
      // The other listener is everybody's, and knows what was counted.
      const figures = await exchange(tracker.tcpPort, "GET /stats?mode=json HTTP/1.1\r\n\r\n");
      assert.match(figures, isTaken ? /"proxyRefused": 0/ : /"proxyRefused": 1/);
    });
  }
}

for (const kind of KINDS) {
  Deno.test(`${kind} front: a proxy that sends more than one read takes keeps its last reply`, OPTIONS, async () => {
    await using tracker = await startApp(kind, `listen.proxy_protocol ${HOST}:0\n`);
    const { port } = tracker.app.sockets.find(({ proxyProtocol }) => proxyProtocol)!;
    using socket = await Deno.connect({ hostname: HOST, port });
    const last = (pad: string) => announceRequest("q", 1001, "", `Connection: close\r\nX-Pad: ${pad}\r\n`);
    // The header and the last request fill one read to its end, and more has come behind them.
    const first = HEADER + last("x".repeat(HTTP_REQUEST_BYTES_MAX - HEADER.length - last("").length));
    assert.equal(first.length, HTTP_REQUEST_BYTES_MAX);
    await writeAll(socket, first + "y".repeat(100));
    assert.ok((await readReplies(socket, 1)).includes(CLIENT));
    // Closed over unread bytes, the connection would be reset, and the reply with it.
    assert.equal(await socket.read(new Uint8Array(1)), null);
  });
}
