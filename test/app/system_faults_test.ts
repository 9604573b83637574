/** Faults of the system around the tracker, made for real: no descriptors, no routes, no disk, another time, no time. */
import assert from "node:assert/strict";
import { announceRequest, exchange, KINDS, readReplies, writeAll } from "../support/app.ts";
import { runProgram, testWith } from "../support/programs.ts";
import { withStatePath } from "../support/state.ts";
import { commandFromSource, type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";

const HOST = "127.0.0.1";
/** Datagrams that are more than a socket holds, and how often they are sent at most. */
const DATAGRAMS = 3000, ROUNDS_MAX = 200;
/** Whether a program may have a network and file systems of its own here: some containers do not let it. */
const CAN_UNSHARE = await runProgram("unshare", ["-rnm", "true"]).then(({ code }) => code === 0, () => false);

for (const kind of KINDS) {
  testWith(["prlimit"], `${kind} fronts with 100 open files serve one client after another`, async () => {
    const { config, folder } = writeSettings({ "tracker.workers": 2, "tracker.front": kind });
    const command = ["prlimit", "--nofile=100:100", ...commandFromSource()];
    await using tracker = await startTracker(["-f", config], undefined, command);
    const connections: Deno.TcpConn[] = [];
    for (let i = 1; i <= 250; i++) {
      const connection = await Deno.connect({ hostname: HOST, port: tracker.httpPort });
      connections.push(connection);
      await writeAll(connection, announceRequest("f", i));
      assert.match(await readReplies(connection, 1), new RegExp(`10:incompletei${i}e`));
    }
    for (const connection of connections) connection.close();
    assert.ok(await figure(tracker, "evictions") > 100, "some had to go for others");
    assert.equal(await tracker.stop("SIGTERM"), 0);
    Deno.removeSync(folder, { recursive: true });
  });

  testUnshared(["ip"], `${kind} fronts count replies that the system refuses, and answer the others`, async () => {
    const program = new URL("../support/refused_replies.ts", import.meta.url).pathname;
    const [deno, run, ...flags] = commandFromSource(), config = flags.slice(0, flags.indexOf("--config") + 2);
    const { code, text } = await runProgram("unshare", ["-rn", deno!, run!, ...config, "-A", program, kind]);
    assert.equal(code, 0, text);
  });
}

testUnshared(
  [],
  "a full disk stops the saving and nothing else, and when there is room again all is saved",
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), ballast = `${folder}/ballast`;
    const settings = { "tracker.state": path, "tracker.state_seconds": 1 };
    const { config, folder: configFolder } = writeSettings(settings);
    // A file system of its own, of which little is left.
    const prepare = `mount -t tmpfs -o size=8m tmpfs ${folder} && head -c 8000000 /dev/zero > ${ballast} && exec "$@"`;
    const command = ["unshare", "-rm", "sh", "-c", prepare, "sh", ...commandFromSource()];
    await using tracker = await startTracker(["-f", config], undefined, command);
    for (let from = 0; from < 20_000; from += 1000) await announceMany(tracker.httpPort, from, 1000);
    await tracker.waitFor(/^state: nothing is saved, and it will be tried again: .* the disk is full; make room/m);
    assert.match(await exchange(tracker.httpPort, announceRequest("d", 1001)), /8:complete/);
    Deno.removeSync(`/proc/${tracker.pid}/root${ballast}`);
    await tracker.waitFor(/^state: the file can be written again, and is complete$/m);
    assert.equal(await tracker.stop("SIGTERM"), 0);
    Deno.removeSync(configFolder, { recursive: true });
  }),
);

testWith(
  ["faketime"],
  "a wall clock that jumps, forth and back, ages nobody, and the state file holds what is true",
  withStatePath(async (path) => {
    const folder = path.replace(/\/[^/]*$/, ""), offset = `${folder}/offset`;
    const { config, folder: configFolder } = writeSettings({ "tracker.state": path, "tracker.state_seconds": 1 });
    const { text } = await runProgram("faketime", ["-m", "-f", "+0", "sh", "-c", "echo $LD_PRELOAD"]);
    const fake = {
      LD_PRELOAD: text.trim(),
      FAKETIME_TIMESTAMP_FILE: offset,
      FAKETIME_NO_CACHE: "1",
      // The clock that only goes forward is what it is about: it goes on.
      DONT_FAKE_MONOTONIC: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    Deno.writeTextFileSync(offset, "+0");
    {
      await using tracker = await startTracker(["-f", config], undefined, undefined, fake);
      let port = 1001;
      for (const jump of ["+400d", "-400d", "+0"]) {
        Deno.writeTextFileSync(offset, jump);
        const want = new RegExp(`10:incompletei${port - 1000}e`);
        assert.match(await exchange(tracker.httpPort, announceRequest("t", port++)), want, `after ${jump}`);
        // The pass that saves it has seen the new time.
        const seconds = await figure(tracker, "uptimeSeconds");
        while (await figure(tracker, "uptimeSeconds") < seconds + 2);
      }
      assert.equal(await figure(tracker, "faults"), 0);
      assert.equal(await tracker.stop("SIGTERM"), 0);
    }
    await using again = await startTracker(["-f", config]);
    assert.match(again.printed(), /^state: 1 torrents and 3 peers loaded/m);
    assert.match(await exchange(again.httpPort, announceRequest("t", 1004)), /10:incompletei4e/);
    Deno.removeSync(configFolder, { recursive: true });
  }),
);

Deno.test({
  name: "a tracker that was stopped (SIGSTOP) under load goes on where it was",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { config, folder } = writeSettings({ "http.idle_seconds": 1, "http.request_seconds": 2 });
    await using tracker = await startTracker(["-f", config]);
    await announceMany(tracker.httpPort, 0, 200);
    using silent = await Deno.connect({ hostname: HOST, port: tracker.httpPort });
    await writeAll(silent, "GET /announce?info_hash=");
    Deno.kill(tracker.pid, "SIGSTOP");
    const waiting = Array.from({ length: 20 }, (_, i) => exchange(tracker.httpPort, announceRequest("w", i + 1)));
    await new Promise((resolve) => setTimeout(resolve, 2500));
    Deno.kill(tracker.pid, "SIGCONT");
    for (const reply of await Promise.all(waiting)) assert.match(reply, /8:complete/);
    assert.equal(await silent.read(new Uint8Array(1)), null, "its time is over");
    assert.equal(await figure(tracker, "torrents"), 201);
    for (const name of ["faults", "restarts"]) assert.equal(await figure(tracker, name), 0, name);
    assert.equal(await tracker.stop("SIGTERM"), 0);
    Deno.removeSync(folder, { recursive: true });
  },
});

Deno.test({
  name: "a tracker whose datagrams the kernel drops leaves something out, and says so",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { config, folder } = writeSettings({ "tracker.workers": 1 });
    await using tracker = await startTracker(["-f", config]);
    const sender = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 }), packet = new Uint8Array(8000);
    const to = { transport: "udp", hostname: HOST, port: tracker.udpPort } as const;
    const figures = async () => await (await fetch(`http://${HOST}:${tracker.httpPort}/stats?mode=json`)).json();
    try {
      // Nobody reads while it is stopped, and the kernel drops what its socket has no room for: again and again, because
      // one bad second begins nothing.
      for (let rounds = 0; (await figures()).shedding.steps.udp4 === 0; rounds++) {
        assert.ok(rounds < ROUNDS_MAX, `no step after ${rounds} rounds: ${tracker.printed()}`);
        Deno.kill(tracker.pid, "SIGSTOP");
        for (let sent = 0; sent < DATAGRAMS; sent++) await sender.send(packet, to);
        Deno.kill(tracker.pid, "SIGCONT");
      }
    } finally {
      Deno.kill(tracker.pid, "SIGCONT");
      sender.close();
    }
    await tracker.waitFor(/^shedding: UDP over IPv4 is behind \(.*\): step 1, intervals are 1\.5 times as long$/m);
    const { udp, shedding: { steps, changes } } = await figures();
    assert.ok(udp.kernelDrops > 0 && changes > 0);
    assert.deepEqual([steps.http4, steps.http6, steps.udp6], [0, 0, 0], "the others are as they were");
    assert.equal(await tracker.stop("SIGTERM"), 0);
    Deno.removeSync(folder, { recursive: true });
  },
});

Deno.test({
  name: "a tracker without the right to native calls has portable fronts, and answers",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const command = commandFromSource().filter((word) => word !== "--allow-ffi");
    await using tracker = await startTracker([], undefined, command);
    assert.match(tracker.errors(), /^portable fronts: native calls are not available/m);
    assert.match(await exchange(tracker.httpPort, announceRequest("n", 1)), /8:complete/);
    assert.equal(await tracker.stop("SIGTERM"), 0);
  },
});

// A test that gives a program a network or file systems of its own.
function testUnshared(programs: readonly string[], name: string, test: () => Promise<void>): void {
  if (CAN_UNSHARE) testWith(programs, name, test);
  else Deno.test.ignore(`${name} (unshare is not allowed here)`, test);
}

// A config in a folder of its own, with `settings` and the least memory.
function writeSettings(settings: Readonly<Record<string, string | number>>): { config: string; folder: string } {
  const folder = Deno.makeTempDirSync();
  return { config: writeConfig(folder, { "tracker.memory": 32, ...settings }), folder };
}

// A figure of `/stats?mode=json` by its name.
async function figure({ httpPort }: RunningTracker, name: string): Promise<number> {
  const text = await exchange(httpPort, "GET /stats?mode=json HTTP/1.1\r\n\r\n");
  return Number(new RegExp(`"${name}": (\\d+)`).exec(text)?.[1]);
}

// Announces to `count` torrents, no two alike, on one connection.
async function announceMany(port: number, from: number, count: number): Promise<void> {
  using connection = await Deno.connect({ hostname: HOST, port });
  let requests = "";
  for (let i = from; i < from + count; i++) {
    const hash = `%${hex(i >> 16)}%${hex(i >> 8)}%${hex(i)}x`;
    requests += announceRequest("x", 1001).replace("x".repeat(20), hash + "x".repeat(16));
  }
  const written = writeAll(connection, requests);
  await readReplies(connection, count);
  await written;
}

function hex(byte: number): string {
  return (byte & 0xff).toString(16).padStart(2, "0");
}
