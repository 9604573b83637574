/**
 * Loads plugins in a thread: imports the module, checks that its default export is a `Plugin`, and says where it is at
 * fault when it is not.
 */
import { SHIPPED } from "../../plugins/mod.ts";
import type { Plugin, PluginContext } from "./api.ts";
import { sayLackingGrant } from "./lacking_grant.ts";
import { type Life, markOf } from "./life.ts";
import { importOffered, lockModules, offerModules } from "./modules.ts";
import {
  type PluginCandidate,
  PluginFault,
  type PluginManifest,
  type PluginModules,
  type PluginSet,
  type PluginSpec,
  SLOTS,
} from "./plugin_set.ts";
import { plainLine } from "./plain_module.ts";
import { openSettings } from "./settings.ts";
import { refuseShape } from "./shape.ts";
import { refusePromise } from "./slot_result.ts";
import { standIn } from "./stand_in.ts";

/** A plugin ready for its slots. */
export interface LoadedPlugin {
  readonly spec: PluginSpec;
  readonly plugin: Plugin;
  readonly context: PluginContext;
}

/** Loads and prepares every plugin of `set`. `life`: told which one it is at. Throws a PluginFault. */
export async function loadPlugins(set: PluginSet, life: Life): Promise<LoadedPlugin[]> {
  await enter(set.modules, set.plugins);
  const loaded: LoadedPlugin[] = [];
  for (const spec of set.plugins) {
    life.begin(markOf(spec.index));
    loaded.push(await loadPlugin(spec));
    life.end();
  }
  return loaded;
}

async function loadPlugin(spec: PluginSpec): Promise<LoadedPlugin> {
  const context = { settings: openSettings(spec.values) };
  if (spec.isOut) return { spec, plugin: standIn(spec), context };
  const plugin = await importPlugin(spec);
  try {
    refusePromise("prepare", plugin.prepare?.(context));
  } catch (error) {
    throw toFault(spec, error, "prepare");
  }
  return { spec, plugin, context };
}

/**
 * Makes this thread one that runs plugins: shipped ones are imported first, as the tracker's own modules they are; then
 * nothing can be imported any more but `modules`. To be called before describePlugin().
 */
export async function enter(modules: PluginModules, plugins: readonly PluginCandidate[]): Promise<void> {
  await preload(plugins);
  offerModules(modules);
  lockModules();
}

/** Imports the shipped ones among `plugins`, as the parts of the program they are. */
export async function preload(plugins: readonly PluginCandidate[]): Promise<void> {
  for (const plugin of plugins) {
    const entry = plugin.origin === "shipped" ? SHIPPED.find(({ name }) => name === plugin.url) : undefined;
    if (entry !== undefined && !shipped.has(entry.name)) shipped.set(entry.name, (await entry.load()).default);
  }
}

/** Shipped plugins of this thread, by name. */
const shipped = new Map<string, Plugin>();

/** Imports one plugin and says what it is. Throws a PluginFault. */
export async function describePlugin(candidate: PluginCandidate): Promise<PluginManifest> {
  const plugin = await importPlugin(candidate);
  return {
    ...candidate,
    summary: plugin.summary ?? "",
    slots: SLOTS.filter((slot) => plugin[slot] !== undefined),
    settings: toPlain(candidate, "settings", plugin.settings ?? {}),
    permissions: toPlain(candidate, "permissions", plugin.permissions ?? {}),
    modes: Object.keys(plugin.stats ?? {}),
    paths: Object.keys(plugin.routes ?? {}).map((path) => pathOf(plugin.name, path)),
  };
}

// What goes to other threads can hold no code.
function toPlain<T>(candidate: PluginCandidate, member: string, found: T): T {
  try {
    return structuredClone(found);
  } catch {
    throw new PluginFault(candidate.file, `${member} must be plain data`);
  }
}

/** The path of a plugin's page: `top` is /plugin/NAME/top, and `/metrics` itself. */
export function pathOf(name: string, path: string): string {
  return path.startsWith("/") ? path : `/plugin/${name}/${path}`;
}

/** A fault with file and line, from what a plugin threw in `slot`. */
export function toFault(candidate: PluginCandidate, error: unknown, slot?: string): PluginFault {
  if (error instanceof PluginFault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? `${error.stack ?? ""}\n${message}` : message;
  const at = stack.indexOf(candidate.url);
  const line = at < 0 ? plainLine(stack) : /^(?:\?v=\d+)?:(\d+)/.exec(stack.slice(at + candidate.url.length))?.[1];
  const where = line === undefined ? candidate.file : `${candidate.file}:${line}`;
  // Deno adds where an import stands, which is said already.
  const plain = message.replace(/^(?:TypeError: )?(?:Error: )?/, "").replace(/ at (?:file|data):\S+$/, "");
  const why = sayLackingGrant(candidate.name, plain);
  return new PluginFault(where, slot === undefined ? why : `${slot}: ${why}`);
}

async function importPlugin(candidate: PluginCandidate): Promise<Plugin> {
  let found: unknown, why: string | null;
  try {
    found = candidate.origin === "shipped" ? shipped.get(candidate.url) : (await importOffered(candidate.url)).default;
    why = refuseShape(found, candidate.name);
  } catch (error) {
    throw toFault(candidate, error);
  }
  if (why !== null) throw new PluginFault(candidate.file, why);
  return found as Plugin;
}
