/**
 * What stands in a thread for a plugin that has held it up and is not loaded into it again: every slot of a front fails,
 * so that nobody is let in whom the plugin might have refused, and every page says so.
 */
import type { Page, Plugin, StatsMode } from "./api.ts";
import type { PluginSpec, SlotName } from "./plugin_set.ts";

/** A plugin with the slots of `spec`, none of which does what it did. */
export function standIn({ name, slots, modes, paths }: PluginSpec): Plugin {
  const fail = () => {
    throw new Error(`the plugin ${name} held up this thread, and is out of it until its file changes`);
  };
  const failing = (slot: SlotName) => slots.includes(slot) ? { [slot]: fail } : {};
  const answer = () =>
    new Response(`The plugin ${name} held up the tracker's pages. It is out of them until its file changes.\n`, {
      status: 503,
      headers: { "content-type": "text/plain" },
    });
  return {
    name,
    ...failing("clientAddress"),
    ...failing("admitAnnounce"),
    ...failing("admitScrape"),
    ...failing("shapeAnnounce"),
    stats: Object.fromEntries(modes.map((mode): [string, StatsMode] => [mode, answer])),
    routes: Object.fromEntries(paths.map((path): [string, Page] => [path, answer])),
  };
}
