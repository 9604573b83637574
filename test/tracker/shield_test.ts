/** The doors with a shield: who is over its limit is told so or nothing, and still settles what it has to settle. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED, EVENT_STARTED, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { ASKED_TOO_OFTEN, NETWORK_DENIED, REFUSAL_TEXTS } from "../../src/bittorrent/refusal.ts";
import { COUNTER } from "../../src/stats/counters.ts";
import { NetworkSet } from "../../src/access/networks.ts";
import { HTTP_OFFICE } from "../../src/tracker/http_door.ts";
import type { Tracker } from "../../src/tracker/tracker.ts";
import ipFromProxy from "../../plugins/ip_from_proxy.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";
import { FEW, newShieldedTracker, UDP_CONNECT_PACKET, udpAnnounce, udpScrape } from "../support/shield.ts";
import { HttpCounter, UdpCounter } from "../support/tracker.ts";
import { latin1, latin1Text } from "../support/vectors.ts";

const ALICE = "192.0.2.1", BOB = "192.0.2.2";

/** Asserts the named counters. */
function assertCounts(tracker: Tracker, want: Partial<Record<keyof typeof COUNTER, number>>): void {
  const names = Object.keys(want) as (keyof typeof COUNTER)[];
  assert.deepEqual(Object.fromEntries(names.map((name) => [name, tracker.counters[COUNTER[name]]])), want);
}

/** Sends connects until none is answered: the address's datagrams are used up. */
function useUp(udp: UdpCounter, address: string): void {
  for (let i = 0; i <= FEW.burst; i++) udp.ask(UDP_CONNECT_PACKET, address);
  assert.equal(udp.ask(UDP_CONNECT_PACKET, address).length, 0);
}

/** The action of the reply to a packet; -1 = none. */
function action(udp: UdpCounter, packet: Uint8Array, address: string): number {
  return udp.ask(packet, address)[3] ?? -1;
}

Deno.test("UdpDoor.answer() answers a burst, then nothing until time has passed, and others all the while", () => {
  const udp = new UdpCounter(newShieldedTracker()), { tracker } = udp;
  const ask = (address: string, times: number) => {
    let answers = 0;
    for (let i = 0; i < times; i++) if (udp.ask(UDP_CONNECT_PACKET, address).length > 0) answers++;
    return answers;
  };
  assert.deepEqual([ask(ALICE, 50), ask(ALICE, 50), ask(BOB, 5)], [10, 0, 5]);
  assertCounts(tracker, { udpPackets: 105, udpConnects: 15, shieldDatagrams: 90, udpDrops: 90 });
  tracker.clock.second += 3;
  assert.deepEqual([ask(ALICE, 50), ask("127.0.0.1", 500)], [6, 500]);
});

Deno.test("UdpDoor.answer() lets nobody use up what a client with a good connection id may ask", () => {
  const udp = new UdpCounter(newShieldedTracker()), id = udp.connect(ALICE), none = new Uint8Array(8);
  useUp(udp, ALICE);
  // Whoever else says to be Alice has no id of hers.
  for (let i = 0; i < 100; i++) assert.equal(action(udp, udpAnnounce(none, "a"), ALICE), -1);
  const answers = Array.from(
    { length: 2 * FEW.burst },
    (_, i) => action(udp, i % 2 === 0 ? udpAnnounce(id, "a") : udpScrape(id, "a"), ALICE),
  );
  assert.deepEqual(answers.slice(0, FEW.burst), Array.from({ length: FEW.burst }, (_, i) => i % 2 === 0 ? 1 : 2));
  assert.deepEqual(answers.slice(FEW.burst), new Array(FEW.burst).fill(-1), "but that has a limit too");
  assert.equal(action(udp, udpAnnounce(id, "a"), BOB), 3, "and the id is Alice's");
});

Deno.test("UdpDoor.answer() serves every stop of a peer that is there, and no other", () => {
  const udp = new UdpCounter(newShieldedTracker({ rate: { perSecond: 1, burst: 200 } })), { tracker } = udp;
  const id = udp.connect(ALICE), ports = Array.from({ length: 100 }, (_, i) => 7000 + i);
  for (const port of ports) assert.equal(action(udp, udpAnnounce(id, "a", { port }), ALICE), 1);
  while (action(udp, udpAnnounce(id, "a", { port: 7000 }), ALICE) !== -1);
  for (const port of ports) {
    const stopped = { port, event: EVENT_STOPPED };
    assert.equal(action(udp, udpAnnounce(new Uint8Array(8), "a", stopped), ALICE), -1, "not without a good id");
    assert.equal(action(udp, udpAnnounce(id, "b", stopped), ALICE), -1, "not of another torrent");
    assert.equal(action(udp, udpAnnounce(id, "a", { port, event: EVENT_STARTED }), ALICE), -1, "not another event");
    assert.equal(action(udp, udpAnnounce(id, "a", stopped), ALICE), 1, `port ${port}`);
    assert.equal(action(udp, udpAnnounce(id, "a", stopped), ALICE), -1, "not twice");
  }
  const { leechers4, torrents } = tracker.store.totals();
  assert.deepEqual([leechers4, torrents], [0, 1], "nothing came in, everything went out");
  assertCounts(tracker, { shieldSettled: 100 });
});

Deno.test("UdpDoor.answer() serves the first completed of a peer that is there, and counts it once", () => {
  const udp = new UdpCounter(newShieldedTracker()), { tracker } = udp, id = udp.connect(ALICE);
  action(udp, udpAnnounce(id, "a"), ALICE);
  while (action(udp, udpAnnounce(id, "a"), ALICE) !== -1);
  const completed = { left: 0, event: EVENT_COMPLETED };
  assert.equal(action(udp, udpAnnounce(id, "a", { ...completed, left: 5 }), ALICE), -1, "not with something left");
  assert.equal(action(udp, udpAnnounce(id, "b", completed), ALICE), -1, "not out of nothing");
  assert.equal(action(udp, udpAnnounce(id, "a", { ...completed, port: 99 }), ALICE), -1, "not of another peer");
  assert.equal(action(udp, udpAnnounce(id, "a", completed), ALICE), 1);
  assert.equal(action(udp, udpAnnounce(id, "a", completed), ALICE), -1, "not twice");
  assertCounts(tracker, { completed: 1, shieldSettled: 1 });
  assert.deepEqual([tracker.store.totals().seeders4, tracker.store.totals().leechers4], [1, 0]);
});

Deno.test("UdpDoor.answer() stops sending errors to an address with many bad ids, and serves its good ones", () => {
  const udp = new UdpCounter(newShieldedTracker({ rate: { perSecond: 1000, burst: 100_000 } })), { tracker } = udp;
  const id = udp.connect(ALICE), bad = udpAnnounce(new Uint8Array(8), "a");
  let errors = 0;
  for (let i = 0; i < 2000; i++) {
    const reply = udp.ask(bad, ALICE);
    assert.ok(reply.length <= bad.length);
    if (reply.length > 0) errors++;
    // However many bad ones come, the client itself is none the worse.
    if (i % 100 === 0) assert.equal(action(udp, udpAnnounce(id, "a"), ALICE), 1, `after ${i} bad ids`);
  }
  assert.ok(errors > 0 && errors < 1000, `${errors} errors`);
  assertCounts(tracker, { udpMismatches: 2000, shieldSilenced: 2000 - errors });
  assert.equal(action(udp, bad, BOB), 3, "others are told");
  tracker.clock.second += 10;
  assert.equal(action(udp, bad, ALICE), 3, "and so is Alice, some seconds later");
});

Deno.test("UdpDoor.answer() says nothing to networks that are not served", () => {
  const udp = new UdpCounter(newShieldedTracker({ denied: "198.51.100.0/24\n2001:db8:5::/48\n" }));
  for (const address of ["198.51.100.7", "2001:db8:5::1", "::ffff:198.51.100.8"]) {
    assert.equal(udp.ask(UDP_CONNECT_PACKET, address).length, 0, address);
  }
  for (const address of ["198.51.101.7", "2001:db8:6::1"]) {
    assert.equal(udp.ask(UDP_CONNECT_PACKET, address).length, 16, address);
  }
  assertCounts(udp.tracker, { udpPackets: 5, udpPackets6: 2, deniedDatagrams: 3, udpDrops: 3, udpConnects: 2 });
});

function get(target: string, headers = ""): Uint8Array {
  return latin1(`GET ${target} HTTP/1.1\r\n${headers}\r\n`);
}

const TOO_OFTEN = REFUSAL_TEXTS[ASKED_TOO_OFTEN], DENIED = REFUSAL_TEXTS[NETWORK_DENIED];

/** What a request came to: "served", "office", or the failure reason; and whether the connection stays. */
function outcome(http: HttpCounter, bytes: Uint8Array, address: string): [string, isKept: boolean] {
  const { action, reply } = http.ask(bytes, address), text = latin1Text(reply), isKept = http.door.http.keepAlive;
  if (action === HTTP_OFFICE) return ["office", isKept];
  return [/14:failure reason\d+:(.*?)8:interval/.exec(text)?.[1] ?? "served", isKept];
}

Deno.test("HttpDoor.answer() refuses what is too much, says when to come back, and ends the connection", () => {
  const http = new HttpCounter(newShieldedTracker()), hash = "info_hash=aaaaaaaaaaaaaaaaaaaa";
  const announce = get(`/announce?${hash}&port=6881&left=5`);
  for (let i = 0; i < FEW.burst; i++) assert.deepEqual(outcome(http, announce, ALICE), ["served", true]);
  for (const target of [`/announce?${hash}&port=6881&left=5`, `/scrape?${hash}`, "/stats", "/", "/announce?nonsense"]) {
    assert.deepEqual(outcome(http, get(target), ALICE), [TOO_OFTEN, false], target);
  }
  const text = latin1Text(http.ask(announce, ALICE).reply);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n\r\nd14:failure reason/);
  assert.match(text, /8:intervali600e8:retry ini10ee$/);
  assert.equal(Number(/Content-Length: (\d+)/.exec(text)![1]), text.split("\r\n\r\n")[1]!.length);
  assert.deepEqual(outcome(http, announce, BOB), ["served", true]);
  assert.deepEqual(outcome(http, get("/stats"), "127.0.0.1"), ["office", true]);
  assertCounts(http.tracker, { shieldRequests: 6, tcpAnnounces: 11 });
  assert.equal(http.tracker.counters[COUNTER.refusals + ASKED_TOO_OFTEN], 6);
  http.tracker.clock.second += 1;
  assert.deepEqual(outcome(http, announce, ALICE), ["served", true]);
});

Deno.test("HttpDoor.answer() is not moved by datagrams that only say whose they are", () => {
  const tracker = newShieldedTracker(), http = new HttpCounter(tracker);
  useUp(new UdpCounter(tracker), ALICE);
  assert.equal(outcome(http, get("/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=1&left=1"), ALICE)[0], "served");
});

Deno.test("HttpDoor.answer() serves stops and first completed of peers that are there", () => {
  const http = new HttpCounter(newShieldedTracker()), { tracker } = http;
  const ask = (rest: string) => outcome(http, get(`/announce?info_hash=aaaaaaaaaaaaaaaaaaaa${rest}`), ALICE)[0];
  assert.equal(ask("&port=1&left=1"), "served");
  while (ask("&port=2&left=1") === "served");
  assert.equal(ask("&port=3&left=0&event=completed"), TOO_OFTEN, "not there");
  assert.equal(ask("&port=1&left=0&event=completed"), "served");
  assert.equal(ask("&port=1&left=0&event=completed"), TOO_OFTEN, "counted already");
  assert.equal(ask("&port=3&left=0&event=stopped"), TOO_OFTEN, "not there");
  for (const port of [1, 2]) {
    assert.equal(ask(`&port=${port}&left=0&event=stopped`), "served");
    assert.equal(ask(`&port=${port}&left=0&event=stopped`), TOO_OFTEN, "gone already");
  }
  assertCounts(tracker, { completed: 1, shieldSettled: 3 });
  const { seeders4, leechers4 } = tracker.store.totals();
  assert.deepEqual([seeders4, leechers4], [0, 0]);
});

const PROXY = "203.0.113.7";

/** A tracker behind a proxy. */
function behindProxy(denied = ""): HttpCounter {
  const { tracker, http } = new PluginUnderTest(ipFromProxy, `access.proxy ${PROXY}\n`),
    proxies = [{ address: PROXY, bits: 32 }];
  const shielded = newShieldedTracker({ exempt: proxies, denied });
  tracker.shield = shielded.shield;
  tracker.denied = shielded.denied;
  tracker.proxies = new NetworkSet(proxies);
  return http;
}

/** An announce that a proxy passes on for `client`. */
function passedOn(client: string): Uint8Array {
  const forwarded = `X-Forwarded-For: ${client}\r\n`;
  return get("/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=6881&left=5", forwarded);
}

Deno.test("HttpDoor.answer() counts the client behind a proxy, and leaves the proxy its connection", () => {
  const http = behindProxy();
  for (let i = 0; i < FEW.burst; i++) assert.deepEqual(outcome(http, passedOn(ALICE), PROXY), ["served", true]);
  assert.deepEqual(outcome(http, passedOn(ALICE), PROXY), [TOO_OFTEN, true]);
  assert.deepEqual(outcome(http, passedOn(BOB), PROXY), ["served", true]);
  assert.deepEqual(outcome(http, passedOn("2001:db8::1"), PROXY), ["served", true]);
  for (let i = 0; i < 500; i++) assert.equal(outcome(http, get("/stats"), PROXY)[0], "office", "the proxy's own");
});

Deno.test("HttpDoor.answer() counts who has the connection where what it says of itself is not believed", () => {
  const http = behindProxy();
  for (let i = 0; i < FEW.burst; i++) outcome(http, passedOn(`198.51.100.${i}`), ALICE);
  assert.deepEqual(outcome(http, passedOn("198.51.100.99"), ALICE), [TOO_OFTEN, false]);
  assert.deepEqual(
    outcome(http, passedOn("198.51.100.1"), PROXY),
    ["served", true],
    "whom she named is none the worse",
  );
});

Deno.test("HttpDoor.answer() refuses a denied client behind a proxy, and leaves the proxy its connection", () => {
  const http = behindProxy("198.51.100.0/24\n203.0.113.0/24");
  assert.deepEqual(outcome(http, passedOn("198.51.100.7"), PROXY), [DENIED, true]);
  assert.deepEqual(outcome(http, passedOn(ALICE), PROXY), ["served", true]);
  assertCounts(http.tracker, { deniedRequests: 1 });
});

Deno.test("Tracker.isDenied and takesConnection() decide on a new connection", () => {
  const { tracker } = behindProxy("198.51.100.0/24\n203.0.113.0/24"), http = new HttpCounter(tracker);
  const isDenied = (address: string) => (outcome(http, new Uint8Array(0), address), tracker.isDenied);
  assert.deepEqual(["198.51.100.7", ALICE, PROXY, "203.0.113.8"].map(isDenied), [true, false, false, true]);
  const takes = (address: string) => (outcome(http, new Uint8Array(0), address), tracker.takesConnection());
  const taken = Array.from({ length: 15 }, () => takes(ALICE));
  assert.deepEqual(taken, [...new Array(10).fill(true), ...new Array(5).fill(false)]);
  assert.equal(takes(BOB), true);
  assertCounts(tracker, { shieldConnections: 5 });
  for (let i = 0; i < 100; i++) assert.equal(takes(PROXY), true);
});
