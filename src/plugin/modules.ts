/**
 * What code of plugins may import: the texts that were handed over, and a few modules of the runtime that reach nothing
 * by themselves. Deno does not check `import()` in an executable, so a resolve hook does; once a thread is locked, its
 * own code can import nothing new either, which leaves `eval` nothing to borrow. Runtimes without such hooks run what
 * plain_module.ts makes of a plugin.
 */
import * as nodeModule from "node:module";
import { plainAddress } from "./plain_module.ts";
import type { PluginModules } from "./plugin_set.ts";

/**
 * Modules of the runtime that any plugin may import. None that knows files or sockets by their number: with `node:net` one
 * without any permission can take the descriptors of the whole process, and end it. Hosts have `Deno` for both.
 */
export const NODE_MODULES: readonly string[] = [
  "assert",
  "assert/strict",
  "buffer",
  "crypto",
  "events",
  "path",
  "querystring",
  "string_decoder",
]
  .concat(["url", "util", "zlib", "stream", "stream/promises", "timers/promises"]);
/** Name of the types, for those who import them without `type`. */
const API_NAME = "waggle/plugin", API_URL = "waggle:plugin";
/** Address of a module that throws why another is refused. */
const REFUSED_URL = "waggle:refused?";
/**
 * Modules of the runtime that it has loaded before any code: of these it heeds what the resolve hook throws. Where code
 * imports others statically it does not, but loads what the hook says instead.
 */
const LOADED_FIRST = ["node:url", "node:util", "node:worker_threads", "node:zlib"];

interface Resolution {
  url: string;
  format?: string | null;
  shortCircuit?: boolean;
}

let isHooked = false;
let isLocked = false;
let version = 0;
let texts: PluginModules = new Map();

// Runtimes before 2.8 have none, and an import by name would keep the whole program from starting.
const { registerHooks } = nodeModule;

/**
 * Loads those modules of the runtime that `modules` name, of those they may import: some read, when they are first
 * imported, what confine() takes. To be called before it. No others: a thread that is ended while the runtime loads one
 * of its own takes the process with it.
 */
export async function loadNodeModules(modules: PluginModules): Promise<void> {
  takeWarnings();
  const all = [...modules.values()];
  for (const name of NODE_MODULES) {
    if (all.some((text) => text.includes(`node:${name}`))) await import(`node:${name}`);
  }
}

// Node's modules warn of this and that, which the runtime prints by what a plugin has not.
function takeWarnings(): void {
  const { process } = globalThis as unknown as { process: NodeEvents };
  process.removeAllListeners("warning");
  process.on("warning", (warning) => console.warn(String(warning)));
}

interface NodeEvents {
  removeAllListeners(event: string): void;
  on(event: string, listener: (value: unknown) => void): void;
}

/** Imports one of the modules that are offered. Rejects with what is wrong with it. */
export async function importOffered(url: string): Promise<{ readonly default?: unknown }> {
  if (registerHooks !== undefined) return await import(url).catch(explain);
  return await import(plainAddress({ url, text: texts.get(url) ?? "", version, runtime: `Deno ${Deno.version.deno}` }));
}

/** Makes `modules` importable in this thread, in the place of those of before. */
export function offerModules(modules: PluginModules): void {
  texts = modules;
  version++;
  if (isHooked) return;
  isHooked = true;
  registerHooks?.({
    resolve: (specifier: string, context: { parentURL?: string | undefined }, next) =>
      isPlugin(specifier) || isPlugin(context.parentURL ?? "")
        ? resolvePlugin(specifier, context.parentURL)
        : isLocked
        ? refuse(specifier)
        : next(specifier, context as never),
    load: (url: string, context: unknown, next) => {
      const source = sourceOf(url);
      return source === undefined ? next(url, context as never) : { source, format: "module", shortCircuit: true };
    },
  });
}

/** From now on this thread imports nothing but modules of plugins. */
export function lockModules(): void {
  isLocked = true;
}

// Modules of the runtime that were loaded for the tracker itself are none of a plugin's.
function isPlugin(url: string): boolean {
  return texts.has(url.replace(/\?v=\d+$/, ""));
}

function resolvePlugin(specifier: string, parent: string | undefined): Resolution {
  if (specifier === API_NAME) return { url: API_URL, format: "module", shortCircuit: true };
  if (specifier.startsWith("node:")) {
    if (!NODE_MODULES.includes(specifier.slice(5))) return refuse(specifier);
    return { url: specifier, format: "builtin", shortCircuit: true };
  }
  const url = URL.canParse(specifier, parent) ? new URL(specifier, parent).href : "";
  if (!isPlugin(url)) return refuse(specifier);
  return { url: `${url.replace(/\?v=\d+$/, "")}?v=${version}`, format: "module", shortCircuit: true };
}

function sourceOf(url: string): string | undefined {
  if (url === API_URL) return "export {};";
  if (!url.startsWith(REFUSED_URL)) return texts.get(url.replace(/\?v=\d+$/, ""));
  return `throw new Error(${JSON.stringify(whyRefused(url.slice(REFUSED_URL.length)))}); export default null;`;
}

// Throws, or has a module loaded that does.
function refuse(specifier: string): Resolution {
  if (!specifier.startsWith("node:") || LOADED_FIRST.includes(specifier)) throw new Error(whyRefused(specifier));
  return { url: REFUSED_URL + specifier, format: "module", shortCircuit: true };
}

// What is imported by name is missed before that module can throw.
function explain(error: unknown): never {
  const name = error instanceof SyntaxError ? /module '(node:[^']+)' does not provide/.exec(error.message)?.[1] : null;
  if (name && !NODE_MODULES.includes(name.slice(5))) (error as Error).message = whyRefused(name);
  throw error;
}

function whyRefused(specifier: string): string {
  return `a plugin may import files of the plugins folder and some of node:, and not ${JSON.stringify(specifier)}`;
}
