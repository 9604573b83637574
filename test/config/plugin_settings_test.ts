/** What a plugin may reach is what lines of the config say, whatever it declares. */
import assert from "node:assert/strict";
import { ConfigDraft, type Problem } from "../../src/config/config.ts";
import { choosePlugin, type PluginChoice, type PluginClaims } from "../../src/config/plugin_settings.ts";

const SETTINGS = {
  mine: { kind: "path", default: "/etc/shadow", write: true, explanation: "A file." },
  fed: { kind: "path", default: null, from: "tracker.state", write: true, explanation: "A file." },
  pipe: { kind: "path", default: "/run/pipe", fifo: true, explanation: "A FIFO." },
  list: { kind: "path", default: "/etc/passwd", from: "access.whitelist", explanation: "A list." },
} as const;

type Origin = PluginClaims["origin"];

/** Hosts that the runtime can grant, and what it fails with. */
const HOSTS =
  "example.org example.org. a_b.example:80 *.example.org:443 localhost:0 1.2.3.4 1.2.3.4:65535 10.0.0.0/8 [::1] " +
  "[2001:db8::1]:80";
const NO_HOSTS = [
  "foo:bar",
  "::1",
  "[::1",
  "[::1]x",
  "[::1]:",
  "[1.2.3.4]",
  "[]",
  "http://x/",
  "a b",
  ":80",
  "a:",
  "a..b",
]
  .concat([
    "300.1.1.1:99999",
    "300.1.1.1",
    "a:65536",
    "1.2.3.4/33",
    "*",
    "a.*",
    "a,b",
    "ü.example",
    `${"a.".repeat(200)}a`,
  ]);

function choose(origin: Origin, config: string): PluginChoice {
  const choice = tryToChoose(origin, config);
  assert.ok(!("sentence" in choice));
  return choice;
}

function tryToChoose(origin: Origin, config: string): PluginChoice | Problem {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile("test.conf", `tracker.state /var/lib/state\n${config}`), null);
  const { pluginLines, settings } = draft.finish();
  return choosePlugin({ name: "guest", origin, settings: SETTINGS }, pluginLines, settings);
}

Deno.test("choosePlugin() grants a plugin of the folder no path that it names itself or takes from the tracker's settings", () => {
  const { grants, withheld, fifos, values } = choose("folder", "access.whitelist /white\n");
  assert.deepEqual([grants, fifos], [{ read: [], write: [], net: [] }, []]);
  assert.deepEqual([...withheld.read].sort(), ["/etc/shadow", "/run/pipe", "/var/lib/state", "/white"]);
  assert.equal(values["fed"], "/var/lib/state", "it is told the value all the same");
});

Deno.test("choosePlugin() grants what lines of the config name or allow", () => {
  const lines = "plugin.guest.mine /a\nplugin.guest.pipe /b\nplugin.guest.allow read /c\nplugin.guest.allow net d:1\n";
  const { grants, withheld, fifos } = choose("folder", lines);
  assert.deepEqual(grants, { read: ["/c", "/a", "/b"], write: ["/a", "/b"], net: ["d:1"] });
  assert.deepEqual([withheld.read, withheld.write, fifos], [["/var/lib/state", "/etc/passwd"], ["/var/lib/state"], [{
    path: "/b",
    setting: "plugin.guest.pipe",
  }]]);
});

Deno.test("choosePlugin() grants a shipped plugin what the tracker's settings name for it", () => {
  const { grants } = choose("shipped", "");
  assert.ok(grants.read.includes("/var/lib/state") && grants.write.includes("/var/lib/state"));
});

Deno.test("choosePlugin() grants hosts that a thread can be given, and refuses others with file and line", () => {
  const hosts = HOSTS.split(" "), lines = hosts.map((host) => `plugin.guest.allow net ${host}\n`).join("");
  assert.deepEqual(choose("folder", lines).grants.net, hosts);
  const netOf = (net: string[]) => ({ read: false, write: false, env: false, ffi: false, run: false, sys: false, net });
  // The runtime looks at them when the thread is made.
  new Worker("data:text/javascript,", { type: "module", deno: { permissions: netOf(hosts) } }).terminate();
  for (const host of NO_HOSTS) {
    const choice = tryToChoose("folder", `plugin.guest.allow net ${host}\n`);
    assert.ok("sentence" in choice, host);
    assert.match(
      choice.sentence,
      /^Cannot start: plugin\.guest\.allow must be read PATH, .*, and is ".*" \(test\.conf line 2\)$/,
    );
  }
});

Deno.test("choosePlugin() refuses a setting that comes from one that there is not", () => {
  const settings = { a: { kind: "networks", from: "acces.proxy", explanation: "Networks." } } as const;
  const choice = choosePlugin({ name: "guest", origin: "folder", settings }, [], new ConfigDraft().finish().settings);
  assert.deepEqual(choice, {
    sentence: "Cannot start: plugin guest: settings.a is from acces.proxy, which is no setting of the tracker",
  });
});

Deno.test("choosePlugin() grants what has taken the place of one of ours what the settings for plugins name, no more", () => {
  assert.deepEqual(choose("replacement", "").grants.read, []);
  const { grants } = choose("replacement", "access.whitelist /white\n");
  assert.deepEqual(grants, { read: ["/white"], write: [], net: [] });
});
