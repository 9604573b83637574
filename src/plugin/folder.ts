/**
 * Reads the folder of plugins from disk: every module's text, types stripped. No line of it is run here. The texts go to
 * the threads that run plugins, so that those need not read the folder, all run the same text, and can import nothing
 * that was not read.
 */
import * as nodeModule from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type PluginCandidate, PluginFault, type PluginModules } from "./plugin_set.ts";

/** Most modules, and most bytes of one: above what a plugin is, below what hurts in every thread. */
const MODULES_MAX = 512, MODULE_BYTES_MAX = 4 * 1024 * 1024;
/** Folders in folders that are looked into. */
const DEPTH_MAX = 8;

/** A folder as read. */
export interface PluginFolder {
  readonly candidates: readonly PluginCandidate[];
  readonly modules: PluginModules;
  /** false: there is no such folder. */
  readonly isThere: boolean;
  /** Files that may have been meant as plugins, and by their names are none. */
  readonly misnamed: readonly string[];
}

/** The folder the shipped plugins lie in when the program runs from its sources. */
const OWN_FOLDER = import.meta.url.replace(/src\/plugin\/[^/]*$/, "plugins/");
/** A plugin's file lies in the folder itself; `_name.ts`, tests and folders are what plugins import. */
const PLUGIN_FILE = /^([a-z][a-z0-9_]{0,31})\.(ts|js|mjs)$/;
const MODULE_FILE = /\.(ts|js|mjs|json)$/;
/** Of the folder itself, and code: what is neither a plugin nor a part of some. */
const MISNAMED = /^[^_/][^/]*\.(ts|js|mjs)$/;

/**
 * Reads `folder`; one that is not there has no plugins. `shipped`: names whose files are passed over in the program's
 * own folder. Throws a PluginFault for a file that cannot be read or is not TypeScript.
 */
export function readPluginFolder(folder: string, shipped: readonly string[]): PluginFolder {
  const root = resolve(folder), rootUrl = `${pathToFileURL(root).href}/`;
  const modules = new Map<string, string>(), candidates: PluginCandidate[] = [], misnamed: string[] = [];
  const isOwn = rootUrl === OWN_FOLDER;
  const paths = listModules(root, "", 0);
  for (const path of paths ?? []) {
    const [, name] = PLUGIN_FILE.exec(path) ?? [];
    if (path === "mod.ts" || (isOwn && name !== undefined && shipped.includes(name))) continue;
    if (/_test\.|\.d\.ts$/.test(path)) continue;
    if (modules.size === MODULES_MAX) throw new PluginFault(folder, `must hold at most ${MODULES_MAX} modules`);
    const url = new URL(path.split("/").map(encodeURIComponent).join("/"), rootUrl).href;
    modules.set(url, readModule(`${root}/${path}`, `${folder}/${path}`));
    const file = `${folder}/${path}`;
    if (name !== undefined) candidates.push({ name, origin: "folder", file, url });
    else if (MISNAMED.test(path)) misnamed.push(file);
  }
  candidates.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const [i, { name, file }] of candidates.entries()) {
    if (candidates[i + 1]?.name === name) throw new PluginFault(file, `there are two plugins named ${name}`);
  }
  return { candidates, modules, isThere: paths !== null, misnamed };
}

/** Where plugins are: beside the config file if there is such a folder there, else in the tracker's directory. */
export function findPluginFolder(folder: string, configFile: string | null): string {
  if (configFile === null || folder.startsWith("/")) return folder;
  const beside = join(dirname(configFile), folder);
  try {
    return Deno.statSync(beside).isDirectory ? beside : folder;
  } catch {
    return folder;
  }
}

// null: there is no `root`.
function listModules(root: string, below: string, depth: number): string[] | null {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(`${root}/${below}`)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && below === "") return null;
    throw new PluginFault(root, `cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  return entries.flatMap(({ name, isDirectory }) => {
    if (name.startsWith(".")) return [];
    if (isDirectory) return depth < DEPTH_MAX ? listModules(root, `${below}${name}/`, depth + 1) ?? [] : [];
    return MODULE_FILE.test(name) ? [`${below}${name}`] : [];
  });
}

function readModule(path: string, shown: string): string {
  let text: string;
  try {
    if (Deno.statSync(path).size > MODULE_BYTES_MAX) throw new Error(`longer than ${MODULE_BYTES_MAX} bytes`);
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new PluginFault(shown, `cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (path.endsWith(".json")) return `export default ${text};`;
  return path.endsWith(".ts") ? strip(text, shown) : text;
}

// Blanks where the types were keep every line and column; enums and the like need more, and lose that.
function strip(text: string, shown: string): string {
  // Runtimes before 2.8 have no such export, and an import by name would keep the whole program from starting.
  const { stripTypeScriptTypes } = nodeModule;
  if (stripTypeScriptTypes === undefined) {
    throw new PluginFault(
      shown,
      `Deno ${Deno.version.deno} reads no TypeScript plugins: use 2.8.2 or newer, or JavaScript`,
    );
  }
  try {
    return stripTypeScriptTypes(text, { mode: "strip" });
  } catch {
    try {
      return stripTypeScriptTypes(text, { mode: "transform" });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const line = /:(\d+):\d+$/.exec(message)?.[1];
      throw new PluginFault(line === undefined ? shown : `${shown}:${line}`, message.split("\n", 1)[0]!);
    }
  }
}
