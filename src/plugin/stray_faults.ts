/**
 * What the code of plugins throws outside of any slot, where nobody catches it: in a timer, or a promise that is not
 * waited for. It is the plugin's fault and no other's, and ends nothing. What names none of a plugin's modules may be our
 * own, and is left to end the part.
 */
import { countFault } from "./counters.ts";
import { plainLine } from "./plain_module.ts";
import type { PluginSet } from "./plugin_set.ts";

/** Row of counters of plugin `index` in this thread. */
export type RowOf = (index: number) => Float64Array;

/** The stray faults of one thread. */
export class StrayFaults {
  #set: PluginSet = { modules: new Map(), plugins: [] };
  #rowOf: RowOf = () => new Float64Array();

  /** `set`: what this thread runs from now on. */
  watch(set: PluginSet, rowOf: RowOf): void {
    this.#set = set;
    this.#rowOf = rowOf;
  }

  /** Whether `error` came out of a plugin: then it is said, and counted. `file`: where it was thrown, if that is known. */
  claims(error: unknown, file = ""): boolean {
    const trace = `${file}\n${textOf(error)}`, { modules, plugins } = this.#set;
    const plugin = plugins.find(({ origin, url }) => origin === "folder" && trace.includes(url));
    if (plugin !== undefined) {
      countFault(plugin.name, "what it does outside of its slots", this.#rowOf(plugin.index), error);
      return true;
    }
    // A module that several may import, or an address that names none.
    const isPlugin = [...modules.keys()].some((url) => trace.includes(url)) || plainLine(trace) !== undefined;
    if (isPlugin) console.error(`plugins: what one does outside of its slots failed: ${trace.trim()}`);
    return isPlugin;
  }
}

function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.stack : error);
  } catch {
    return "";
  }
}
