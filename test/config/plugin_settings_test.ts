/** What a plugin may reach is what lines of the config say, whatever it declares. */
import assert from "node:assert/strict";
import { ConfigDraft } from "../../src/config/config.ts";
import { choosePlugin, type PluginChoice } from "../../src/config/plugin_settings.ts";

const SETTINGS = {
  mine: { kind: "path", default: "/etc/shadow", write: true, explanation: "A file." },
  fed: { kind: "path", default: null, from: "tracker.state", write: true, explanation: "A file." },
  pipe: { kind: "path", default: "/run/pipe", fifo: true, explanation: "A FIFO." },
} as const;

function choose(origin: "shipped" | "folder", config: string): PluginChoice {
  const draft = new ConfigDraft();
  assert.equal(draft.applyFile("test.conf", `tracker.state /var/lib/state\n${config}`), null);
  const { pluginLines, settings } = draft.finish();
  const choice = choosePlugin({ name: "guest", origin, settings: SETTINGS }, pluginLines, settings);
  assert.ok(!("sentence" in choice));
  return choice;
}

Deno.test("choosePlugin() grants a plugin of the folder no path that it names itself or takes from the tracker's settings", () => {
  const { grants, withheld, fifos, values } = choose("folder", "");
  assert.deepEqual([grants, fifos], [{ read: [], write: [], net: [] }, []]);
  assert.deepEqual([...withheld.read].sort(), ["/etc/shadow", "/run/pipe", "/var/lib/state"]);
  assert.equal(values["fed"], "/var/lib/state", "it is told the value all the same");
});

Deno.test("choosePlugin() grants what lines of the config name or allow", () => {
  const lines = "plugin.guest.mine /a\nplugin.guest.pipe /b\nplugin.guest.allow read /c\nplugin.guest.allow net d:1\n";
  const { grants, withheld, fifos } = choose("folder", lines);
  assert.deepEqual(grants, { read: ["/c", "/a", "/b"], write: ["/a", "/b"], net: ["d:1"] });
  assert.deepEqual([withheld.read, withheld.write, fifos], [["/var/lib/state"], ["/var/lib/state"], ["/b"]]);
});

Deno.test("choosePlugin() grants a shipped plugin what the tracker's settings name for it", () => {
  const { grants } = choose("shipped", "");
  assert.ok(grants.read.includes("/var/lib/state") && grants.write.includes("/var/lib/state"));
});
