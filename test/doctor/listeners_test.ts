/** What the doctor says of listeners: real sockets on the loopback, in real tables. */
import assert from "node:assert/strict";
import { checkListeners } from "../../src/doctor/listeners.ts";
import type { Examined } from "../../src/doctor/examined.ts";
import { findHolders, type Process } from "../../src/doctor/processes.ts";
import { readSocketTable, socketsAt } from "../../src/doctor/socket_table.ts";
import type { FrontSocket } from "../../src/front/front_start.ts";
import { SystemFiles } from "../../src/system_files.ts";
import { freeLowPort, NOBODY, testAsRoot } from "../support/root.ts";
import { lines, withMachine } from "../support/machine.ts";
import { freePort } from "../support/tracker_process.ts";

const HOST = "127.0.0.1";

function socket(protocol: "tcp" | "udp", port: number, address = HOST): FrontSocket {
  return { protocol, address, port, descriptor: -1 };
}

/** What is found of `sockets` on this machine. `isSilent`: its tables cannot be read. `more`: what differs otherwise. */
async function look(
  sockets: readonly FrontSocket[],
  isSilent = false,
  more: Partial<Examined> = {},
): Promise<string[]> {
  using files = new SystemFiles();
  const table = isSilent ? null : readSocketTable(files);
  const holders = findHolders(files, new Set(inodesAt(sockets, table)));
  const examined: Partial<Examined> = { sockets, table, holders, running: null, ...more };
  let found: string[] = [];
  await withMachine("quiet", { examined }, async (examined) => {
    found = lines(await checkListeners(examined));
  });
  return found;
}

/**
 * Resolves when nobody listens on a port that was listened on: a program that is being started has a copy of the socket
 * until it runs.
 */
async function untilFree(port: number): Promise<void> {
  using files = new SystemFiles();
  const isHeld = () => socketsAt(readSocketTable(files) ?? [], socket("tcp", port)).length > 0;
  for (let tries = 0; tries < 100 && isHeld(); tries++) await new Promise((resolve) => setTimeout(resolve, 20));
}

function inodesAt(sockets: readonly FrontSocket[], table: Examined["table"]): number[] {
  return sockets.flatMap((socket) => socketsAt(table ?? [], socket)).map(({ inode }) => inode);
}

Deno.test("doctor: a listener whose port is free, taken, or not to be had", async () => {
  const page = Deno.serve(
    { hostname: HOST, port: 0, onListen: () => {} },
    () => new Response("hello", { status: 404 }),
  );
  const mute = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  const free = freePort(), taken = page.addr.port, { port: muted } = mute.addr as Deno.NetAddr;
  try {
    for (const isSilent of Deno.build.os === "linux" ? [false, true] : [true]) {
      await untilFree(free);
      const who = isSilent ? "another program" : `deno (process ${Deno.pid})`;
      const [any, ...found] = await look([
        socket("tcp", 0),
        socket("tcp", free),
        socket("tcp", taken),
        socket("tcp", free, "192.0.2.1"),
        // Two seconds of silence are enough for one of the rounds.
        ...isSilent ? [] : [socket("udp", muted)],
      ], isSilent);
      assert.equal(any, `ok: tcp ${HOST}:0 takes any free port`);
      const want = [
        `warning: tcp ${HOST}:${free}: no tracker runs there; the port is free`,
        `problem: tcp ${HOST}:${taken} is taken by ${who}, and no tracker answers (${HOST}: it answers with HTTP 404 Not Found)`,
        `problem: tcp 192.0.2.1:${free}: the machine has no such address`,
        `problem: udp ${HOST}:${muted} is taken by ${who}, and no tracker answers (${HOST}: it did not answer within 2 s)`,
      ];
      assert.deepEqual(found, isSilent ? want.slice(0, 3) : want);
    }
  } finally {
    mute.close();
    await page.shutdown();
  }
});

Deno.test("doctor: a listener that another tracker has", { ignore: Deno.build.os !== "linux" }, async () => {
  const sharing = { hostname: HOST, reusePort: true, onListen: () => {} }, answer = () => new Response("d5:filesdee");
  await using first = Deno.serve({ ...sharing, port: 0 }, answer);
  const { port } = first.addr, where = socket("tcp", port);
  const found = `tcp ${HOST}:${port}: a tracker answers on ${HOST}: deno (process ${Deno.pid})`;
  const rows: [running: Process, want: string][] = [
    [{ pid: Deno.pid, name: "deno" }, `ok: ${found}`],
    [{ pid: 1, name: "tracker" }, `warning: ${found}, which is not this program`],
    [
      { pid: 1, name: "deno" },
      `warning: ${found}: not the tracker that has other listeners of this config, process 1`,
    ],
  ];
  for (const [running, want] of rows) assert.deepEqual(await look([where], false, { running }), [want]);
  await using second = Deno.serve({ ...sharing, port }, answer);
  void second;
  using files = new SystemFiles();
  const inodes = inodesAt([where], readSocketTable(files));
  const holders = new Map(inodes.map((inode, index) => [inode, { pid: 7 + index, name: "deno" }]));
  const who = "deno (process 7) and deno (process 8)";
  assert.deepEqual(await look([where], false, { holders }), [
    `problem: tcp ${HOST}:${port} is shared by ${who}: each knows only the peers that come to it`,
  ]);
});

testAsRoot("doctor: a low port that root may bind, and portable fronts may not as the user it becomes", async () => {
  const port = freeLowPort(), user = { name: "nobody", uid: NOBODY, gid: NOBODY };
  const privileges = {
    kind: "leave",
    user,
    root: "/",
    confines: false,
    lines: [],
  } as unknown as Examined["privileges"];
  const name = `tcp ${HOST}:${port}`, more = { privileges, portableBecause: "tracker.front is portable" };
  assert.deepEqual(await look([socket("tcp", port)], false, more), [
    `problem: ${name}: portable fronts bind as nobody, who may not bind ports below 1024`,
  ]);
  for (const other of [{ ...more, portableBecause: null }, { portableBecause: more.portableBecause }]) {
    assert.deepEqual(await look([socket("tcp", port)], false, other), [
      `warning: ${name}: no tracker runs there; the port is free`,
    ]);
  }
});
