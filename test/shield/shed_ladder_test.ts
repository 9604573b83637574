/** What is left out, decided from figures: tables of looks and the steps they come to. */
import assert from "node:assert/strict";
import { CALM_SECONDS, PeerAge, type ShedChange, ShedLadders, type ShedLoad } from "../../src/shield/shed_ladder.ts";
import { type Requests, shareLoads } from "../../src/shield/shed_loads.ts";
import {
  ANSWERING_STEP_MAX,
  createShedControl,
  SHED_CLASSES,
  SHED_STEPS,
  ShedControl,
  STRETCHED_SECONDS_MAX,
  stretchInterval,
} from "../../src/shield/shed_steps.ts";

const CALM: ShedLoad = { received: 50_000, lost: 0, queueShare: 0, lateMs: 1 };
const LOSING: ShedLoad = { received: 100_000, lost: 5000, queueShare: 1, lateMs: 10 };
const FULL: ShedLoad = { received: 100_000, lost: 0, queueShare: 0.7, lateMs: 10 };
const LATE: ShedLoad = { received: 100_000, lost: 0, queueShare: 0, lateMs: 250 };
const IDLE: ShedLoad = { received: 0, lost: 0, queueShare: 0, lateMs: 0 };
const LAST_STEP = SHED_STEPS.length - 1;

/** Ladders looked at once a second. */
class Watched {
  readonly ladders = new ShedLadders();
  readonly changes: ShedChange[] = [];
  second = 0;

  /** So many looks at the same load of UDP over IPv4, the others calm. Returns the step it comes to. */
  udp4(load: ShedLoad, looks: number): number {
    for (let i = 0; i < looks; i++) {
      this.changes.push(...this.ladders.look(this.second++, { http4: CALM, http6: CALM, udp4: load, udp6: CALM }));
    }
    return this.ladders.steps.udp4;
  }
}

Deno.test("ShedLadders.look() tells a class that is behind from one that is not", () => {
  const rows: { name: string; load: ShedLoad; want: number }[] = [
    { name: "nothing to do", load: IDLE, want: 0 },
    { name: "a full but quick machine", load: { ...CALM, received: 250_000, queueShare: 0.3, lateMs: 60 }, want: 0 },
    { name: "losing 5 %", load: LOSING, want: LAST_STEP },
    { name: "losing 1 %", load: { ...CALM, received: 99_000, lost: 1000 }, want: LAST_STEP },
    { name: "losing less", load: { ...CALM, received: 99_900, lost: 100 }, want: 0 },
    { name: "a queue half full", load: { ...CALM, queueShare: 0.5 }, want: ANSWERING_STEP_MAX },
    { name: "answers late", load: { ...CALM, lateMs: 100 }, want: ANSWERING_STEP_MAX },
    { name: "late with hardly a request", load: { received: 900, lost: 0, queueShare: 0.9, lateMs: 5000 }, want: 0 },
    { name: "losing nearly all", load: { received: 0, lost: 200_000, queueShare: 1, lateMs: 0 }, want: LAST_STEP },
  ];
  for (const { name, load, want } of rows) assert.equal(new Watched().udp4(load, 20), want, name);
});

Deno.test("ShedLadders.look() goes up a step a second, and not for one bad second", () => {
  const watched = new Watched(), steps = Array.from({ length: 10 }, () => watched.udp4(LOSING, 1));
  assert.deepEqual(steps, [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]);
  const hiccups = new Watched();
  for (let i = 0; i < 20; i++) {
    assert.equal(hiccups.udp4(LOSING, 1), 0);
    assert.equal(hiccups.udp4(CALM, 1), 0);
  }
});

Deno.test("ShedLadders.look() leaves datagrams out only while datagrams are lost", () => {
  for (const load of [FULL, LATE]) {
    const watched = new Watched();
    assert.equal(watched.udp4(load, 30), ANSWERING_STEP_MAX);
    assert.equal(watched.udp4(LOSING, 1), ANSWERING_STEP_MAX + 1);
    // What it has given up already it does not take back because the queue is only full now.
    assert.equal(watched.udp4(load, 30), ANSWERING_STEP_MAX + 1);
  }
});

Deno.test("ShedLadders.look() goes down a step after each long calm, and all the way", () => {
  const watched = new Watched();
  watched.udp4(LOSING, 9);
  for (let step = LAST_STEP; step > 0; step--) {
    assert.equal(watched.udp4(CALM, CALM_SECONDS), step);
    assert.equal(watched.udp4(CALM, 1), step - 1);
    watched.second--;
  }
  assert.equal(watched.udp4(CALM, 10 * CALM_SECONDS), 0);
});

Deno.test("ShedLadders.look() counts a calm from the last time it was none", () => {
  const watched = new Watched();
  watched.udp4(LOSING, 4);
  const nearly: ShedLoad = { ...CALM, queueShare: 0.2 };
  for (let i = 0; i < 5; i++) {
    assert.equal(watched.udp4(CALM, CALM_SECONDS - 1), 3, "too short a calm");
    assert.equal(watched.udp4(i % 2 === 0 ? nearly : LOSING, 1), 3, "neither behind nor calm, or behind for a second");
  }
  assert.equal(watched.udp4(IDLE, CALM_SECONDS + 1), 2, "no requests are calm too");
});

Deno.test("ShedLadders.look() keeps the classes apart, and HTTP from going further than shorter answers", () => {
  const ladders = new ShedLadders();
  for (let second = 0; second < 20; second++) {
    ladders.look(second, { http4: CALM, http6: LATE, udp4: CALM, udp6: LOSING });
  }
  assert.deepEqual(ladders.steps, { http4: 0, http6: ANSWERING_STEP_MAX, udp4: 0, udp6: LAST_STEP });
  assert.equal(ladders.stretch, 2);
});

Deno.test("ShedLadders.look() says each step once, in a sentence", () => {
  const watched = new Watched();
  watched.udp4(LOSING, 20);
  watched.udp4(CALM, 1000);
  const { changes } = watched;
  assert.deepEqual(changes.map(({ step }) => step), [1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 0]);
  assert.ok(changes.every(({ shedClass }) => shedClass === "udp4"));
  const behind =
    "shedding: UDP over IPv4 is behind (5000 of 105000 datagrams lost, a queue 100 % full, answers 10 ms late)";
  assert.equal(changes[0]!.sentence, `${behind}: step 1, intervals are 1.5 times as long`);
  assert.equal(
    changes[6]!.sentence,
    `${behind}: step 7, intervals are 2 times as long, replies have at most 10 peers, ` +
      "7 of 8 connects are not answered, 4 of 8 other datagrams are not answered",
  );
  assert.equal(
    changes[13]!.sentence,
    "shedding: UDP over IPv4 keeps up for 30 s: step 0, everyone is served as usual",
  );
});

Deno.test("SHED_STEPS leave out more and more", () => {
  for (const [i, step] of SHED_STEPS.slice(1).entries()) {
    const before = SHED_STEPS[i]!;
    assert.ok(step.stretch >= before.stretch && step.peersMax <= before.peersMax, `${i + 1}`);
    assert.ok(step.connectEighths >= before.connectEighths && step.otherEighths >= before.otherEighths, `${i + 1}`);
    assert.ok(step.connectEighths >= step.otherEighths && step.otherEighths < 8, `${i + 1}: connects first`);
    assert.notDeepEqual(step, before);
    assert.equal(step.connectEighths > 0, i + 1 > ANSWERING_STEP_MAX);
  }
});

Deno.test("stretchInterval() keeps to its limit, and shortens nothing", () => {
  const rows: [seconds: number, stretch: number, want: number][] = [
    [1800, 1, 1800],
    [1800, 1.5, 2700],
    [1981, 1.5, 2971],
    [1800, 2, 3600],
    [5000, 2, STRETCHED_SECONDS_MAX],
    [STRETCHED_SECONDS_MAX, 2, STRETCHED_SECONDS_MAX],
    [86400, 2, 86400],
  ];
  for (const [seconds, stretch, want] of rows) {
    assert.equal(stretchInterval(seconds, stretch), want, `${seconds} × ${stretch}`);
  }
});

Deno.test("PeerAge.look() remembers peers for as long as they were told to stay away", () => {
  const age = new PeerAge(45, 1800);
  const rows: { name: string; second: number; stretch: number; want: number }[] = [
    { name: "as usual", second: 0, stretch: 1, want: 45 },
    { name: "the first step", second: 100, stretch: 1.5, want: 68 },
    { name: "the second", second: 101, stretch: 2, want: 90 },
    { name: "one down", second: 200, stretch: 1.5, want: 90 },
    { name: "all over", second: 300, stretch: 1, want: 90 },
    { name: "some have not come back", second: 200 + 3959, stretch: 1, want: 90 },
    { name: "all have", second: 200 + 3960, stretch: 1, want: 45 },
    { name: "again", second: 10_000, stretch: 1.5, want: 68 },
  ];
  for (const { name, second, stretch, want } of rows) assert.equal(age.look(second, stretch), want, name);
  assert.equal(new PeerAge(45, 7000).look(0, 2), 47, "an interval that its limit stretches less");
  assert.equal(new PeerAge(2000, 86_400).look(0, 2), 2000, "one that is not stretched");
});

Deno.test("ShedControl carries the steps to the fronts", () => {
  const memory = createShedControl(45), written = new ShedControl(memory), read = new ShedControl(memory);
  const steps = { http4: 0, http6: 0, udp4: 0, udp6: 0 };
  const readAll = () => [read.http(4), read.http(6), read.udp(4), read.udp(6)].map((step) => SHED_STEPS.indexOf(step));
  assert.deepEqual([read.isOn, readAll(), read.peerAgeMinutesMax], [false, [0, 0, 0, 0], 45]);
  for (const [i, name] of SHED_CLASSES.entries()) {
    written.set({ ...steps, [name]: i + 1 }, 90);
    assert.deepEqual([read.isOn, readAll(), read.peerAgeMinutesMax], [
      true,
      SHED_CLASSES.map((_, at) => at === i ? i + 1 : 0),
      90,
    ]);
  }
});

const NOBODY: Requests = { http4: 0, http6: 0, udp4: 0, udp6: 0 };

Deno.test("shareLoads() gives each class what its own sockets say", () => {
  const received = { http4: 10, http6: 20, udp4: 300, udp6: 100 };
  const tcp = { protocol: "tcp", lost: 0 } as const, udp = { protocol: "udp" } as const;
  const loads = shareLoads([{ received, lateMs: 0 }], [
    { ...tcp, address: "::", share: 0.1 },
    { ...tcp, address: "192.0.2.1", share: 0.4 },
    { ...udp, address: "::", share: 0.3, lost: 40 },
    { ...udp, address: "192.0.2.1", share: 0.2, lost: 7 },
    { ...udp, address: "2001:db8::1", share: 0.6, lost: 5 },
  ]);
  assert.deepEqual(loads, {
    http4: { received: 10, lost: 0, queueShare: 0.4, lateMs: 0 },
    http6: { received: 20, lost: 0, queueShare: 0.1, lateMs: 0 },
    udp4: { received: 300, lost: 37, queueShare: 0.3, lateMs: 0 },
    udp6: { received: 100, lost: 15, queueShare: 0.6, lateMs: 0 },
  });
});

Deno.test("shareLoads() counts what is shared against those with a good part in it", () => {
  const socket = { protocol: "udp", address: "::", share: 1, lost: 1000 } as const;
  const rows: { name: string; received: Partial<Requests>; want: readonly string[]; lost: readonly number[] }[] = [
    {
      name: "a flood over UDP and IPv4",
      received: { http4: 2000, http6: 1000, udp4: 200_000, udp6: 5000 },
      want: ["udp4 full", "udp4 late"],
      lost: [976, 0],
    },
    {
      name: "a flood over UDP and IPv6",
      received: { http4: 2000, udp4: 20_000, udp6: 180_000 },
      want: ["udp6 full", "udp6 late"],
      lost: [0, 900],
    },
    {
      name: "a flood over HTTP, each request of which costs more",
      received: { http4: 30_000, http6: 2000, udp4: 20_000, udp6: 5000 },
      want: ["http4 late", "udp4 full"],
      lost: [800, 0],
    },
    {
      name: "everybody at once",
      received: { http4: 10_000, http6: 10_000, udp4: 40_000, udp6: 40_000 },
      want: ["http4 late", "http6 late", "udp4 full", "udp4 late", "udp6 full", "udp6 late"],
      lost: [500, 500],
    },
    {
      name: "a front that does nothing at all",
      received: {},
      want: ["http4 late", "http6 late", "udp4 full", "udp4 late", "udp6 full", "udp6 late"],
      lost: [500, 500],
    },
  ];
  for (const { name, received, want, lost } of rows) {
    const loads = shareLoads([{ received: { ...NOBODY, ...received }, lateMs: 300 }], [socket]);
    const said = SHED_CLASSES.flatMap((shedClass) => {
      const { queueShare, lateMs } = loads[shedClass];
      return [...queueShare > 0 ? [`${shedClass} full`] : [], ...lateMs > 0 ? [`${shedClass} late`] : []];
    });
    assert.deepEqual([said, [loads.udp4.lost, loads.udp6.lost]], [want, lost], name);
  }
});

Deno.test("shareLoads() adds up what fronts had, and looks at each for what makes it late", () => {
  const loads = shareLoads([
    { received: { ...NOBODY, udp4: 100_000, http4: 1000 }, lateMs: 400 },
    { received: { ...NOBODY, udp4: 1000, http4: 20_000 }, lateMs: 5 },
  ], []);
  assert.deepEqual([loads.udp4.received, loads.udp4.lateMs], [101_000, 400]);
  assert.deepEqual([loads.http4.received, loads.http4.lateMs], [21_000, 5], "its own front is in time");
});
