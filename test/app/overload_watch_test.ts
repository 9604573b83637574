/** The rim around the ladders: real sockets that nobody reads, and the counters of fronts. */
import assert from "node:assert/strict";
import { bindLinuxSockets, openLinuxSockets } from "../../src/front/linux/bind.ts";
import { BIND_SYMBOLS, LIBC } from "../../src/front/linux/libc.ts";
import { OverloadWatch } from "../../src/overload_watch.ts";
import { createShedControl, SHED_STEPS, ShedControl } from "../../src/shield/shed_steps.ts";
import { COUNTER, counterRow, createCounters } from "../../src/stats/counters.ts";

const HOST = "127.0.0.1", PACKETS_MAX = 100_000;

/** A watch over two fronts' counters. `isShedding`: whether it may tell anybody. */
function watch(isShedding: boolean, sockets: ReturnType<typeof bindLinuxSockets>[0] = []) {
  const counters = createCounters(3), control = createShedControl(45), logged: string[] = [];
  const counts = counterRow(counters, 2), rows = [counterRow(counters, 0), counterRow(counters, 1)] as const;
  const watched = new OverloadWatch({
    sockets,
    counters,
    fronts: 2,
    counts,
    control: isShedding ? control : null,
    peerAgeMinutesMax: 45,
    intervalSeconds: 1800,
    log: (sentence) => logged.push(sentence),
  });
  return { watched, rows, counts, logged, control: new ShedControl(control) };
}

Deno.test("OverloadWatch.look() tells the fronts what to leave out, and the statistics", () => {
  const { watched, rows, counts, logged, control } = watch(true);
  for (let second = 0; second < 4; second++) {
    rows[0][COUNTER.tcpAnnounces]! += 5000;
    rows[1][COUNTER.udpPackets]! += 50_000;
    rows[1][COUNTER.udpPackets6]! += 2000;
    rows[1][COUNTER.tcpAnnounces]! += 20_000;
    rows[1][COUNTER.tcpAnnounces6]! += 20_000;
    // The second front's timers come a long time late; what few datagrams of IPv6 there are cannot be why.
    rows[1][COUNTER.lateMilliseconds]! += 1e6;
    watched.look();
  }
  assert.deepEqual(
    [control.http(4), control.http(6), control.udp(4), control.udp(6)],
    [SHED_STEPS[0], SHED_STEPS[3], SHED_STEPS[3], SHED_STEPS[0]],
  );
  assert.equal(control.peerAgeMinutesMax, 90);
  const { shedHttp4Step, shedHttp6Step, shedUdp4Step, shedUdp6Step, shedChanges } = COUNTER;
  const counted = [shedHttp4Step, shedHttp6Step, shedUdp4Step, shedUdp6Step, shedChanges].map((at) => counts[at]);
  assert.deepEqual(counted, [0, 3, 3, 0, 6]);
  assert.equal(logged.length, 6);
  assert.match(
    logged[0]!,
    /^shedding: HTTP over IPv6 is behind \(20000 requests, answers \d+ ms late\): step 1, intervals are 1\.5 /,
  );
  watched.look();
  assert.equal(logged.length, 6, "each step is said once");
  watched.close();
});

Deno.test({
  name: "OverloadWatch.look() sees what the kernel dropped, and counts it without shedding too",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const [sockets] = bindLinuxSockets([{ protocol: "udp", address: HOST, port: 0, descriptor: -1 }], 1);
    const { descriptor, port } = sockets![0]!, libc = Deno.dlopen(LIBC, BIND_SYMBOLS);
    const sender = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 }), packet = new Uint8Array(8000);
    openLinuxSockets(sockets!);
    const shedding = watch(true, sockets), counting = watch(false, sockets);
    const drops = () => shedding.counts[COUNTER.udpKernelDrops]!;
    try {
      for (let look = 0, sent = 0; look < 3; look++) {
        const before = drops();
        // Nobody reads: the kernel keeps what fits and drops the rest.
        while (drops() === before && sent++ < PACKETS_MAX) {
          for (let i = 0; i < 40; i++) await sender.send(packet, { transport: "udp", hostname: HOST, port });
          shedding.rows[0][COUNTER.udpPackets]! += 1000;
          shedding.watched.look();
        }
        assert.ok(drops() > before, `no drop after ${sent * 40} packets`);
      }
      counting.watched.look();
      assert.equal(counting.counts[COUNTER.udpKernelDrops], drops());
      assert.deepEqual([counting.logged.length, counting.control.isOn], [0, false]);
      assert.ok(shedding.counts[COUNTER.shedUdp4Step]! > 0);
      assert.match(
        shedding.logged.join("\n"),
        /^shedding: UDP over IPv4 is behind \(.* a queue \d+ % full.*\): step 1, /,
      );
      for (const other of ["shedHttp4Step", "shedHttp6Step", "shedUdp6Step"] as const) {
        assert.equal(shedding.counts[COUNTER[other]], 0, other);
      }
    } finally {
      sender.close();
      shedding.watched.close();
      counting.watched.close();
      libc.symbols.close(descriptor);
      libc.close();
    }
  },
});
