/** The doors while the tracker is behind: what each step does to intervals, peers and datagrams, and that it ends. */
import assert from "node:assert/strict";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STARTED, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { createShedControl, SHED_STEPS, ShedControl, STRETCHED_SECONDS_MAX } from "../../src/shield/shed_steps.ts";
import { COUNTER } from "../../src/stats/counters.ts";
import { Policy } from "../../src/tracker/policy.ts";
import type { Plugin } from "../../src/plugin/api.ts";
import { PluginUnderTest } from "../support/plugin_host.ts";
import { UDP_CONNECT_PACKET, udpAnnounce } from "../support/shield.ts";
import { HttpCounter, newTracker, UdpCounter } from "../support/tracker.ts";
import { latin1, latin1Text } from "../support/vectors.ts";

const ALICE = "192.0.2.1", ALICE6 = "2001:db8::1", NO_STEPS = { http4: 0, http6: 0, udp4: 0, udp6: 0 };
const SETTINGS = { intervalSeconds: 1800, numwantDefault: 50, numwantMax: 200 };

Deno.test("Policy.shed() makes intervals longer and lists shorter, until it is told otherwise", () => {
  const policy = new Policy(SETTINGS, 1), plain = new Policy(SETTINGS, 1);
  for (const step of [...SHED_STEPS, SHED_STEPS[0]!]) {
    policy.shed(step);
    for (let i = 0; i < 100; i++) {
      assert.equal(policy.nextInterval(), Math.floor(plain.nextPlainInterval() * step.stretch));
    }
    for (const [numwant, usual] of [[-1, 50], [0, 0], [7, 7], [30, 30], [500, 200]] as const) {
      assert.equal(policy.peersFor(numwant), Math.min(usual, step.peersMax));
    }
  }
  policy.shed(SHED_STEPS[4]);
  policy.shed();
  assert.equal(policy.peersFor(500), 200);
  const long = new Policy({ ...SETTINGS, intervalSeconds: 6800 }, 1);
  long.shed(SHED_STEPS[2]);
  for (let i = 0; i < 100; i++) assert.ok(long.nextInterval() <= Math.max(STRETCHED_SECONDS_MAX, 6800 * 1.1));
});

/** A tracker, its doors, and the supervisor's hand on what it leaves out. */
class Shedding {
  readonly tracker = newTracker();
  readonly udp = new UdpCounter(this.tracker);
  readonly http = new HttpCounter(this.tracker);
  readonly control: ShedControl;

  constructor() {
    const memory = createShedControl(45);
    this.tracker.shedding = new ShedControl(memory);
    this.control = new ShedControl(memory);
    const id = this.udp.connect(ALICE), id6 = this.udp.connect(ALICE6);
    for (let port = 100; port < 160; port++) {
      this.udp.ask(udpAnnounce(id, "a", { port }), ALICE);
      this.udp.ask(udpAnnounce(id6, "a", { port }), ALICE6);
    }
  }

  /** Interval and number of peers that a UDP client is given. */
  announceUdp(address: string): [seconds: number, peers: number] {
    const id = this.udp.connect(address),
      reply = this.udp.ask(udpAnnounce(id, "a"), address),
      view = new DataView(reply.buffer);
    return [view.getUint32(8), (reply.length - 20) / (address === ALICE ? 6 : 18)];
  }

  /** The same of an HTTP client, of both families. */
  announceHttp(address: string): [seconds: number, peers: number] {
    const request = latin1("GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&port=1&left=1 HTTP/1.1\r\n\r\n");
    const text = latin1Text(this.http.ask(request, address).reply);
    const bytes = (key: string) => Number(new RegExp(`${key}(\\d+):`).exec(text)?.[1] ?? 0);
    return [Number(/8:intervali(\d+)e/.exec(text)![1]), bytes("5:peers") / 6 + bytes("6:peers6") / 18];
  }
}

function assertStretched(
  [seconds, peers]: readonly [number, number],
  [stretch, peersWant]: readonly [number, number],
  name: string,
): void {
  assert.ok(seconds >= Math.floor(1620 * stretch) && seconds < 1980 * stretch, `${name}: ${seconds} s`);
  assert.equal(peers, peersWant, name);
}

Deno.test("the doors serve each class as its own step says", () => {
  const shedding = new Shedding(), usual = [1, 50] as const;
  const rows: {
    steps: Partial<typeof NO_STEPS>;
    want: Partial<Record<keyof typeof NO_STEPS, readonly [number, number]>>;
  }[] = [
    { steps: {}, want: {} },
    { steps: { http4: 1 }, want: { http4: [1.5, 50] } },
    { steps: { http6: 4 }, want: { http6: [2, 10] } },
    { steps: { udp4: 2 }, want: { udp4: [2, 50] } },
    { steps: { udp4: 3, udp6: 4 }, want: { udp4: [2, 25], udp6: [2, 10] } },
    { steps: { http4: 4, udp6: 1 }, want: { http4: [2, 10], udp6: [1.5, 50] } },
    { steps: {}, want: {} },
  ];
  for (const { steps, want } of rows) {
    shedding.control.set({ ...NO_STEPS, ...steps }, 45);
    const name = JSON.stringify(steps);
    assertStretched(shedding.announceHttp(ALICE), want.http4 ?? usual, `${name} http4`);
    assertStretched(shedding.announceHttp(ALICE6), want.http6 ?? usual, `${name} http6`);
    assertStretched(shedding.announceUdp(ALICE), want.udp4 ?? usual, `${name} udp4`);
    assertStretched(shedding.announceUdp(ALICE6), want.udp6 ?? usual, `${name} udp6`);
  }
});

Deno.test("UdpDoor.answer() leaves out a part of the datagrams, connects first", () => {
  const shedding = new Shedding(), { udp, control, tracker } = shedding, id = udp.connect(ALICE);
  const answered = (packet: Uint8Array) => {
    let count = 0;
    for (let i = 0; i < 800; i++) if (udp.ask(packet, ALICE).length > 0) count++;
    return count;
  };
  for (
    const [step, connects, announces] of [[4, 800, 800], [5, 400, 800], [6, 100, 800], [7, 100, 400], [
      0,
      800,
      800,
    ]] as const
  ) {
    control.set({ ...NO_STEPS, udp4: step }, 45);
    assert.deepEqual([answered(UDP_CONNECT_PACKET), answered(udpAnnounce(id, "a"))], [connects, announces], `${step}`);
  }
  assert.equal(tracker.counters[COUNTER.shedDatagrams], 400 + 700 + 700 + 400);
  assert.equal(tracker.counters[COUNTER.udpDrops], 2200);
});

Deno.test("UdpDoor.answer() leaves out no stop and no completed of a client that is there", () => {
  const { udp, control } = new Shedding(), id = udp.connect(ALICE), forged = new Uint8Array(8).fill(1);
  control.set({ ...NO_STEPS, udp4: SHED_STEPS.length - 1 }, 45);
  const rows: [name: string, id: Uint8Array, event: number, answered: number][] = [
    ["stopped", id, EVENT_STOPPED, 800],
    ["completed", id, EVENT_COMPLETED, 800],
    ["started", id, EVENT_STARTED, 400],
    ["no event", id, EVENT_NONE, 400],
    ["stopped, says a stranger", forged, EVENT_STOPPED, 400],
  ];
  for (const [name, from, event, want] of rows) {
    let answered = 0;
    for (let i = 0; i < 800; i++) if (udp.ask(udpAnnounce(from, "a", { event }), ALICE).length > 0) answered++;
    assert.equal(answered, want, name);
  }
});

Deno.test("Tracker.beginBatch() forgets peers later while clients were told to come back later", () => {
  const { tracker, control } = new Shedding();
  tracker.beginBatch();
  assert.equal(tracker.store.peerAgeMinutesMax, 45);
  control.set({ ...NO_STEPS, http4: 2 }, 90);
  tracker.beginBatch();
  assert.equal(tracker.store.peerAgeMinutesMax, 90);
});

Deno.test("an interval that a plugin has set is stretched as well, and within the same limit", () => {
  const shaped: Plugin = {
    name: "x",
    shapeAnnounce: (announce, shape) => {
      if (announce.infoHash[0] === 0x62) shape.intervalSeconds = 600;
      if (announce.infoHash[0] === 0x63) shape.intervalSeconds = 50_000;
      shape.numwant = 150;
    },
  };
  const host = new PluginUnderTest(shaped), { tracker } = host, memory = createShedControl(45);
  tracker.shedding = new ShedControl(memory);
  new ShedControl(memory).set({ http4: 4, http6: 4, udp4: 4, udp6: 4 }, 90);
  const interval = (letter: string) => Number(/8:intervali(\d+)e/.exec(host.announce(letter))![1]);
  for (let port = 1; port < 60; port++) host.announce("b", `&port=${port}`, { address: `192.0.2.${port + 1}` });
  assert.deepEqual([interval("b"), interval("c")], [1200, 50_000]);
  const seconds = interval("a");
  assert.ok(seconds >= 3240 && seconds < 3960, `${seconds}`);
  assert.match(host.announce("b"), /5:peers60:/, "ten peers");
  assert.equal(new DataView(host.announceUdp("b").buffer).getUint32(8), 1200);
});
