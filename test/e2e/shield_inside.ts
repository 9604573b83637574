/** Run by shield_test.ts, where there are clients with many addresses. */
import assert from "node:assert/strict";
import { EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { ASKED_TOO_OFTEN, REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { OVER_LIMIT_MAX } from "../../src/front/over_limit.ts";
import { KINDS } from "../support/app.ts";
import { ADDRESSES6, askHttpFrom, figures, UdpClient } from "../support/many_addresses.ts";
import { UDP_CONNECT_PACKET, udpAnnounce } from "../support/shield.ts";
import { type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";

const FLOODER = "10.1.0.1", HONEST = "10.1.0.2", EXEMPT = "10.5.0.9", DENIED = "10.9.0.1", LOOPBACK = "127.0.0.1";
const BURST = 100, FLOOD = 2000;
const TOO_OFTEN = REFUSAL_TEXTS[ASKED_TOO_OFTEN];

/** Starts a tracker of one front with `settings`, on IPv4 and IPv6. */
async function start(kind: string, settings: Record<string, string | number>): Promise<RunningTracker> {
  const folder = await Deno.makeTempDir();
  const common = { "tracker.front": kind, "tracker.workers": 1, "tracker.memory": 32 };
  const config = writeConfig(folder, {
    ...common,
    "tracker.shield_rate": 1,
    "tracker.shield_burst": BURST,
    ...settings,
  });
  const tracker = await startTracker(["-i", "::1", "-p", "0", "-P", "0", "-f", config], folder);
  const dispose = tracker[Symbol.asyncDispose];
  return {
    ...tracker,
    [Symbol.asyncDispose]: async () => {
      await dispose.call(tracker);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** The port of the second pair of listeners, which are on ::1. */
function port6({ sockets }: RunningTracker, protocol: "tcp" | "udp"): number {
  return sockets.find((socket) => socket.protocol === protocol && socket.hostname === "::1")!.port;
}

function announce(port: number, rest = "", version = "1.0"): string {
  return `GET /announce?info_hash=${"a".repeat(20)}&port=${port}&left=1${rest} HTTP/${version}\r\n\r\n`;
}

/** Sends many connects, and then waits until the tracker has seen them: it reads a socket in order. */
async function flood(tracker: RunningTracker, client: UdpClient, packet: Uint8Array): Promise<void> {
  using marker = new UdpClient(LOOPBACK, tracker.udpPort);
  for (let sent = 0; sent < FLOOD; sent++) {
    await client.send(packet);
    // No more than a socket holds.
    if (sent % 50 === 49) await marker.ask(UDP_CONNECT_PACKET);
  }
}

/** Resolves when so many connections of addresses over their limit have been counted. */
async function untilConnections(httpPort: number, count: number): Promise<void> {
  while ((await figures(httpPort)).shield.connections < count);
}

for (const kind of KINDS) {
  Deno.test(`${kind}: an address that floods is limited, and another one served entirely`, async () => {
    await using tracker = await start(kind, { "tracker.shield_exempt": "10.5.0.0/16" });
    using flooder = new UdpClient(FLOODER, tracker.udpPort);
    const id = await flooder.connect();
    await flood(tracker, flooder, UDP_CONNECT_PACKET);
    const { shield } = await figures(tracker.httpPort);
    assert.ok(shield.datagrams > FLOOD / 2, `${shield.datagrams} of ${FLOOD} were not answered`);
    for (const [address, times] of [[HONEST, BURST], [LOOPBACK, 5 * BURST], [EXEMPT, 5 * BURST]] as const) {
      using client = new UdpClient(address, tracker.udpPort);
      for (let i = 0; i < times; i++) {
        assert.equal((await client.ask(UDP_CONNECT_PACKET)).length, 16, `${address}, ${i}`);
      }
    }
    assert.equal((await figures(tracker.httpPort)).shield.datagrams, shield.datagrams, "nobody else was limited");
    // A client that has proven to be there is none the worse for what others send in its name; then it has had enough.
    using own = new UdpClient(FLOODER, tracker.udpPort);
    for (let port = 1; port <= BURST; port++) assert.equal((await own.ask(udpAnnounce(id, "a", { port })))[3], 1);
    await flood(tracker, flooder, udpAnnounce(id, "a", { port: 7 }));
    assert.ok((await figures(tracker.httpPort)).shield.datagrams > shield.datagrams + FLOOD / 2);
    // But it may go.
    for (let port = 1; port <= BURST; port++) {
      assert.equal((await own.ask(udpAnnounce(id, "a", { port, event: EVENT_STOPPED })))[3], 1, `stop of port ${port}`);
    }
    const { leechers, shield: { settled } } = await figures(tracker.httpPort);
    assert.equal(leechers, 0);
    assert.ok(settled > BURST / 2, `${settled}`);
  });

  Deno.test(`${kind}: an IPv6 network of 64 bits is one address`, async () => {
    await using tracker = await start(kind, {});
    const [first, neighbour, other] = ADDRESSES6, port = port6(tracker, "udp");
    using client = new UdpClient(first, port);
    for (let i = 0; i < BURST / 2; i++) await client.ask(UDP_CONNECT_PACKET);
    using second = new UdpClient(neighbour, port), third = new UdpClient(other, port);
    for (let i = 0; i < BURST; i++) await second.send(UDP_CONNECT_PACKET);
    for (let i = 0; i < BURST; i++) await third.ask(UDP_CONNECT_PACKET);
    const { shield, udp } = await figures(tracker.httpPort);
    assert.ok(shield.datagrams > BURST / 4 && shield.datagrams <= BURST / 2, `${shield.datagrams}`);
    assert.equal(udp.packetsIpv6, BURST * 2.5);
  });

  Deno.test(`${kind}: over HTTP, too much is refused and the connection closed; a stop is not`, async () => {
    await using tracker = await start(kind, {});
    const { httpPort } = tracker, ask = (request: string, address = FLOODER) => askHttpFrom(address, httpPort, request);
    assert.match(await ask(announce(1)), /8:interval/);
    // Kept alive, and so a token each: the last of them ends the connection.
    const replies = await ask(announce(2, "", "1.1").repeat(2 * BURST));
    assert.ok(replies.split("HTTP/1.1 200 OK").length > BURST / 2);
    assert.match(
      replies,
      new RegExp(`Connection: close\\r\\n\\r\\nd14:failure reason${TOO_OFTEN.length}:${TOO_OFTEN}8:interval`),
    );
    assert.match(await ask(announce(3)), new RegExp(TOO_OFTEN));
    // Half a request may be half a stop, and is waited for.
    const stop = announce(1, "&event=stopped"), { connections } = (await figures(httpPort)).shield;
    const rest = untilConnections(httpPort, connections + 1).then(() => stop.slice(40));
    assert.match(await askHttpFrom(FLOODER, httpPort, stop.slice(0, 40), rest), /10:incompletei1e/);
    assert.match(await ask(announce(1, "&event=stopped")), new RegExp(TOO_OFTEN), "once");
    for (let port = 1; port < BURST / 2; port++) assert.match(await ask(announce(port), HONEST), /8:interval/);
    const { http, shield } = await figures(httpPort);
    assert.ok(shield.connections >= 3 && shield.requests >= 3, JSON.stringify(shield));
    assert.equal(shield.settled, 1);
    assert.equal(http.errors[6], shield.requests);
  });

  Deno.test(`${kind}: of half requests over the limit the oldest goes when they are too many`, async () => {
    await using tracker = await start(kind, { "http.connections_max": 2 * OVER_LIMIT_MAX });
    const { httpPort } = tracker;
    await askHttpFrom(FLOODER, httpPort, announce(2, "", "1.1").repeat(2 * BURST));
    // Some more than need be: meanwhile the limit lets a few have a connection.
    const halves = Array.from({ length: OVER_LIMIT_MAX + 50 }, () => askHttpFrom(FLOODER, httpPort, "GET /announce?"));
    assert.equal(await Promise.race(halves), "");
    const { shield, http } = await figures(httpPort);
    assert.ok(shield.connections > OVER_LIMIT_MAX, `${shield.connections}`);
    assert.equal(http.evictions, 0);
    await tracker.stop("SIGTERM");
    await Promise.all(halves);
  });

  Deno.test(`${kind}: errors about bad connection ids stop, and good ids are served all the while`, async () => {
    await using tracker = await start(kind, { "tracker.shield_rate": 10_000, "tracker.shield_burst": 100_000 });
    using client = new UdpClient(FLOODER, tracker.udpPort), bad = new UdpClient(FLOODER, tracker.udpPort);
    const id = await client.connect();
    await flood(tracker, bad, udpAnnounce(new Uint8Array(8), "a"));
    assert.equal((await client.ask(udpAnnounce(id, "a")))[3], 1);
    const { shield, udp } = await figures(tracker.httpPort);
    assert.equal(udp.badConnectionIds, FLOOD);
    assert.ok(shield.silenced > FLOOD / 2 && shield.silenced < FLOOD, `${shield.silenced} not told`);
    assert.equal(shield.datagrams, 0);
    using other = new UdpClient(HONEST, tracker.udpPort);
    assert.equal((await other.ask(udpAnnounce(new Uint8Array(8), "a")))[3], 3);
  });

  Deno.test(`${kind}: without the shield nobody is limited`, async () => {
    await using tracker = await start(kind, { "tracker.shield": "off" });
    using client = new UdpClient(FLOODER, tracker.udpPort);
    for (let i = 0; i < 3 * BURST; i++) await client.ask(UDP_CONNECT_PACKET);
  });

  Deno.test(`${kind}: networks are denied, and from a reload on others`, async () => {
    const folder = await Deno.makeTempDir(), file = `${folder}/denied.txt`;
    try {
      await Deno.writeTextFile(file, "10.8.0.0/16 # not this one\nno network\n");
      await using tracker = await start(kind, { "access.deny_networks": file });
      assert.match(
        tracker.printed(),
        /denied\.txt: 1 network is not served\n.*denied\.txt: 1 line is no network: line 2\n/,
      );
      const isServed = async () => (await askHttpFrom(DENIED, tracker.httpPort, announce(1))) !== "";
      const reload = async (text: string | null, said: RegExp) => {
        if (text === null) await Deno.remove(file);
        else await Deno.writeTextFile(file, text);
        const before = tracker.printed().length, again = new RegExp(`^[^]{${before}}[^]*${said.source}`);
        Deno.kill(tracker.pid, "SIGHUP");
        await tracker.waitFor(again);
      };
      assert.equal(await isServed(), true);
      await reload("10.9.0.0/16\n2001:db8:0:2::/64\n", /: 2 networks are not served/);
      while (await isServed());
      using denied = new UdpClient(DENIED, tracker.udpPort), marker = new UdpClient(HONEST, tracker.udpPort);
      await denied.send(UDP_CONNECT_PACKET);
      await marker.ask(UDP_CONNECT_PACKET);
      assert.equal(await askHttpFrom(ADDRESSES6[2], port6(tracker, "tcp"), announce(1)), "");
      assert.match(await askHttpFrom(ADDRESSES6[1], port6(tracker, "tcp"), announce(1)), /8:interval/);
      const counted = (await figures(tracker.httpPort)).denied;
      assert.deepEqual([counted.datagrams, counted.requests >= 2], [1, true]);
      await reload(null, /access\.deny_networks: the old networks stay: .*denied\.txt cannot be read/);
      assert.equal(await isServed(), false);
      await reload("# nobody\n", /: 0 networks are not served/);
      while (!await isServed());
      assert.equal((await denied.ask(UDP_CONNECT_PACKET)).length, 16);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
