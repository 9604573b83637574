/** What the kernel keeps for a connection at most: it is the listener's, and is set there. */
import assert from "node:assert/strict";
import { TCP_RECEIVE_BYTES, TCP_SEND_BYTES } from "../../src/front/linux/bind.ts";
import { BIND_SYMBOLS, LIBC, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from "../../src/front/linux/libc.ts";
import { startApp } from "../support/app.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false, ignore: Deno.build.os !== "linux" };

Deno.test("TCP listeners have buffers of a fixed size, which the kernel doubles", OPTIONS, async () => {
  await using tracker = await startApp("linux");
  const library = Deno.dlopen(LIBC, BIND_SYMBOLS), { descriptor } = tracker.app.sockets[0]!;
  for (const [option, want] of [[SO_RCVBUF, TCP_RECEIVE_BYTES], [SO_SNDBUF, TCP_SEND_BYTES]] as const) {
    const value = new Int32Array(1), length = Int32Array.of(4);
    const failed = library.symbols.getsockopt(
      descriptor,
      SOL_SOCKET,
      option,
      new Uint8Array(value.buffer),
      new Uint8Array(length.buffer),
    );
    assert.deepEqual([failed, value[0]], [0, 2 * want]);
  }
  library.close();
});
