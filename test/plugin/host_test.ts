/** Slots that run in a host: what they are told, and that a plugin that hangs or eats memory is ended, and only it. */
import assert from "node:assert/strict";
import { PluginParts } from "../../src/plugin_parts.ts";
import { ConfigDraft } from "../../src/config/config.ts";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
/** Silence after which the tests' hosts are ended. */
const SILENT_MS = 4000;

Deno.test("afterAnnounce() is told what was announced", OPTIONS, async () => {
  await using tracker = await startWithPlugins(KINDS[0]!, {
    "plugins/watch.ts": `export default { name: "watch", afterAnnounce(announces, context) {
      for (const { infoHash, peerId, protocol, address, port, seeder, event } of announces) {
        context.log([infoHash[0], peerId[0], protocol, address.join("."), port, seeder, event].join(" "));
      }
    } };`,
  });
  await exchange(tracker.tcpPort, announceRequest("a", 1001, "&event=started&peer_id=-AB1234-abcdefghijkl"));
  assert.equal(await tracker.untilLogged(/^plugin watch: 97/), "plugin watch: 97 45 http 127.0.0.1 1001 false started");
});

for (
  const [what, code, why] of [
    ["loops for ever", "for (;;);", /no sign of life/],
    // A pause now and then, as any real work has: an allocation in the tightest of loops is ended by nothing but the system.
    [
      "eats memory",
      `const a = [], pause = new Int32Array(new SharedArrayBuffer(4));
       for (;;) { a.push(new Array(1000).fill(a.length)); if (a.length % 1000 === 0) Atomics.wait(pause, 0, 0, 1); }`,
      /memory/,
    ],
    ["ends its thread", "Deno.exit(3);", /ended by itself/],
  ] as const
) {
  Deno.test(`a plugin that ${what} after its start is ended and started again`, OPTIONS, async () => {
    await using host = await startHost(
      `start() { setTimeout(() => { if (!globalThis.again) { ${code} } }, 10); }`,
    );
    assert.equal(host.refusal, null);
    assert.match(await host.died, why);
  });
}

Deno.test("a plugin that loops while it is loaded stops the start", OPTIONS, async () => {
  await using host = await startHost("summary: (() => { for (;;); })()");
  assert.match(host.refusal!, /^Cannot start: .*\/bad\.ts: no sign of life/);
});

Deno.test("a plugin that loops in its start stops the start", OPTIONS, async () => {
  await using host = await startHost("start() { for (;;); }");
  assert.match(host.refusal!, /^Cannot start: .*\/bad\.ts: no sign of life/);
});

/** Starts the plugins of a folder with the one plugin `bad`, whose members are `members`, without a tracker. */
async function startHost(
  members: string,
): Promise<AsyncDisposable & { refusal: string | null; died: Promise<string> }> {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_host_" });
  Deno.writeTextFileSync(`${folder}/bad.ts`, `export default { name: "bad", ${members} };`);
  const draft = new ConfigDraft(), error = console.error;
  draft.applyFile("test.conf", `plugins.dir ${folder}\nplugin.stats_opentracker off\n`);
  const { promise: died, resolve } = Promise.withResolvers<string>();
  console.error = (...words: unknown[]) => resolve(words.join(" "));
  const parts = new PluginParts(draft.finish(), 1, { onLists: () => {}, onFailure: () => {} }, SILENT_MS);
  const refusal = await parts.start();
  return {
    refusal,
    died,
    [Symbol.asyncDispose]: async () => {
      await parts.stop();
      console.error = error;
      Deno.removeSync(folder, { recursive: true });
    },
  };
}
