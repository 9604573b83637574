/** Slots that run in a host: what they are told, and that a plugin that hangs or eats memory is ended, and only it. */
import assert from "node:assert/strict";
import { PluginParts } from "../../src/plugin_parts.ts";
import { HOST_LIMITS } from "../../src/plugin_choice.ts";
import { ConfigDraft } from "../../src/config/config.ts";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";
import { type RunningTracker, startTracker, writeConfig } from "../support/tracker_process.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
/** Silence after which the tests' hosts are ended. */
const LIMITS = { ...HOST_LIMITS, silentMsMax: 4000 };

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

Deno.test("slots of a host that throw are logged and counted, and the old lists stay", OPTIONS, async () => {
  const tracker = await startWithPlugins(KINDS[0]!, {
    "plugins/moody.js": `let loads = 0, told = 0;
      export default { name: "moody",
        accessList(lists) {
          const list = lists.begin("deny", 1);
          if (++loads === 2) { list.publish(); throw new Error("no list"); }
          list.add(new Uint8Array(20).fill(0x61));
          list.publish();
        },
        reload() { throw new Error("no reload"); },
        afterAnnounce(announces, context) {
          if (++told === 1) throw new Error("no ears");
          context.log("told " + announces.length);
        },
        stop() { throw new Error("no end"); } };`,
  });
  const announce = (letter: string) => exchange(tracker.tcpPort, announceRequest(letter, 1001));
  try {
    assert.match(await announce("a"), /not authorized/);
    await tracker.app.reload();
    await tracker.untilLogged(/^plugin moody: .*moody\.js:5: accessList: no list; the old lists stay$/);
    assert.match(await announce("a"), /not authorized/);
    await tracker.app.reload();
    await tracker.untilLogged(/^plugin moody: .*moody\.js:9: reload: no reload$/);
    assert.match(await announce("b"), /10:incompletei/);
    await tracker.untilLogged(/^plugin moody: .*moody\.js:11: afterAnnounce: no ears$/);
    assert.match(await announce("b"), /10:incompletei/);
    await tracker.untilLogged(/^plugin moody: told 1$/);
    const metrics = await exchange(tracker.tcpPort, "GET /metrics HTTP/1.1\r\n\r\n");
    assert.match(metrics, /\nwaggle_plugin_faults_total{plugin="moody"} 3\n/);
  } finally {
    await tracker[Symbol.asyncDispose]();
  }
  assert.ok(tracker.logged.some((line) => /^plugin moody: .*moody\.js:14: stop: no end$/.test(line)));
});

Deno.test("slots of a host that wait hold up nobody, and are not waited for at the end", OPTIONS, async () => {
  await using tracker = await startWithPlugins(KINDS[0]!, {
    "plugins/lazy.js": `const ever = new Promise(() => {}), pause = () => new Promise((go) => setTimeout(go, 300));
      export default { name: "lazy",
        async accessList(lists) {
          await pause();
          const list = lists.begin("deny", 1);
          list.add(new Uint8Array(20).fill(0x61));
          list.publish();
        },
        async start(context) { await pause(); context.log("started"); },
        afterAnnounce(announces, context) { context.log("told " + announces.length); return ever; },
        stop: () => ever };`,
  });
  // The start has waited for the list.
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1001)), /not authorized/);
  assert.ok(tracker.logged.includes("plugin lazy: started"));
  for (const port of [1001, 1002, 1003]) {
    assert.match(await exchange(tracker.tcpPort, announceRequest("b", port)), /8:intervali/);
    await tracker.untilLogged(/^plugin lazy: told/);
  }
  assert.equal(tracker.logged.filter((line) => line.startsWith("plugin lazy: told")).length, 1, "one at a time");
});

for (
  const [what, code, why] of [
    ["loops for ever", "for (;;);", /no sign of life/],
    ["throws where nobody catches it", 'throw new Error("as told");', /as told/],
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

for (
  const [what, code] of [
    // A pause now and then, as any real work has: an allocation in the tightest of loops is ended by nothing but the system.
    [
      "eats memory",
      `const a = [], pause = new Int32Array(new SharedArrayBuffer(4));
       for (;;) { a.push(new Array(1000).fill(a.length)); if (a.length % 1000 === 0) Atomics.wait(pause, 0, 0, 1); }`,
    ],
    // The runtime breaks it off, and lets the thread live on.
    [
      "eats memory when it has waited",
      "(async () => { await null; const a = []; for (;;) a.push({ at: a.length }); })();",
    ],
  ] as const
) {
  Deno.test(`a plugin that ${what} after its start is ended and started again`, OPTIONS, () => eatMemory(code));
}

Deno.test("a loop of nothing but allocations is ended as well, as the tracker is started", OPTIONS, async () => {
  await eatMemory("const a = []; for (;;) a.push(new Array(1000).fill(0));", async ({ httpPort, pid }) => {
    assert.match(await exchange(httpPort, announceRequest("a", 1)), /8:intervali/);
    // A thread that had not come to its end would hold its memory, and take more.
    while (Deno.build.os === "linux" && memoryOf(pid) > 400) {
      assert.ok(memoryOf(pid) < 3000, "it goes on taking memory");
      await new Promise((go) => setTimeout(go, 20));
    }
  });
});

/**
 * Starts a plugin that does `code` the first time, in a tracker that is a program of its own: V8 takes its flags at the
 * start only, and the memory would be put down to plugins of other tests in this process. `use`: once it is well again.
 */
async function eatMemory(code: string, use?: (tracker: RunningTracker) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_memory_" });
  Deno.mkdirSync(`${folder}/plugins`);
  // Once: the next time it finds its file.
  Deno.writeTextFileSync(
    `${folder}/plugins/greedy.js`,
    `export default { name: "greedy",
      settings: { file: { kind: "path", default: null, write: true, explanation: "A file." } },
      start(context) {
        try {
          Deno.writeTextFileSync(context.settings.text("file"), "", { createNew: true });
        } catch {
          return context.log("is well");
        }
        setTimeout(() => { ${code} }, 10);
      } };`,
  );
  const settings = { "tracker.memory": 32, "tracker.workers": 1, "plugin.greedy.file": `${folder}/once` };
  const config = writeConfig(folder, settings);
  {
    await using tracker = await startTracker(["-f", config], folder);
    await tracker.waitFor(/^plugin greedy: ended, and is started again: .*memory[^]*^plugin greedy: is well$/m);
    await use?.(tracker);
  }
  Deno.removeSync(folder, { recursive: true });
}

Deno.test("a reload that never comes to an end ends its host, and no other reload waits for it", OPTIONS, async () => {
  const ever = "new Promise(() => {})", limits = { loadMsMax: 10_000 };
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    {
      "plugins/endless.js": `export default { name: "endless", reload: () => ${ever} };`,
      "plugins/stuck.js": `let loads = 0;
        export default { name: "stuck", accessList(lists) {
          if (++loads > 1) return ${ever};
          const list = lists.begin("deny", 1);
          list.add(new Uint8Array(20).fill(0x61));
          list.publish();
        } };`,
    },
    () => "",
    limits,
  );
  const announce = (letter: string) => exchange(tracker.tcpPort, announceRequest(letter, 1001));
  await tracker.app.reload();
  for (const name of ["endless", "stuck"]) {
    const ended = new RegExp(
      `^plugin ${name}: ended, and is started again: its reload did not come to an end in 10 s$`,
    );
    assert.ok(tracker.logged.some((line) => ended.test(line)), tracker.logged.join("\n"));
  }
  assert.match(await announce("a"), /not authorized/);
  tracker.write("plugins/stuck.js", "export default { name: 'stuck' };");
  await tracker.app.reload();
  assert.match(await announce("a"), /8:intervali/);
});

Deno.test("a host that has died, or cannot start again, comes back with the lists of now", OPTIONS, async () => {
  // Its starts are counted in a file: it dies after the first, and the second does not succeed.
  const plugin = `export default { name: "frail",
    settings: {
      starts: { kind: "path", default: null, write: true, explanation: "A file." },
      list: { kind: "path", default: null, explanation: "A file." },
    },
    accessList(lists, { settings }) {
      const list = lists.begin("deny", 1);
      list.addLines(Deno.readFileSync(settings.text("list")));
      list.publish();
    },
    start(context) {
      const file = context.settings.text("starts"), { length } = Deno.readTextFileSync(file);
      Deno.writeTextFileSync(file, "x", { append: true });
      if (length === 1) throw new Error("not now");
      context.log("start " + length);
      if (length !== 2) setTimeout(() => { throw new Error("as told"); }, 10);
    } };`;
  const files = { "plugins/frail.js": plugin, starts: "", list: `${"61".repeat(20)}\n` };
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    files,
    (folder) => `plugin.frail.starts ${folder}/starts\nplugin.frail.list ${folder}/list\n`,
  );
  const announce = (letter: string) => exchange(tracker.tcpPort, announceRequest(letter, 1001));
  assert.match(await announce("a"), /not authorized/);
  await tracker.untilLogged(/^plugin frail: ended, and is started again: (Uncaught )?(Error: )?as told/);
  await tracker.untilLogged(/^plugin frail: ended, and is started again: .*\/frail\.js:\d+: start: not now$/);
  tracker.write("list", `${"62".repeat(20)}\n`);
  // It rests now. A reload does not wait for that, and does not get lost.
  await tracker.app.reload();
  assert.ok(tracker.logged.includes("plugin frail: start 2"), tracker.logged.join("\n"));
  assert.match(await announce("a"), /8:intervali/);
  assert.match(await announce("b"), /not authorized/);
});

Deno.test("a plugin that loops while it is loaded stops the start", OPTIONS, async () => {
  await using host = await startHost("summary: (() => { for (;;); })()");
  assert.match(host.refusal!, /^Cannot start: .*\/bad\.ts: no sign of life/);
});

Deno.test("a plugin that loops in its start stops the start", OPTIONS, async () => {
  await using host = await startHost("start() { for (;;); }");
  assert.match(host.refusal!, /^Cannot start: .*\/bad\.ts: no sign of life/);
});

// MiB of memory that the process has.
function memoryOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
  return Number(kibibytes) / 1024;
}

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
  const parts = new PluginParts(draft.finish(), 1, {
    onLists: () => {},
    untilRulesTaken: () => Promise.resolve(),
    onFailure: () => {},
  }, LIMITS);
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
