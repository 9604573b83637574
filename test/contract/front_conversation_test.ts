/** The front conversation with each kind of front over each kind of socket, and what only HTTP connections have. */
import assert from "node:assert/strict";
import { seededRandom } from "../support/random.ts";
import { type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";
import { latin1Text } from "../support/vectors.ts";
import { converse } from "./front_conversation.ts";
import { escaped, HttpTalk, HttpWire } from "./http_talk.ts";
import type { Talk } from "./talk.ts";
import { UdpTalk } from "./udp_talk.ts";

const FRONTS = ["portable", "linux"] as const;
/** Seconds a connection may take over a request in these tests. Of 1, nothing may be left: the clock goes by whole ones. */
const REQUEST_SECONDS = 2;

const HAS_IPV6 = canListen("::1");
const random = seededRandom("front conversation");

for (const front of FRONTS) {
  const reason = front === "linux" && Deno.build.os !== "linux" ? `the system is ${Deno.build.os}` : null;
  if (reason !== null) {
    Deno.test.ignore(`a ${front} front holds the conversation (${reason})`, () => {});
    continue;
  }
  Deno.test(`a ${front} front holds the conversation`, async (t) => {
    const folder = Deno.makeTempDirSync();
    const settings = { "tracker.front": front, "tracker.memory": 32, "tracker.workers": 2 };
    const config = writeConfig(folder, { ...settings, "http.request_seconds": REQUEST_SECONDS });
    const ipv6 = HAS_IPV6 ? ["-i", "::1", "-p", "0", "-P", "0"] : [];
    await using tracker = await startTracker([...ipv6, "-f", config]);
    for (const hostname of ["127.0.0.1", "::1"]) {
      const name = hostname === "::1" && !HAS_IPV6 ? `${hostname} (the machine has no IPv6)` : hostname;
      const ignore = name !== hostname;
      const step = (what: string, fn: () => Promise<void>) => t.step({ name: `${what}, ${name}`, ignore, fn });
      const at = (protocol: string) =>
        tracker.sockets.find((socket) => socket.protocol === protocol && socket.hostname === hostname)!.port;
      await step("over HTTP", async () => await hold(await HttpTalk.connect(hostname, at("tcp"))));
      await step("over UDP", async () => await hold(new UdpTalk(hostname, at("udp"))));
      await step("HTTP connections", async () => await testConnections(hostname, at("tcp")));
      await step("HTTP limits", async () => await testLimits(hostname, at("tcp")));
    }
    await t.step("HTTP and UDP speak of the same swarms", () => testShared(tracker));
    assert.equal(await tracker.stop("SIGTERM"), 0);
    assert.doesNotMatch(tracker.errors(), /fail|fault|error/i);
    Deno.removeSync(folder, { recursive: true });
  });
}

async function hold(talk: Talk): Promise<void> {
  using _ = talk;
  await converse(talk, random.bytes(20));
}

function canListen(hostname: string): boolean {
  try {
    Deno.listen({ hostname, port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

async function testShared(tracker: RunningTracker): Promise<void> {
  using http = await HttpTalk.connect("127.0.0.1", tracker.httpPort);
  using udp = new UdpTalk("127.0.0.1", tracker.udpPort);
  const infoHash = random.bytes(20);
  await http.announce(infoHash, { port: 1001, left: 0 });
  assert.deepEqual(
    await udp.announce(infoHash, { port: 1002, left: 1 }).then((answer) => "peers" in answer && answer.peers),
    [
      "127.0.0.1 1001",
    ],
  );
  assert.deepEqual(await http.scrape([infoHash]), [{ seeders: 1, completed: 0, leechers: 1 }]);
}

async function testConnections(hostname: string, port: number): Promise<void> {
  const target = `/announce?info_hash=${escaped(random.bytes(20))}&port=1&left=1`;
  const kept = `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

  using pipelined = await HttpWire.connect(hostname, port);
  // The third is the office's: it takes longer, and the fourth must wait for it.
  await pipelined.write(`${kept}${kept}GET /stats?mode=version HTTP/1.1\r\n\r\n${kept}`);
  for (const [i, pattern] of [/^d8:complete/, /^d8:complete/, /^waggle/i, /^d8:complete/].entries()) {
    assert.match(latin1Text((await pipelined.reply()).body), pattern, `pipelined reply ${i}`);
  }

  using split = await HttpWire.connect(hostname, port);
  for (const letter of kept) await split.write(letter);
  assert.match((await split.reply()).head, /^HTTP\/1\.1 200 OK\r\n/);

  const rows: { name: string; request: string; closes: boolean; header: RegExp }[] = [
    { name: "HTTP/1.1", request: kept, closes: false, header: /^(?!.*Connection)/s },
    {
      name: "close",
      request: kept.replace("Host: a", "Connection: close"),
      closes: true,
      header: /Connection: close$/,
    },
    { name: "HTTP/1.0", request: `GET ${target} HTTP/1.0\r\n\r\n`, closes: true, header: /Connection: close$/ },
    {
      name: "HTTP/1.0, kept",
      request: `GET ${target} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
      closes: false,
      header: /Connection: keep-alive$/,
    },
    { name: "LF LF", request: `GET ${target}\n\n`, closes: true, header: /Connection: close$/ },
    {
      name: "no such page",
      request: "GET /nothing HTTP/1.0\r\n\r\n",
      closes: true,
      header: /^HTTP\/1\.0 404 Not Found/,
    },
  ];
  for (const { name, request, closes, header } of rows) {
    using wire = await HttpWire.connect(hostname, port);
    await wire.write(request);
    assert.match((await wire.reply()).head, header, name);
    if (closes) assert.equal(await wire.closed(), "", name);
    else {
      await wire.write(request);
      assert.match((await wire.reply()).head, header, `${name}, again`);
    }
  }
}

async function testLimits(hostname: string, port: number): Promise<void> {
  const rows: { name: string; request: string; want: RegExp }[] = [
    { name: "not GET", request: "POST / HTTP/1.1\r\n\r\n", want: /^HTTP\/1\.0 400 Invalid Request\r\n/ },
    { name: "TLS", request: "\x16\x03\x01\x02\0\x01\0", want: /^HTTP\/1\.0 400 Invalid Request\r\n/ },
    { name: "too long", request: `GET /${"a".repeat(8192)}`, want: /^HTTP\/1\.0 500 Internal Server Error\r\n/ },
    {
      name: "too many headers",
      request: `GET /a HTTP/1.1\r\n${"a: b\r\n".repeat(65)}\r\n`,
      want: /^HTTP\/1\.0 500 Internal Server Error\r\n/,
    },
    { name: "too slow", request: "GET /announce?info_hash=", want: /^$/ },
  ];
  await Promise.all(rows.map(async ({ name, request, want }) => {
    using wire = await HttpWire.connect(hostname, port);
    await wire.write(request);
    assert.match(await wire.closed(), want, name);
  }));
}
