/** What clients do to connections: pieces, pipelines, slow reading, silence, resets, too many. On every kind of front. */
import assert from "node:assert/strict";
import {
  announceRequest,
  countWhole,
  exchange,
  KINDS,
  readReplies,
  startApp,
  type TestApp,
  writeAll,
} from "../support/app.ts";

const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
const HOST = "127.0.0.1";
// Of 1, nothing may be left for the request that has to come: the clock goes by whole ones.
const LIMITS = "http.idle_seconds 2\nhttp.request_seconds 2\n";

/** Runs `test` against each kind of front. */
function onEveryFront(name: string, config: string, test: (tracker: TestApp) => Promise<void>): void {
  for (const kind of KINDS) {
    Deno.test(`${kind} front: ${name}`, OPTIONS, async () => {
      await using tracker = await startApp(kind, config);
      await test(tracker);
    });
  }
}

onEveryFront("answers a request that comes a byte at a time", "", async ({ tcpPort }) => {
  using socket = await Deno.connect({ hostname: HOST, port: tcpPort });
  socket.setNoDelay(true);
  for (const byte of announceRequest("a", 1001)) await writeAll(socket, byte);
  assert.match(await readReplies(socket, 1), /10:incompletei1e/);
});

onEveryFront("answers a long pipeline in order to a client that reads late", "", async ({ tcpPort }) => {
  const requests = 3000;
  using socket = await Deno.connect({ hostname: HOST, port: tcpPort });
  let pipeline = "";
  // Each port is new, so that the count in the n-th reply is n.
  for (let i = 1; i <= requests; i++) pipeline += announceRequest("b", i, "&numwant=200");
  // Written while nothing is read: the replies fill every buffer on the way and have to wait.
  const written = writeAll(socket, pipeline);
  const replies = await readReplies(socket, requests);
  await written;
  assert.equal(countWhole(replies), requests);
  const counts = [...replies.matchAll(/10:incompletei(\d+)e/g)].map(([, count]) => Number(count));
  assert.deepEqual(counts, Array.from({ length: requests }, (_, i) => i + 1));
});

onEveryFront("is not held up for others by a client that never reads", "", async ({ tcpPort }) => {
  const deaf = await Deno.connect({ hostname: HOST, port: tcpPort });
  let pipeline = "";
  for (let i = 1; i <= 200; i++) pipeline += announceRequest("c", i) + "GET /stats?mode=everything HTTP/1.1\r\n\r\n";
  // Left hanging when the tracker reads no more; ended with the connection.
  const written = writeAll(deaf, pipeline.repeat(20)).catch(() => {});
  for (let i = 0; i < 20; i++) assert.match(await exchange(tcpPort, announceRequest("d", 1 + i)), /8:complete/);
  deaf.close();
  await written;
});

onEveryFront("keeps connections of HTTP/1.1 and closes those that ask for it", "", async ({ tcpPort }) => {
  const rows = [
    { name: "1.1", request: announceRequest("e", 1), closes: false },
    { name: "1.1 close", request: announceRequest("e", 1, "", "Connection: close\r\n"), closes: true },
    { name: "1.0", request: announceRequest("e", 1).replace("1.1", "1.0"), closes: true },
    {
      name: "1.0 keep-alive",
      request: announceRequest("e", 1, "", "Connection: Keep-Alive\r\n").replace("1.1", "1.0"),
      closes: false,
    },
    { name: "stats, 1.1", request: "GET /stats HTTP/1.1\r\n\r\n", closes: false },
    { name: "not found", request: "GET /nothing HTTP/1.1\r\n\r\n", closes: true },
    { name: "not a request", request: "BREW /pot HTTP/1.1\r\n\r\n", closes: true },
    { name: "too long", request: `GET /announce?x=${"y".repeat(9000)} HTTP/1.1\r\n\r\n`, closes: true },
  ];
  for (const { name, request, closes } of rows) {
    using socket = await Deno.connect({ hostname: HOST, port: tcpPort });
    await writeAll(socket, request);
    assert.equal(countWhole(await readReplies(socket, 1)), 1, `${name}: one reply`);
    if (closes) assert.equal(await socket.read(new Uint8Array(1)), null, `${name}: closed`);
    else {
      await writeAll(socket, announceRequest("e", 2));
      assert.equal(countWhole(await readReplies(socket, 1)), 1, `${name}: kept`);
    }
  }
});

onEveryFront(
  "hands the oldest idle connection's place to a new one",
  "http.connections_max 32\n",
  async ({ tcpPort }) => {
    // Two fronts with 16 places each, and the kernel chooses which: it rarely takes more than 64 to fill the first one's.
    const sockets: Deno.TcpConn[] = [];
    let hasGone = false;
    for (let i = 0; i < 256 && !hasGone; i++) {
      const socket = await Deno.connect({ hostname: HOST, port: tcpPort });
      await writeAll(socket, announceRequest("f", i + 1));
      assert.equal(countWhole(await readReplies(socket, 1)), 1, `connection ${i}`);
      sockets.push(socket);
      if (i === 0) void socket.read(new Uint8Array(1)).then((read) => hasGone = read === null);
    }
    assert.ok(hasGone, "the first has had to go");
    assert.ok(sockets.length > 16, "and had its place while there was room");
    for (const socket of sockets) socket.close();
  },
);

onEveryFront("ends a connection that is idle, and one that does not finish its request", LIMITS, async (tracker) => {
  using idle = await Deno.connect({ hostname: HOST, port: tracker.tcpPort });
  await writeAll(idle, announceRequest("g", 1));
  await readReplies(idle, 1);
  using slow = await Deno.connect({ hostname: HOST, port: tracker.tcpPort });
  await writeAll(slow, "GET /announce?info_hash=");
  assert.equal(await idle.read(new Uint8Array(1)), null);
  assert.equal(await slow.read(new Uint8Array(1)), null);
});

onEveryFront("survives clients that reset their connection in any state", "", async ({ tcpPort }) => {
  const beginnings = [
    "",
    "GET /ann",
    announceRequest("h", 1),
    announceRequest("h", 1).repeat(500),
    "GET /stats HTTP/1.1\r\n\r\n",
  ];
  for (let round = 0; round < 20; round++) {
    for (const beginning of beginnings) {
      const socket = await Deno.connect({ hostname: HOST, port: tcpPort });
      if (beginning !== "") await writeAll(socket, beginning);
      // Unread replies make this a reset.
      socket.close();
    }
  }
  assert.match(await exchange(tcpPort, announceRequest("i", 1)), /8:complete/);
});
