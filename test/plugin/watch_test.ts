/**
 * Plugins that never return, take all memory or end their thread, where clients are served: the thread is ended, the log
 * says which plugin it was, and the tracker serves again without it.
 */
import assert from "node:assert/strict";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { type PluginApp, startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };
/** Silence after which the tests' threads are ended. */
const LIMITS = { silentMsMax: 4000 };
/** Refused because a plugin failed. */
const CANNOT_DECIDE = /14:failure reason42:the tracker cannot decide; try again later/;

/** A plugin that does `code` for hashes of the letter a, and in a mode and pages of its name. */
const plugin = (name: string, code: string) =>
  `const hold = () => { ${code} };
  export default { name: ${JSON.stringify(name)},
    admitAnnounce: ({ infoHash }) => infoHash[0] === 0x61 ? hold() : undefined,
    stats: { ${name}: () => hold() ?? "free", ${name}2: () => "two" },
    routes: { later: async () => { await Promise.resolve(); return hold() ?? "free"; } } };`;

const get = (tracker: PluginApp, target: string) => exchange(tracker.tcpPort, `GET ${target} HTTP/1.1\r\n\r\n`);
const announce = (tracker: PluginApp, letter: string) => exchange(tracker.tcpPort, announceRequest(letter, 1001));

/** Resolves when a front is seen to give no sign of life. */
async function untilSilent(tracker: PluginApp): Promise<void> {
  while (tracker.app.silentMs < 1000) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Lets `hold` hold up the parts, and resolves to what it resolved to when all of them are back. */
async function whileBack<T>(tracker: PluginApp, parts: readonly string[], hold: () => T): Promise<Awaited<T>> {
  const back = parts.map((name) => tracker.app.parts.get(name)!.untilStarted()), held = hold();
  await Promise.all(back);
  return await held;
}

for (const kind of KINDS) {
  Deno.test(`plugins that loop for ever in a ${kind} front and in the office`, OPTIONS, async () => {
    await using tracker = await startWithPlugins(kind, {}, () => "tracker.workers 1\n", LIMITS);
    assert.match(await announce(tracker, "c"), /8:intervali/);
    // Dropped in while the tracker runs, as the first plugins of its folder.
    tracker.write("plugins/front.js", plugin("front", "for (;;);"));
    tracker.write("plugins/pages.js", plugin("pages", "for (;;);").replace("admitAnnounce", "admitScrape"));
    await tracker.app.reload();
    assert.match(await announce(tracker, "b"), /8:intervali/);
    assert.match(await get(tracker, "/stats?mode=pages2"), /\r\n\r\ntwo$/);

    const held = await whileBack(tracker, ["front 0", "office"], async () => {
      // The office first: it is not asked while the front is held up.
      const mode = get(tracker, "/stats?mode=pages"), early = announce(tracker, "b");
      assert.match(await early, /8:intervali/);
      const all = Promise.all([mode, announce(tracker, "a")]);
      await untilSilent(tracker);
      return await all;
    });
    assert.deepEqual(held, ["", ""], "their connections are closed");
    await tracker.untilLogged(/^plugin front: out of front 0 until its file changes: no sign of life for 4 s$/);
    await tracker.untilLogged(/^plugin pages: out of office until its file changes: no sign of life for 4 s$/);
    if (Deno.build.os === "linux") await untilNoThreadLoops();

    assert.match(await announce(tracker, "b"), CANNOT_DECIDE);
    assert.match(
      await get(tracker, "/stats?mode=pages2"),
      /^HTTP\/1.0 503 Service Unavailable[^]*\r\n\r\nThe plugin pages held up the tracker's pages/,
    );
    assert.match(await get(tracker, "/plugin/pages/later"), /^HTTP\/1.0 503 /);
    assert.match(await get(tracker, "/stats?mode=front2"), /\r\n\r\ntwo$/, "it held up the front, not the office");
    assert.match(await get(tracker, "/stats?mode=peer"), /^HTTP\/1.1 200 OK[^]*\r\n\r\n2\n0\n/, "the swarms are there");
    assert.equal(tracker.app.restarts, 2);

    await tracker.app.reload();
    assert.match(await announce(tracker, "b"), CANNOT_DECIDE, "the same file stays out");
    tracker.write("plugins/front.js", plugin("front", "return 'no'"));
    await tracker.app.reload();
    assert.match(await announce(tracker, "a"), /:no8:/);
    assert.match(await announce(tracker, "b"), /8:intervali/);
    assert.match(await get(tracker, "/stats?mode=pages2"), /^HTTP\/1.0 503 /, "its file has not changed");
  });
}

Deno.test("parts that fail of themselves come back with their plugins", OPTIONS, async () => {
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "plugins/fine.js": plugin("fine", "return 'no'") },
    () => "tracker.workers 1\n",
    LIMITS,
  );
  for (const name of ["front 0", "office"]) {
    // A message no part knows is a fault of ours.
    await whileBack(tracker, [name], () => tracker.app.parts.get(name)!.post({ type: "nonsense" } as never));
    await tracker.untilLogged(new RegExp(`^${name}: failed and is started again in \\d+ ms: .*unknown message`));
    assert.match(await announce(tracker, "a"), /:no8:/);
    assert.match(await get(tracker, "/stats?mode=fine"), /\r\n\r\nno$/);
  }
  assert.equal(tracker.app.restarts, 2);
});

Deno.test(
  "a part that fails again and again by nobody knows whom is tried without plugins of the folder",
  OPTIONS,
  async () => {
    await using tracker = await startWithPlugins(
      KINDS[0]!,
      { "plugins/sly.js": plugin("sly", "Promise.reject('no stack')") },
      () => "tracker.workers 1\n",
      LIMITS,
    );
    for (const times of [1, 2]) {
      assert.match(await announce(tracker, "c"), /8:intervali/);
      await whileBack(tracker, ["front 0"], () => announce(tracker, "a"));
      assert.equal(tracker.app.restarts, times);
    }
    await tracker.untilLogged(/^plugin sly: out of front 0 until its file changes: no stack$/);
    assert.match(await announce(tracker, "a"), CANNOT_DECIDE);
  },
);

Deno.test("a page that loops after it has waited is known too", OPTIONS, async () => {
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "plugins/late.js": plugin("late", "for (;;);"), "plugins/other.js": plugin("other", "return 'fine'") },
    undefined,
    LIMITS,
  );
  assert.match(await get(tracker, "/plugin/other/later"), /\r\n\r\nfine$/);
  assert.equal(await whileBack(tracker, ["office"], () => get(tracker, "/plugin/late/later")), "");
  await tracker.untilLogged(/^plugin late: out of office until its file changes/);
  assert.match(await get(tracker, "/plugin/other/later"), /\r\n\r\nfine$/);
});

Deno.test("a plugin that can be loaded when it is tried, but not into a front, is out of it", OPTIONS, async () => {
  await using tracker = await startWithPlugins(KINDS[0]!, {}, () => "tracker.workers 1\n", LIMITS);
  // Nothing but its stacks tells the thread that tries plugins from a front.
  const picky = (answer: string) =>
    plugin("picky", answer).replace(
      "admitAnnounce",
      'prepare() { if (!new Error().stack.includes("/host_thread.ts")) throw new Error("not here"); }, admitAnnounce',
    );
  tracker.write("plugins/picky.js", picky("return 'no'"));
  await tracker.app.reload();
  await tracker.untilLogged(/^plugin picky: out of front 0 until its file changes: .*prepare: not here$/);
  assert.match(await announce(tracker, "c"), CANNOT_DECIDE);
  tracker.write("plugins/picky.js", plugin("picky", "return 'no'"));
  await tracker.app.reload();
  assert.match(await announce(tracker, "a"), /:no8:/);
  assert.match(await announce(tracker, "c"), /8:intervali/);
  // And when the front is in a cell already: the others that have changed are in force.
  tracker.write("plugins/picky.js", picky("return 'never'"));
  tracker.write("plugins/able.js", "export default { name: 'able', admitAnnounce: () => 'able' };");
  await tracker.app.reload();
  assert.match(await announce(tracker, "c"), /:able8:/);
  Deno.removeSync(`${tracker.folder}/plugins/able.js`);
  await tracker.app.reload();
  assert.match(await announce(tracker, "c"), CANNOT_DECIDE);
});

Deno.test("plugins that eat memory in a front and in the office", OPTIONS, async () => {
  const pause = "const pause = new Int32Array(new SharedArrayBuffer(4)), wait = () => Atomics.wait(pause, 0, 0, 10);";
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    {
      // Objects have a limit; bytes outside of the heap have none, and are seen by the process growing.
      "plugins/objects.js": plugin("objects", "const a = []; for (;;) a.push({ at: a.length });"),
      "plugins/bytes.js": plugin(
        "bytes",
        `${pause} const a = []; for (;;) { a.push(new Uint8Array(4e6).fill(1)); wait(); }`,
      ).replace("admitAnnounce", "admitScrape"),
    },
    () => "tracker.workers 1\n",
    // Long enough that it is not silence that ends them.
    { silentMsMax: 30_000 },
  );
  assert.equal(await whileBack(tracker, ["office"], () => get(tracker, "/stats?mode=bytes")), "");
  await tracker.untilLogged(/^plugin bytes: out of office until its file changes: .* \d+ MiB more memory in use$/);
  assert.match(await get(tracker, "/stats?mode=peer"), /^HTTP\/1.1 200 OK/);
  assert.match(await announce(tracker, "c"), /8:intervali/);
  assert.equal(await whileBack(tracker, ["front 0"], () => announce(tracker, "a")), "");
  await tracker.untilLogged(/^plugin objects: out of front 0 until its file changes: .* memory/);
  assert.match(await announce(tracker, "c"), CANNOT_DECIDE);
});

// Resolves when no thread of this process has used much time since it was last looked at: one that loops uses half or more.
async function untilNoThreadLoops(): Promise<void> {
  const ticksOf = () =>
    new Map([...Deno.readDirSync("/proc/self/task")].map(({ name }) => [name, threadTicks(name)] as const));
  for (let before = ticksOf(), i = 0; i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = ticksOf();
    if ([...now].every(([name, ticks]) => ticks - (before.get(name) ?? ticks) <= 5)) return;
    before = now;
  }
  assert.fail("a thread goes on looping");
}

// User and system time of a thread, in hundredths of a second.
function threadTicks(name: string): number {
  try {
    const fields = Deno.readTextFileSync(`/proc/self/task/${name}/stat`).replace(/^.*\) /, "").split(" ");
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0;
  }
}
