/**
 * Which row of the plugins' counters is whose. A plugin keeps its own over reloads, also while it is away; when there
 * are no more, those of plugins that are away are given to others, so that any number of names may come and go.
 */
import { PLUGINS_MAX } from "./plugin_set.ts";

/** The rows of one tracker. */
export class PluginRows {
  readonly #rows = new Map<string, number>();

  /** Has a row for each of `names`, at most PLUGINS_MAX. Returns the rows that were another's: to be begun anew. */
  assign(names: readonly string[]): number[] {
    const used: number[] = [];
    for (const name of names) {
      if (this.#rows.has(name)) continue;
      const isFresh = this.#rows.size < PLUGINS_MAX, row = isFresh ? this.#rows.size : this.#takeFrom(names);
      this.#rows.set(name, row);
      if (!isFresh) used.push(row);
    }
    return used;
  }

  /** The row of `name`; -1 = it has none. */
  of(name: string): number {
    return this.#rows.get(name) ?? -1;
  }

  /** Everyone who has a row. */
  get names(): readonly string[] {
    return [...this.#rows.keys()];
  }

  // The row of the first plugin that is not among `names`.
  #takeFrom(names: readonly string[]): number {
    const [away, row] = [...this.#rows].find(([name]) => !names.includes(name))!;
    this.#rows.delete(away);
    return row;
  }
}
