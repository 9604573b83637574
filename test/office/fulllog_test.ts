/** `mode=fulllog`, from the request of a network that is looked at to the page. */
import assert from "node:assert/strict";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

const FULLLOG = "GET /stats?mode=fulllog HTTP/1.1\r\nConnection: close\r\n\r\n";

for (const kind of KINDS) {
  for (const [network, isLooked] of [["127.0.0.0/8", true], ["192.0.2.0/24", false]] as const) {
    Deno.test({
      name: `access.fulllog ${network} with ${kind} fronts: requests from there are given out once`,
      // Parts keep timers and workers until they are stopped.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const config = `access.fulllog ${network}\naccess.stats 127.0.0.1\n`;
        await using tracker = await startWithPlugins(kind, {}, () => config);
        const request = announceRequest("a", 1001);
        await exchange(tracker.tcpPort, request);
        const first = await exchange(tracker.tcpPort, FULLLOG), second = await exchange(tracker.tcpPort, FULLLOG);
        const [, body] = /\r\n\r\n([^]*)$/.exec(first)!;
        if (!isLooked) return assert.equal(body, "");
        const log = new RegExp("^([0-9]{8,}): 127\\.0\\.0\\.1\\n([^]*?)\\n\\*\\n\\n").exec(body!)!;
        assert.equal(log[2], request);
        assert.ok(!second.includes("/announce"), "what was given out is forgotten");
      },
    });
  }
}

Deno.test({
  name: "access.fulllog without access.stats: nobody is shown requests",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using tracker = await startWithPlugins(KINDS[0]!, {}, () => "access.fulllog 127.0.0.0/8\n");
    await exchange(tracker.tcpPort, announceRequest("a", 1001));
    const reply = await exchange(tracker.tcpPort, FULLLOG);
    assert.match(reply, /^HTTP\/1\.0 403 /);
    assert.match(reply, /access\.stats/);
    assert.ok(!reply.includes("/announce"));
  },
});
