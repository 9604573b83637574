/** The slots that run in the office: good, throwing, slow, and of a plugin that is out. */
import assert from "node:assert/strict";
import { NetworkSet } from "../../src/access/networks.ts";
import { PageSlots } from "../../src/office/page_slots.ts";
import { createPages } from "../../src/office/pages.ts";
import type { Plugin } from "../../src/plugin/api.ts";
import { createPluginCounters, PAGE_SLOW_MS, PLUGIN_COUNTER, pluginRow } from "../../src/plugin/counters.ts";
import { createLife, Life, LifeSeen } from "../../src/plugin/life.ts";
import { openSettings } from "../../src/plugin/settings.ts";
import { standIn } from "../../src/plugin/stand_in.ts";
import { COUNTER, counterRow, HTTP_ERROR } from "../../src/stats/counters.ts";
import { OfficeMemory } from "../support/office.ts";

const MARK = 7;

/** Pages of one plugin, with a clock that is moved by hand. */
class PluginPages {
  readonly memory = new OfficeMemory();
  readonly counters = counterRow(this.memory.counters, 1);
  readonly row = pluginRow(createPluginCounters(1), 0, 0);
  readonly seen: LifeSeen;
  nowMs = 0;
  readonly #pages: ReturnType<typeof createPages>;

  constructor(plugin: Plugin) {
    const life = createLife();
    this.seen = new LifeSeen(life);
    this.#pages = createPages({ statsPath: "stats", redirectUrl: null }, {
      snapshot: () => this.memory.snapshot(),
      second: () => 0,
      counters: this.counters,
      plugins: [{ plugin, context: { settings: openSettings({}) } }],
      slots: new PageSlots({
        life: new Life(life),
        nowMs: () => this.nowMs,
        slots: new Map([[plugin.name, { row: this.row, mark: MARK }]]),
      }),
      statsNetworks: new NetworkSet([]),
      fullScrape: { isOn: true, seconds: 300, networks: new NetworkSet([]) },
    });
  }

  async ask(path: string): Promise<string> {
    const response = await this.#pages.fetch(new Request(`http://tracker${path}`), { address: "192.0.2.9" });
    return `${response.status} ${await response.text()}`;
  }

  count(name: keyof typeof PLUGIN_COUNTER): number {
    return this.row[PLUGIN_COUNTER[name]]!;
  }
}

const boom = () => {
  throw new Error("boom");
};

Deno.test("stats and routes give text, bytes and responses, and are counted", async () => {
  const pages = new PluginPages({
    name: "x",
    stats: {
      text: (snapshot) => `${snapshot.torrents}`,
      bytes: async () => await Promise.resolve(Uint8Array.of(0x62)),
    },
    routes: { own: () => new Response("c", { status: 404 }) },
  });
  assert.deepEqual(
    [await pages.ask("/stats?mode=text"), await pages.ask("/stats?mode=bytes"), await pages.ask("/plugin/x/own")],
    ["200 0", "200 b", "404 c"],
  );
  assert.deepEqual([pages.count("calls"), pages.count("faults"), pages.count("slow")], [3, 0, 0]);
});

Deno.test("stats and routes that give what is no page answer an error, and are counted", async () => {
  const spent = new Response("once"), { error } = console, logged: unknown[] = [];
  const rows: readonly (readonly [given: unknown, want: string])[] = [
    [undefined, "a page must return text, bytes or a Response, and returned undefined"],
    [null, "a page must return text, bytes or a Response, and returned null"],
    [false, "a page must return text, bytes or a Response, and returned false"],
    [7, "a page must return text, bytes or a Response, and returned a value of type number"],
    [{}, "a page must return text, bytes or a Response, and returned a value of type object"],
    [spent, "a page must not return a Response that is used up"],
  ];
  await spent.text();
  console.error = (_line, cause) => logged.push(cause.message);
  try {
    for (const [given, want] of rows) {
      const pages = new PluginPages({
        name: "x",
        stats: { wrong: () => given as string },
        routes: { wrong: () => Promise.resolve(given as string) },
      });
      for (const path of ["/stats?mode=wrong", "/plugin/x/wrong"]) assert.match(await pages.ask(path), /^500 /, want);
      assert.deepEqual([logged.splice(0), pages.count("faults")], [[want, want], 2]);
    }
  } finally {
    console.error = error;
  }
});

Deno.test("stats and routes that throw, at once or later, answer an error with a sentence, and are counted", async () => {
  const { error } = console, logged: unknown[][] = [];
  console.error = (...words) => logged.push(words);
  try {
    const pages = new PluginPages({
      name: "x",
      stats: { sync: boom, later: () => Promise.resolve().then(boom) },
      routes: { sync: boom, later: () => Promise.resolve().then(boom), good: () => "good" },
    });
    for (const path of ["/stats?mode=sync", "/stats?mode=later", "/plugin/x/sync", "/plugin/x/later"]) {
      assert.equal(
        await pages.ask(path),
        "500 <title>Internal Server Error</title>\nThe plugin x failed at this page. The log says how.\n",
      );
    }
    assert.equal(await pages.ask("/plugin/x/good"), "200 good");
    assert.deepEqual([pages.count("calls"), pages.count("faults")], [5, 4]);
    assert.equal(pages.counters[COUNTER.httpErrors + HTTP_ERROR.internal], 4);
    assert.deepEqual(
      new Set(logged.map(([what, why]) => `${what}: ${(why as Error).message}`)),
      new Set([
        "office: a page of the plugin x failed: boom",
      ]),
    );
  } finally {
    console.error = error;
  }
});

Deno.test("a slow page holds up nobody while it waits, and is counted when it does", async () => {
  const waiting = Promise.withResolvers<string>(), holdsFor = (ms: number) => () => (pages.nowMs += ms, "held");
  const pages: PluginPages = new PluginPages({
    name: "x",
    routes: {
      waits: () => waiting.promise,
      holds: holdsFor(PAGE_SLOW_MS),
      more: holdsFor(PAGE_SLOW_MS * 3),
      less: holdsFor(PAGE_SLOW_MS - 1),
    },
  });
  const slow = pages.ask("/plugin/x/waits");
  for (const path of ["holds", "more", "less"]) assert.equal(await pages.ask(`/plugin/x/${path}`), "200 held");
  pages.nowMs += 1e6;
  waiting.resolve("waited");
  assert.equal(await slow, "200 waited");
  assert.deepEqual([pages.count("slow"), pages.count("slowestMs")], [2, PAGE_SLOW_MS * 3]);
});

Deno.test("while a page is made it is known whose it is", async () => {
  const where: unknown[] = [];
  const pages: PluginPages = new PluginPages({
    name: "x",
    routes: {
      page: async () => {
        where.push(pages.seen.isInPlugin);
        await Promise.resolve();
        where.push(pages.seen.giveUp());
        return "";
      },
    },
  });
  assert.equal(pages.seen.isInPlugin, false);
  await pages.ask("/plugin/x/page");
  assert.deepEqual(where, [true, { mark: MARK, isInSlot: false }]);
});

Deno.test("the pages of a plugin that is out answer 503 with a sentence", async () => {
  const pages = new PluginPages(standIn({
    name: "x",
    origin: "folder",
    file: "x.js",
    url: "file:///x.js",
    slots: ["stats", "routes"],
    modes: ["mode"],
    paths: ["/plugin/x/page", "/whole"],
    values: {},
    index: 0,
    isOut: true,
  }));
  for (const path of ["/stats?mode=mode", "/plugin/x/page", "/whole"]) {
    assert.equal(
      await pages.ask(path),
      "503 The plugin x held up the tracker's pages. It is out of them until its file changes.\n",
    );
  }
});
