/** What the doctor says of listeners: real sockets on the loopback, in real tables. */
import assert from "node:assert/strict";
import { checkListeners } from "../../src/doctor/listeners.ts";
import type { Examined } from "../../src/doctor/examined.ts";
import { findHolders } from "../../src/doctor/processes.ts";
import { readSocketTable, socketsAt } from "../../src/doctor/socket_table.ts";
import type { FrontSocket } from "../../src/front/front_start.ts";
import { SystemFiles } from "../../src/system_files.ts";
import { lines, withMachine } from "../support/machine.ts";
import { freePort } from "../support/tracker_process.ts";

const HOST = "127.0.0.1";

function socket(protocol: "tcp" | "udp", port: number, address = HOST): FrontSocket {
  return { protocol, address, port, descriptor: -1 };
}

/** What is found of `sockets` on this machine. `isSilent`: its tables cannot be read. */
async function look(sockets: readonly FrontSocket[], isSilent = false): Promise<string[]> {
  using files = new SystemFiles();
  const table = isSilent ? null : readSocketTable(files);
  const held = sockets.flatMap((socket) => socketsAt(table ?? [], socket)).map(({ inode }) => inode);
  const examined: Partial<Examined> = { sockets, table, holders: findHolders(files, new Set(held)), running: null };
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
