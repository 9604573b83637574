/** Plugins dropped into a folder, in a whole tracker: their slots, what they cannot reach, and what happens to broken ones. */
import assert from "node:assert/strict";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

const NO_ONES = `import type { Plugin } from "waggle/plugin";
enum Answer { No = "no ones" }
export default {
  name: "no_ones",
  stats: { ones: (snapshot) => \`\${snapshot.torrents} torrents\\n\` },
  routes: { top: () => "the top", "/metric2": () => new Response("two") },
  admitAnnounce: (announce) => announce.infoHash[0] === 0x31 ? Answer.No : undefined,
} satisfies Plugin;
`;

for (const kind of KINDS) {
  Deno.test(`a TypeScript file in the plugins folder works with ${kind} fronts`, OPTIONS, async () => {
    await using tracker = await startWithPlugins(kind, { "plugins/no_ones.ts": NO_ONES, "plugins/NoTwos.ts": NO_ONES });
    const get = (target: string) => exchange(tracker.tcpPort, `GET ${target} HTTP/1.1\r\n\r\n`);
    assert.match(await exchange(tracker.tcpPort, announceRequest("1", 1001)), /14:failure reason7:no ones/);
    assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1001)), /8:intervali/);
    assert.match(await get("/stats?mode=ones"), /\r\n\r\n1 torrents\n$/);
    assert.match(await get("/plugin/no_ones/top"), /\r\n\r\nthe top$/);
    assert.match(await get("/metric2"), /\r\n\r\ntwo$/);
    assert.match(await get("/stats?mode=torr"), /^HTTP\/1.1 200/);
    await tracker.untilLogged(/^plugin no_ones: admitAnnounce, stats, routes; may reach nothing$/);
    await tracker.untilLogged(/^plugins: .*\/plugins\/NoTwos\.ts is passed over: a plugin's file is named in lower/);
  });
}

Deno.test("what the config grants, a host has, and no more", OPTIONS, async () => {
  const plugin = `export default { name: "reader", permissions: { read: ["a.txt"], net: ["example.org"] },
    settings: { file: { kind: "path", default: null, explanation: "A file." } },
    start(context) {
      const read = (path) => { try { return Deno.readTextFileSync(path); } catch (error) { return error.name; } };
      const { file } = { file: context.settings.text("file") };
      context.log([read(file), read(file.replace("given", "granted")), read(file.replace("given", "other"))].join(" "));
    } };`;
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "plugins/reader.js": plugin, "given.txt": "given", "granted.txt": "granted", "other.txt": "other" },
    (folder) => `plugin.reader.file ${folder}/given.txt\nplugin.reader.allow read ${folder}/granted.txt\n`,
  );
  assert.equal(await tracker.untilLogged(/^plugin reader: given/), "plugin reader: given granted NotCapable");
  await tracker.untilLogged(/start; may read .*granted.txt, .*given.txt; wants read a.txt, net example.org as well/);
});

Deno.test("a changed copy of a shipped plugin in its place reads what the settings for it name", OPTIONS, async () => {
  const text = Deno.readTextFileSync(new URL("../../plugins/accesslist.ts", import.meta.url));
  await using tracker = await startWithPlugins(
    KINDS[0]!,
    { "plugins/accesslist.ts": text.replaceAll("} info hashes", "} hashes of ours"), white: `${"61".repeat(20)}\n` },
    (folder) => `access.whitelist ${folder}/white\n`,
  );
  await tracker.untilLogged(/^plugin accesslist: whitelist: 1 hashes of ours, 0 bad lines in /);
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1)), /8:intervali/);
  assert.match(await exchange(tracker.tcpPort, announceRequest("b", 1)), /not authorized/);
});

Deno.test("a broken plugin stops the start with file, line and reason", OPTIONS, async () => {
  const rows: [file: string, text: string, want: RegExp, config?: string][] = [
    ["bad.ts", "export default {\n  name: ;\n}", /bad\.ts:2: .*[Ee]xpression expected/],
    ["bad.js", "export default {\n  name: ;\n}", /bad\.js:2: Unexpected token/],
    ["bad.ts", "const a: number = 1;\nthrow new Error('boom');", /bad\.ts:2: boom$/],
    [
      "bad.ts",
      "import '../outside.ts';\nexport default { name: 'bad' };",
      /bad\.ts: a plugin may import files .*outside/,
    ],
    ["bad.ts", "export const plugin = 1;", /bad\.ts: has no default export that is an object$/],
    ["bad.ts", "export default { name: 'Bad' };", /bad\.ts: its name must be lower case letters, digits and _/],
    ["bad.ts", "export default { name: 'good' };", /bad\.ts: its name must be that of its file, bad, and is good$/],
    ["bad.ts", "export default { name: 'bad', admitAnounce() {} };", /bad\.ts: admitAnounce is not a slot; there are/],
    ["bad.ts", "export default { name: 'bad', admitAnnounce: 1 };", /bad\.ts: admitAnnounce must be a function$/],
    ["bad.ts", "export default { name: 'bad', stats: { a: 1 } };", /bad\.ts: stats\.a must be a function$/],
    [
      "bad.ts",
      "export default { name: 'bad',\n prepare() { throw new Error('boom') }, stats: {} };",
      /bad\.ts:2: prepare: boom$/,
    ],
    ["bad.ts", "export default { name: 'bad',\n start() { throw new Error('boom') } };", /bad\.ts:2: start: boom$/],
    [
      "bad.ts",
      "export default { name: 'bad',\n async prepare() {}, stats: {} };",
      /bad\.ts: prepare: prepare must not wait/,
    ],
    [
      "bad.ts",
      "export default { name: 'bad', permissions: { net: 'a' } };",
      /bad\.ts: permissions\.net must be a list/,
    ],
    [
      "bad.ts",
      "export default { name: 'bad', settings: { a: null } };",
      /bad\.ts: settings\.a must be an object with kind/,
    ],
    [
      "bad.ts",
      "export default { name: 'bad', settings: { a: { kind: 'choice', choices: Object.assign(['x'], { f() {} }), default: 'x' } } };",
      /bad\.ts: settings must be plain data$/,
    ],
    [
      "bad.ts",
      "class Bad { name = 'bad'; admitAnounce() {} }\nexport default new Bad();",
      /bad\.ts: admitAnounce is not a slot; there are/,
    ],
    ["bad.ts", "export default { name: 'bad', get stats() { throw new Error('boom') } };", /bad\.ts:1: boom$/],
    [
      "bad.ts",
      "export default { name: 'bad', routes: { '/api': () => '' } };",
      /bad\.ts: routes: "\/api" can never be/,
    ],
    [
      "bad.ts",
      "export default { name: 'bad', routes: { '/figures': () => '' } };",
      /bad\.ts: the path \/figures is that of the stats \(access\.stats_path\)$/,
      "access.stats_path figures",
    ],
    [
      "bad.ts",
      "export default { name: 'bad' };",
      /there is no plugin worse in .* \(test\.conf line 7\)$/,
      "plugin.worse.a b",
    ],
    [
      "bad.ts",
      "export default { name: 'bad' };",
      /plugin bad has no setting a \(test\.conf line 7\)$/,
      "plugin.bad.a b",
    ],
    [
      "bad.ts",
      "export default { name: 'bad', settings: { a: { kind: 'integer', min: 1, max: 9, default: 1, explanation: '' } } };",
      /plugin\.bad\.a must be 1 to 9, and is "x" \(test\.conf line 7\)$/,
      "plugin.bad.a x",
    ],
  ];
  for (const [file, text, want, config = ""] of rows) {
    await assert.rejects(
      startWithPlugins(KINDS[0]!, { [`plugins/${file}`]: text, "outside.ts": "" }, () => config),
      (error: Error) => {
        assert.match(error.message, want);
        assert.match(error.message, /^Cannot start: /);
        return true;
      },
      text,
    );
  }
});

Deno.test("a folder of plugins that the config names must be there, at a reload too", OPTIONS, async () => {
  const named = startWithPlugins(KINDS[0]!, {}, (folder) => `plugins.dir ${folder}/plugns\n`);
  await assert.rejects(named, /^Error: Cannot start: plugins\.dir must be .*\/plugns" \(test\.conf line \d+\)$/);
  const no = "export default { name: 'no', admitAnnounce: () => 'no' };";
  await using tracker = await startWithPlugins(KINDS[0]!, { "plugins/no.ts": no });
  Deno.removeSync(`${tracker.folder}/plugins`, { recursive: true });
  await tracker.app.reload();
  await tracker.untilLogged(/^plugins: the old ones stay: plugins\.dir must be a folder that is there/);
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1)), /14:failure reason2:no/);
});

Deno.test("a reload swaps new plugins in, and leaves the old in place of broken ones", OPTIONS, async () => {
  const text = (word: string) =>
    `export default { name: "word", admitAnnounce: () => ${word}, stats: { word: () => ${word} },
      start: (context) => context.log("start " + ${word}), stop: (context) => context.log("stop " + ${word}) };`;
  await using tracker = await startWithPlugins(KINDS[0]!, { "plugins/word.ts": text('"one"') });
  const announce = () => exchange(tracker.tcpPort, announceRequest("a", 1));
  const mode = () => exchange(tracker.tcpPort, "GET /stats?mode=word HTTP/1.1\r\n\r\n");
  assert.match(await announce(), /:one8:/);
  tracker.write("plugins/word.ts", text('"two"'));
  await tracker.app.reload();
  assert.match(await announce(), /:two8:/);
  assert.match(await mode(), /two$/);
  await tracker.untilLogged(/start two/);
  await tracker.untilLogged(/stop one/);
  const unready = "prepare() { throw new Error('unready'); }, start:";
  const rows: [broken: string, why: RegExp][] = [
    [text("("), /word\.ts:1: /],
    [text("undefinedName.x"), /word\.ts:2: start: undefinedName is not/],
    [text('"three"').replace("start:", unready), /word\.ts:2: prepare: unready$/],
    // It stays out for the same reason as long as it is broken.
    [text('"three"').replace("start:", unready), /word\.ts:2: prepare: unready$/],
    [text('"four"').replace("{", "{ settings: { a: null },"), /word\.ts: settings\.a must be an object/],
    [text('"five"').replace("{", '{ permissions: { net: "a" },'), /word\.ts: permissions\.net must be a list/],
  ];
  for (const [broken, why] of rows) {
    tracker.write("plugins/word.ts", broken);
    const before = tracker.logged.length;
    await tracker.app.reload();
    const said = tracker.logged.slice(before);
    assert.ok(said.some((line) => line.startsWith("plugins: the old ones stay: ") && why.test(line)), said.join("\n"));
    assert.match(await announce(), /:two8:/);
    assert.match(await mode(), /two$/);
  }
  Deno.removeSync(`${tracker.folder}/plugins/word.ts`);
  await tracker.app.reload();
  assert.match(await announce(), /8:intervali/);
  assert.match(await mode(), /^HTTP\/1\S* 400/);
});

for (const kind of KINDS) {
  Deno.test(
    `a page that was begun before a reload is answered by the plugin that began it, ${kind}`,
    OPTIONS,
    async () => {
      const text = (word: string) =>
        `export default { name: "waits", routes: {
        now: () => ${word}, later: async () => { await new Promise((done) => setTimeout(done, 2000)); return ${word}; } } };`;
      await using tracker = await startWithPlugins(kind, { "plugins/waits.ts": text('"one"') });
      const get = (page: string) => exchange(tracker.tcpPort, `GET /plugin/waits/${page} HTTP/1.1\r\n\r\n`);
      assert.match(await get("now"), /one$/);
      const begun = get("later");
      tracker.write("plugins/waits.ts", text('"two"'));
      const reloaded = tracker.app.reload();
      while (!/two$/.test(await get("now"))) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.match(await begun, /^HTTP\/1\.1 200 [^]*one$/);
      await reloaded;
      assert.match(await get("later"), /two$/);
    },
  );
}

Deno.test("a broken plugin that is dropped in as the first changes nothing", OPTIONS, async () => {
  await using tracker = await startWithPlugins(KINDS[0]!, {});
  tracker.write(
    "plugins/bad.js",
    "export default { name: 'bad', prepare() { throw new Error('unready'); }, admitAnnounce: () => 'no' };",
  );
  await tracker.app.reload();
  await tracker.untilLogged(/^plugins: the old ones stay: .*\/bad\.js:1: prepare: unready$/);
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1)), /8:intervali/);
});
