/** The supervisor and its parts: the tracker outlives any of them. What they can reach: reach_test.ts. */
import assert from "node:assert/strict";
import type { App } from "../../src/app.ts";
import { findHolders } from "../../src/doctor/processes.ts";
import { readSocketTable, socketsAt } from "../../src/doctor/socket_table.ts";
import { SystemFiles } from "../../src/system_files.ts";
import { announceRequest, exchange, KINDS, startApp } from "../support/app.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

for (const kind of KINDS) {
  Deno.test(`App: a ${kind} front that fails comes back with the swarms intact, and is counted`, OPTIONS, async () => {
    await using tracker = await startApp(kind, "tracker.workers 1\n");
    await exchange(tracker.tcpPort, announceRequest("a", 1001));
    await failOnce(tracker.app, "front 0");
    assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1002)), /10:incompletei2e/);
    assert.equal(tracker.app.restarts, 1);
    assert.match(await exchange(tracker.tcpPort, "GET /stats?mode=peer HTTP/1.1\r\n\r\n"), /\r\n\r\n2\n0\n/);
  });

  Deno.test(`App: an office that fails comes back and ${kind} fronts find it`, OPTIONS, async () => {
    await using tracker = await startApp(kind);
    await failOnce(tracker.app, "office");
    assert.match(await exchange(tracker.tcpPort, "GET /stats?mode=torr HTTP/1.1\r\n\r\n"), /^HTTP\/1.1 200 OK/);
    assert.equal(tracker.app.restarts, 1);
  });

  Deno.test(`App: ${kind} fronts say which address they cannot have`, OPTIONS, async () => {
    await using taken = await startApp(kind);
    void taken;
    using blocker = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = blocker.addr;
    await assert.rejects(
      startApp(kind, `listen.tcp 127.0.0.1:${port}\n`),
      new RegExp(`Cannot listen on tcp 127\\.0\\.0\\.1:${port}: Address already in use`),
    );
  });

  Deno.test(`App: ${kind} fronts share no port with another tracker, and leave theirs free`, OPTIONS, async () => {
    const first = await startApp(kind);
    const sockets = [["tcp", first.tcpPort], ["udp", first.udpPort]] as const;
    for (const [protocol, port] of sockets) {
      await assert.rejects(
        startApp(kind, `listen.${protocol} 127.0.0.1:${port}\n`),
        new RegExp(`Cannot listen on ${protocol} 127\\.0\\.0\\.1:${port}: Address already in use`),
      );
    }
    if (Deno.build.os !== "linux") return;
    using files = new SystemFiles();
    const table = readSocketTable(files)!, address = "127.0.0.1";
    const held = sockets.flatMap(([protocol, port]) => socketsAt(table, { protocol, address, port }));
    assert.ok(held.length >= 2);
    await first.app.stop();
    // A program that is being started may have copies of them.
    const holders = findHolders(files, new Set(held.map(({ inode }) => inode)));
    assert.ok([...holders.values()].every(({ pid }) => pid !== Deno.pid), "one that has stopped has its sockets still");
  });
}

// Resolves when the part has failed and is back. A message no part knows is a fault of ours, and faults end a part.
async function failOnce(app: App, name: string): Promise<void> {
  const part = app.parts.get(name)!, back = part.untilStarted();
  part.post({ type: "nonsense" } as never);
  await back;
}
