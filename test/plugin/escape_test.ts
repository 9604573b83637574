/** What code of a plugin reaches while it is loaded and in each of its slots, in every kind of thread: nothing. */
import assert from "node:assert/strict";
import { builtinModules } from "node:module";
import { announceRequest, exchange, KINDS } from "../support/app.ts";
import { NODE_MODULES } from "../../src/plugin/modules.ts";
import { startWithPlugins } from "../support/plugin_folder.ts";

/** Parts keep timers and workers until they are stopped; the tests stop them. */
const OPTIONS = { sanitizeOps: false, sanitizeResources: false };

/** Where the shipped plugins lie, and an operator's may. */
const OUR_FOLDER = new URL("../../plugins/", import.meta.url).href;

/** Every module of the runtime; some cannot be imported otherwise. */
const BUILTINS = [...new Set([...builtinModules, "sea", "sqlite", "test", "test/reporters"])];
/** A module for each that imports it statically, which the runtime resolves in another way than `import()`. */
const IMPORTERS = Object.fromEntries(
  BUILTINS.map((name, i) => [`plugins/_import${i}.js`, `import * as all from "node:${name}"; export default all;`]),
);

/** Tries every way out, and says where it has tried and which were open. PORT: where somebody listens. OURS: the folder of our plugins. */
const WAYS = `const BUILTINS = ${JSON.stringify(BUILTINS)}, NODE_MODULES = ${JSON.stringify(NODE_MODULES)};
const now = {
  "Deno.read": () => Deno.readTextFileSync("/etc/passwd"),
  "Deno.write": () => Deno.writeTextFileSync("/tmp/waggle_escaped", "x") ?? 1,
  "Deno.env": () => Deno.env.get("PATH") ?? 1,
  "Deno.read beside ours": () => Deno.readDirSync(new URL("OURS")).next().value,
  "Deno.listen": () => Deno.listen({ port: 0 }),
  // What is unstable in the runtime, and not unlocked, would end the process without asking for a permission.
  "Deno.listen vsock": () => Deno.listen({ transport: "vsock", cid: 1, port: 5 }),
  "Deno.serve vsock": () => Deno.serve({ cid: 1, port: 5 }, () => new Response()),
  "Deno.Command": () => new Deno.Command("true").outputSync(),
  "Deno.dlopen": () => Deno.dlopen("libc.so.6", {}),
  "Deno.exit": () => Deno.exit,
  "Deno.kill": () => Deno.kill,
  "Deno.chdir": () => Deno.chdir,
  "Deno.addSignalListener": () => Deno.addSignalListener,
  "Deno.stdout": () => Deno.stdout,
  "Deno.exitCode": () => Deno.exitCode,
  "Deno.core": () => Deno.core ?? Deno[Deno.internal],
  "Worker": () => new Worker("data:application/javascript,", { type: "module" }),
  "BroadcastChannel": () => new BroadcastChannel("x"),
  "postMessage": () => globalThis.postMessage,
  "close": () => globalThis.close,
  "caches": () => globalThis.caches,
  "locks": () => navigator.locks,
  "gpu": () => navigator.gpu,
  "require": () => globalThis.require ?? globalThis.nodeBootstrap,
  "eval": () => new Function("return Deno.exit ?? process.abort")(),
  "process.getBuiltinModule": () => process.getBuiltinModule("node:fs"),
  "process.mainModule": () => process.mainModule,
  "process.abort": () => process.abort,
  "process.exit": () => process.exit ?? process.reallyExit,
  "process.kill": () => process.kill ?? process._kill,
  "process.dlopen": () => process.dlopen,
  "process.binding": () => process.binding,
  "process.chdir": () => process.chdir,
  "process.emit": () => process.emit ?? process.constructor.prototype?.emit,
  "process.stdout": () => process.stdout ?? process.stderr,
  "process.env": () => process.env.PATH,
  "process.exitCode": () => { process.exitCode = 1; return 1; },
  "process back": () => { delete globalThis.process; return globalThis.process.abort; },
  "console": () => console._stdout ?? new console.Console(),
  // What our own code uses: from it a plugin would have its ports and its memory.
  "MessagePort": () => { MessagePort.prototype.postMessage = () => {}; return 1; },
  "onmessage": () => { Object.defineProperty(MessagePort.prototype, "onmessage", { set() {} }); return 1; },
  // By an event it would have the port that it came by.
  "data of MessageEvent": () => Object.defineProperty(MessageEvent.prototype, "data", { set() {} }),
  "data of Object": () => Object.defineProperty(Object.prototype, "data", { set() {} }),
  "target": () => Object.defineProperty(Event.prototype, "target", { get() {} }),
  "dispatchEvent": () => { EventTarget.prototype.dispatchEvent = () => {}; return 1; },
  "dispatchEvent of ports": () => { MessagePort.prototype.dispatchEvent = () => {}; return 1; },
  "Atomics": () => { Atomics.load = () => {}; return 1; },
  "Int32Array": () => { globalThis.Int32Array = class {}; return 1; },
  "set": () => { Object.getPrototypeOf(Int32Array.prototype).set = () => {}; return 1; },
};
const importOf = (name) => [\`import \${name}\`, () => import(name)];
const importsOf = (i) => [\`static import \${BUILTINS[i]}\`, () => import(\`./_import\${i}.js\`)];
const later = {
  "Deno.connect": () => Deno.connect({ hostname: "127.0.0.1", port: PORT }),
  "Deno.connect vsock": () => Deno.connect({ transport: "vsock", cid: 1, port: 5 }),
  "fetch": () => fetch("http://127.0.0.1:PORT/stats"),
  "eval import": () => new Function("return import('node:child_process')")(),
  ...Object.fromEntries(["/etc/hostname", "../outside.js", "data:application/javascript,export default 1", "npm:hono",
    "hono", ...["child_process", "module", "vm", "process", "worker_threads", "v8", "cluster", "inspector", "repl", "os",
    "fs", "fs/promises", "net", "http", "https", "tls", "dgram", "dns", "tty", "diagnostics_channel", "perf_hooks",
    "async_hooks", "sqlite", "test"].map((name) => "node:" + name)].map(importOf)),
};
for (const i of BUILTINS.keys()) {
  if (!NODE_MODULES.includes(BUILTINS[i])) Object.assign(later, Object.fromEntries([importsOf(i)]));
}
const tried = [], open = new Set();
let waiting = 0;

export const tryAll = (where) => {
  if (tried.includes(where)) return;
  tried.push(where);
  const take = (name) => (found) => { if (found !== undefined) open.add(where + " " + name); };
  for (const [name, way] of Object.entries(now)) {
    try { take(name)(way()); } catch { /* Closed. */ }
  }
  for (const [name, way] of Object.entries(later)) {
    waiting++;
    Promise.resolve().then(way).then(take(name), () => {}).finally(() => waiting--);
  }
};
export const isWaiting = () => waiting > 0;
export const result = () => isWaiting() ? "waiting" : tried.join(" ") + "; open: " + ([...open].join(", ") || "nothing");
`;

/** Fills every slot. */
const PLUGIN = `import { isWaiting, result, tryAll } from "./_ways.js";
tryAll("load");
const log = (context) => { if (isWaiting()) setTimeout(() => log(context), 5); else context.log(result()); };
export default {
  name: "escape",
  // Named by the plugin, not by the config.
  settings: {
    its: { kind: "path", default: "/", write: true, explanation: "All files." },
    fed: { kind: "path", default: null, from: "tracker.rootdir", write: true, explanation: "The tracker's folder." },
  },
  prepare: () => tryAll("prepare"),
  clientAddress: () => tryAll("clientAddress"),
  admitAnnounce: ({ infoHash }) => { tryAll("admitAnnounce"); return infoHash[0] === 0x7a ? result() : undefined; },
  admitScrape: () => tryAll("admitScrape"),
  shapeAnnounce: () => tryAll("shapeAnnounce"),
  stats: { escape: () => { tryAll("stats"); return result(); } },
  routes: { top: () => { tryAll("routes"); return "top"; } },
  accessList: () => tryAll("accessList"),
  start: () => tryAll("start"),
  reload: () => tryAll("reload"),
  afterAnnounce: (_, context) => { tryAll("afterAnnounce"); log(context); },
  stop: async (context) => {
    tryAll("stop");
    while (isWaiting()) await new Promise((go) => setTimeout(go, 5));
    context.log(result());
  },
};
`;

for (const kind of KINDS) {
  Deno.test(
    `a plugin reaches nothing from ${kind} fronts, the office, or its host, in none of its slots`,
    OPTIONS,
    async () => {
      using bait = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const tracker = await startWithPlugins(kind, {
        ...IMPORTERS,
        "outside.js": "export default 1;",
        "plugins/_ways.js": WAYS.replaceAll("PORT", String(bait.addr.port)).replace("OURS", OUR_FOLDER),
        "plugins/escape.js": PLUGIN,
      }, () => "tracker.workers 1\n");
      try {
        const get = (target: string) => exchange(tracker.tcpPort, `GET ${target} HTTP/1.1\r\n\r\n`);
        assert.match(await get(`/scrape?info_hash=${"a".repeat(20)}`), /5:files/);
        assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1)), /8:intervali/);
        assert.match(
          await untilSaid(() => exchange(tracker.tcpPort, announceRequest("z", 1))),
          /:load prepare clientAddress admitScrape admitAnnounce shapeAnnounce; open: nothing8:/,
          "front",
        );
        assert.match(await get("/plugin/escape/top"), /top$/);
        assert.match(
          await untilSaid(() => get("/stats?mode=escape")),
          /load prepare routes stats; open: nothing$/,
          "office",
        );
        await tracker.untilLogged(/^plugin escape: load prepare accessList start afterAnnounce; open: /);
        await tracker.app.reload();
      } finally {
        await tracker[Symbol.asyncDispose]();
      }
      assert.deepEqual(
        tracker.logged.filter((line) => line.startsWith("plugin escape: load")).at(-1),
        "plugin escape: load prepare accessList start afterAnnounce reload stop; open: nothing",
        "host",
      );
    },
  );
}

/** Imports every module of the runtime that is on the list, and uses those that want more than they say. */
const USER = `// IMPORTED
const names = NAMES, found = [];
const uses = {
  crypto: ({ createHash }) => createHash("sha1").update("a").digest("hex").slice(0, 4),
  events: ({ EventEmitter }) => {
    const emitter = new EventEmitter();
    for (let i = 0; i < 12; i++) emitter.on("x", () => {});
    return emitter.listenerCount("x");
  },
  util: ({ deprecate }) => deprecate(() => 7, "old")(),
};
for (const name of names) {
  const module = await import("node:" + name);
  if (name in uses) found.push(name + " " + uses[name](module));
}
const all = names.length + " modules, " + found.join(", ");
export default {
  name: "user",
  admitAnnounce: () => all,
  stats: { user: () => all },
  start: (context) => context.log(all),
};
`;

Deno.test("a plugin can use every module of the runtime it may import, in every thread", OPTIONS, async () => {
  const user = USER.replace("NAMES", JSON.stringify(NODE_MODULES))
    .replace("IMPORTED", NODE_MODULES.map((name) => `node:${name}`).join(" "));
  await using tracker = await startWithPlugins("linux", { "plugins/user.js": user });
  const want = new RegExp(`${NODE_MODULES.length} modules, crypto 86f7, events 12, util 7`);
  assert.match(await exchange(tracker.tcpPort, announceRequest("a", 1)), want, "front");
  assert.match(await exchange(tracker.tcpPort, "GET /stats?mode=user HTTP/1.1\r\n\r\n"), want, "office");
  assert.match(await tracker.untilLogged(/^plugin user: \d/), want, "host");
  await tracker.untilLogged(/^plugin user: MaxListenersExceededWarning/);
});

// Asks until all ways have been tried to their end.
async function untilSaid(ask: () => Promise<string>): Promise<string> {
  for (;;) {
    const reply = await ask();
    if (!reply.includes("waiting")) return reply;
  }
}
