/**
 * Which plugins run and with which settings: the shipped table and the plugins folder, looked at and checked against the
 * config. Plugins of the folder are looked at in a thread that may reach nothing; only what they say comes out.
 */
import { SHIPPED } from "../plugins/mod.ts";
import type { Config, Problem } from "./config/config.ts";
import { choosePlugin, type PluginChoice } from "./config/plugin_settings.ts";
import { PartThread } from "./part_thread.ts";
import { hostPermissions } from "./permissions.ts";
import { findPluginFolder, type PluginFolder, readPluginFolder } from "./plugin/folder.ts";
import type { FromHost } from "./plugin/host_messages.ts";
import { describePlugin, preload } from "./plugin/load.ts";
import {
  type PluginCandidate,
  PluginFault,
  type PluginManifest,
  type PluginModules,
  PLUGINS_MAX,
} from "./plugin/plugin_set.ts";
import { refuseManifest } from "./plugin/shape.ts";

/** Time a thread of a plugin may be without a sign of life. */
export const SILENT_MS_MAX = 10_000;

/** One plugin, checked. */
export interface ChosenPlugin {
  readonly manifest: PluginManifest;
  readonly choice: PluginChoice;
  readonly isOn: boolean;
}

/** Every plugin, and the modules of the folder. */
export interface ChosenPlugins {
  readonly folder: string;
  readonly plugins: readonly ChosenPlugin[];
  readonly modules: PluginModules;
  /** A line for each file of the folder that is passed over because of its name. */
  readonly passedOver: readonly string[];
}

/** Looks at every plugin. Returns them, or the sentence that says what is at fault. */
export async function choosePlugins(config: Config, silentMsMax = SILENT_MS_MAX): Promise<ChosenPlugins | Problem> {
  const folder = findPluginFolder(config.settings["plugins.dir"], config.configFile);
  try {
    const names = SHIPPED.map(({ name }) => name), found = readPluginFolder(folder, names);
    const manifests = [...await describeShipped(found), ...await describeFolder(found, silentMsMax)];
    return chooseAll(folder, manifests, found, config);
  } catch (error) {
    if (!(error instanceof PluginFault)) throw error;
    return { sentence: `Cannot start: ${error.message}` };
  }
}

/** Slots and permissions in a line, for the log: `accessList, start; may read whitelist.txt`. */
export function describeChoice({ manifest, choice }: ChosenPlugin): string {
  const { read, write, net } = choice.grants;
  const granted = [
    ...read.map((path) => `read ${path}`),
    ...write.map((path) => `write ${path}`),
    ...net.map((host) => `net ${host}`),
  ];
  const wanted = (["read", "write", "net"] as const).flatMap((kind) =>
    (manifest.permissions[kind] ?? []).filter((what) => !choice.grants[kind].includes(what)).map((what) =>
      `${kind} ${what}`
    )
  );
  const parts = [manifest.slots.join(", ") || "no slots"];
  parts.push(granted.length > 0 ? `may ${granted.join(", ")}` : "may reach nothing");
  if (wanted.length > 0) parts.push(`wants ${wanted.join(", ")} as well (plugin.${manifest.name}.allow)`);
  return parts.join("; ");
}

// A plugin of the folder takes the place of a shipped one of its name.
async function describeShipped({ candidates }: PluginFolder): Promise<PluginManifest[]> {
  const shipped = SHIPPED.filter(({ name }) => !candidates.some((candidate) => candidate.name === name))
    .map(({ name }): PluginCandidate => ({ name, origin: "shipped", file: `${name} (shipped)`, url: name }));
  await preload(shipped);
  return await Promise.all(shipped.map(describePlugin));
}

async function describeFolder({ candidates, modules }: PluginFolder, silentMsMax: number): Promise<PluginManifest[]> {
  if (candidates.length === 0) return [];
  let last = "plugins";
  const { promise, resolve } = Promise.withResolvers<readonly PluginManifest[] | string>();
  const hear = (message: FromHost) => {
    if (message.type === "log") last = message.line;
    else if (message.type === "described") resolve(message.manifests);
    else if (message.type === "fault") {
      resolve(message.sentence.includes(": ") ? message.sentence : `${last}: ${message.sentence}`);
    }
  };
  const thread = new PartThread({
    name: "plugin check",
    permissions: hostPermissions({ read: [], write: [], net: [] }),
    begin: (part) =>
      part.post({ type: "startHost", start: { job: { kind: "describe", candidates }, modules, silentMsMax } }),
    hear: (message) => message.type === "fromHost" && hear(message.message),
    onFailure: () => resolve(`${last}: the thread that looked at it failed`),
  });
  await thread.start();
  const result = await promise;
  await thread.stop();
  if (typeof result === "string") throw new PluginFault(result);
  // Where and who they are is known; what they say of themselves comes from a thread that has run them.
  return candidates.map((candidate, i) => {
    const found = result[i], why = refuseManifest(found);
    if (why !== null) throw new PluginFault(candidate.file, why);
    return { ...found!, ...candidate };
  });
}

function chooseAll(
  folder: string,
  manifests: readonly PluginManifest[],
  { modules, misnamed }: PluginFolder,
  config: Config,
): ChosenPlugins | Problem {
  const stray = config.pluginLines.find(({ plugin }) => !manifests.some(({ name }) => name === plugin));
  if (stray !== undefined) {
    return { sentence: `Cannot start: there is no plugin ${stray.plugin} in ${folder} (${stray.place})` };
  }
  const plugins: ChosenPlugin[] = [];
  for (const manifest of manifests) {
    const lines = config.pluginLines.filter(({ plugin }) => plugin === manifest.name);
    const choice = choosePlugin(manifest.name, manifest.settings, lines, config.settings);
    if ("sentence" in choice) return choice;
    const isAlways = manifest.origin === "folder" ||
      SHIPPED.some(({ name, on }) => name === manifest.name && on === "always");
    plugins.push({ manifest, choice, isOn: choice.isOn ?? (isAlways || choice.isConfigured) });
  }
  const on = plugins.filter(({ isOn }) => isOn);
  if (on.length > PLUGINS_MAX) return { sentence: `Cannot start: at most ${PLUGINS_MAX} plugins may be on` };
  const clash = findClash(on.map(({ manifest }) => manifest), `/${config.settings["access.stats_path"]}`);
  if (clash !== null) return { sentence: `Cannot start: ${clash}` };
  const passedOver = misnamed.map((file) =>
    `plugins: ${file} is passed over: a plugin's file is named in lower case letters, digits and _, a letter first`
  );
  return { folder, plugins, modules, passedOver };
}

// Two plugins of the folder that claim the same; one of the folder may take what a shipped one has.
function findClash(manifests: readonly PluginManifest[], statsPath: string): string | null {
  const owners = new Map<string, string>();
  for (const { name, origin, file, modes, paths } of manifests) {
    if (paths.includes(statsPath)) return `${file}: the path ${statsPath} is that of the stats (access.stats_path)`;
    for (
      const claim of [
        ...modes.map((mode) => `the stats mode ${mode}`),
        ...paths.map((path) => `the path ${path}`),
      ]
    ) {
      const owner = owners.get(`${origin} ${claim}`);
      if (owner !== undefined) return `the plugins ${owner} and ${name} both have ${claim}`;
      owners.set(`${origin} ${claim}`, name);
    }
  }
  return null;
}
