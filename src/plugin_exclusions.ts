/**
 * Plugins that have held up a part, or taken its memory, and are not loaded into it again: there their slots fail
 * (plugin/stand_in.ts). A reload brings a plugin back when its text or one it may import has changed.
 */
import { type PluginSet, type PluginSpec, type SlotName, withSlots } from "./plugin/plugin_set.ts";

/** Times a part may end by nobody knows whom before all plugins of the folder are taken out of it. */
const UNKNOWN_MAX = 1;

/** The exclusions of one tracker. */
export class Exclusions {
  /** By part, by plugin: the set it was in. */
  readonly #out = new Map<string, Map<string, PluginSet>>();
  /** By part: ends that no plugin is known to be at fault for. */
  readonly #unknown = new Map<string, number>();

  /** What `part` loads of `set`. */
  apply(part: string, { modules, plugins }: PluginSet): PluginSet {
    const out = this.#out.get(part);
    if (out === undefined) return { modules, plugins };
    return { modules, plugins: plugins.map((spec) => out.has(spec.name) ? { ...spec, isOut: true } : spec) };
  }

  /**
   * Takes the plugin at fault for the end of `part` out of it. `spec`: undefined when nobody knows which it was; a
   * shipped one is taken for innocent. `slots`: those that run in the part. Returns those that were taken out.
   */
  exclude(
    part: string,
    spec: PluginSpec | undefined,
    set: PluginSet,
    slots: readonly SlotName[],
  ): readonly PluginSpec[] {
    const out = this.#out.get(part) ?? new Map<string, PluginSet>(), unknown = this.#unknown.get(part) ?? 0;
    const isKnown = spec !== undefined && spec.origin === "folder";
    if (!isKnown) this.#unknown.set(part, unknown + 1);
    const atFault = withSlots(set, slots).plugins.filter(({ name, origin }) =>
      origin === "folder" && !out.has(name) && (isKnown ? name === spec.name : unknown >= UNKNOWN_MAX)
    );
    for (const { name } of atFault) out.set(name, set);
    this.#out.set(part, out);
    return atFault;
  }

  /** A reload has brought `set`: what has changed may be loaded again. */
  readmit(set: PluginSet): void {
    this.#unknown.clear();
    for (const out of this.#out.values()) {
      for (const [name, before] of out) if (!isSame(name, before, set)) out.delete(name);
    }
  }
}

// Whether the plugin is what it was, and all that it may import.
function isSame(name: string, before: PluginSet, now: PluginSet): boolean {
  const [a, b] = [before, now].map(({ plugins }) => plugins.find((plugin) => plugin.name === name));
  if (a === undefined || b === undefined || JSON.stringify(a) !== JSON.stringify(b)) return false;
  const texts = ({ modules, plugins }: PluginSet) => {
    const others = plugins.filter((plugin) => plugin.name !== name).map(({ url }) => url);
    return JSON.stringify([...modules].filter(([url]) => !others.includes(url)));
  };
  return texts(before) === texts(now);
}
