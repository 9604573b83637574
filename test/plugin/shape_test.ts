/** What a plugin must look like: each member of the wrong kind is a sentence, in its thread and in the supervisor. */
import assert from "node:assert/strict";
import { SHIPPED } from "../../plugins/mod.ts";
import type { PluginSetting } from "../../src/plugin/api.ts";
import { refuseManifest, refuseShape } from "../../src/plugin/shape.ts";

const nothing = () => {};
const SETTINGS: Readonly<Record<string, PluginSetting>> = {
  a: { kind: "integer", min: 1, max: 9, default: 1, explanation: "" },
  b: { kind: "boolean", default: false, explanation: "", from: "tracker.interval" },
  c: { kind: "choice", choices: ["x", "y"], default: "y", explanation: "" },
  d: { kind: "text", default: null, explanation: "" },
  e: { kind: "path", default: "x", fifo: true, write: false, explanation: "" },
  f: { kind: "texts", explanation: "", example: "x" },
  g: { kind: "networks", explanation: "" },
};

/** Members of plain data: how it is refused by both; null = it is not. */
const PLAIN: readonly (readonly [members: Readonly<Record<string, unknown>>, want: string | null])[] = [
  [{}, null],
  [{ summary: "", settings: SETTINGS, permissions: { read: ["a"], write: [], net: undefined } }, null],
  [{ summary: 1 }, "summary must be text"],
  [{ permissions: null }, "permissions must be an object of lists"],
  [{ permissions: { net: "example.org" } }, "permissions.net must be a list of texts"],
  [{ permissions: { read: [1] } }, "permissions.read must be a list of texts"],
  [{ permissions: { run: [] } }, "permissions.run is not known; there are read, write, net"],
  [{ settings: "a" }, "settings must be an object of settings"],
  ...["max-peers", "max-peers", "9", "_x", ""].map((key) =>
    [
      { settings: { [key]: SETTINGS.b } },
      `settings: ${JSON.stringify(key)} must be letters, digits and _, a letter first`,
    ] as const
  ),
  ...([
    [null, "be an object with kind, explanation and default"],
    [{}, "have a kind, one of integer, boolean, choice, text, path, texts, networks"],
    [{ kind: "toString" }, "have a kind, one of integer, boolean, choice, text, path, texts, networks"],
    [{ kind: "text", default: null, explanation: 1 }, "have text as explanation"],
    [{ kind: "text", default: null, from: {} }, "name a setting of the tracker as from"],
    [{ kind: "text" }, "have text or null as default"],
    [{ kind: "integer", default: 1 }, "have whole numbers min, max and default, the default between them"],
    [
      { kind: "integer", min: 2, max: 3, default: 1 },
      "have whole numbers min, max and default, the default between them",
    ],
    [{ kind: "boolean", default: "on" }, "have true or false as default"],
    [{ kind: "choice", choices: "ab", default: "a" }, "have texts as choices, and one of them as default"],
    [{ kind: "choice", choices: ["a"], default: "b" }, "have texts as choices, and one of them as default"],
    [{ kind: "path", default: null, write: "yes" }, "have true or false as write and fifo"],
    [{ kind: "texts", default: ["a"] }, "not have a default"],
    [{ kind: "networks", default: [] }, "not have a default"],
    [{ kind: "text", default: null, example: 1 }, "have text as example"],
    [
      { kind: "path", default: null, writable: true },
      "not have writable; there are kind, explanation, from, example, default, write, fifo",
    ],
    [{ kind: "texts", max: 3 }, "not have max; there are kind, explanation, from, example"],
  ] as const).map(([setting, want]) => [{ settings: { x: setting } }, `settings.x must ${want}`] as const),
];

Deno.test("plain data of the wrong kind is refused in the plugin's thread and in the supervisor", () => {
  const manifest = { slots: ["stats"], modes: [], paths: [], summary: "", settings: {}, permissions: {} };
  for (const [members, want] of PLAIN) {
    assert.equal(refuseShape({ name: "x", ...members }, "x"), want);
    assert.equal(refuseManifest({ ...manifest, ...members }), want);
  }
  for (const wrong of [undefined, { slots: 1 }, { slots: ["prepare"] }, { modes: [1] }, { paths: undefined }]) {
    assert.match(refuseManifest(wrong && { ...manifest, ...wrong })!, /^says /);
  }
});

Deno.test("slots of the wrong kind are refused, and pages that nobody can reach", () => {
  const rows: readonly (readonly [members: Readonly<Record<string, unknown>>, want: RegExp | null])[] = [
    [{ admitAnnounce: nothing, prepare: nothing, stop: undefined }, null],
    [{ admitAnounce: nothing }, /^admitAnounce is not a slot; there are prepare, accessList, /],
    [{ start: true }, /^start must be a function$/],
    [{ prepare: 1 }, /^prepare must be a function$/],
    [{ stats: 1 }, /^stats must be an object of functions$/],
    [{ stats: { a: 1 } }, /^stats\.a must be a function$/],
    [{ routes: { top: null } }, /^routes\.top must be a function$/],
    [{ stats: { a: nothing }, routes: { "api": nothing, "/metric": nothing, "/scrape": nothing } }, null],
    [{ routes: { "/api": nothing } }, /^routes: "\/api" can never be reached: .* begins with \/a is an announce/],
    [{ routes: { "/": nothing } }, /^routes: "\/" can never be reached: \/ is the tracker's own/],
    [
      { routes: { "//metric": nothing } },
      /^routes: "\/\/metric" can never be reached: .* of many slashes one is left$/,
    ],
  ];
  for (const [members, want] of rows) {
    const found = refuseShape({ name: "x", ...members }, "x");
    if (want === null) assert.equal(found, null);
    else assert.match(found!, want);
  }
});

Deno.test("a plugin of a class is looked at with its methods", () => {
  class Base {
    name = "x";
    stop(): void {}
  }
  class Good extends Base {
    admitAnnounce(): void {}
  }
  class Misspelt extends Base {
    admitAnounce(): void {}
  }
  assert.equal(refuseShape(new Good(), "x"), null);
  assert.match(refuseShape(new Misspelt(), "x")!, /^admitAnounce is not a slot; /);
  assert.match(refuseShape(new (class extends Misspelt {})(), "x")!, /^admitAnounce is not a slot; /);
  assert.equal(refuseShape(Object.assign(Object.create(null), { name: "x", stop: nothing }), "x"), null);
});

Deno.test("the shipped plugins have the shape they must have", async () => {
  for (const { name, load } of SHIPPED) assert.equal(refuseShape((await load()).default, name), null);
});
