/**
 * Which plugins run and with which settings: the shipped table and the plugins folder, looked at and checked against the
 * config, and tried. Plugins of the folder are looked at in a thread that may reach nothing; only what they say comes out.
 */
import { SHIPPED } from "../plugins/mod.ts";
import { badValue, type Config, type Problem } from "./config/config.ts";
import { choosePlugin, type PluginChoice, type PluginGrants } from "./config/plugin_settings.ts";
import { PartThread } from "./part_thread.ts";
import { hostPermissions } from "./permissions.ts";
import { findPluginFolder, type PluginFolder, readPluginFolder } from "./plugin/folder.ts";
import type { FromHost, HostJob, HostLimits } from "./plugin/host_messages.ts";
import { describePlugin, preload } from "./plugin/load.ts";
import {
  FRONT_SLOTS,
  HOST_SLOTS,
  OFFICE_SLOTS,
  type PluginCandidate,
  PluginFault,
  type PluginManifest,
  type PluginModules,
  PLUGINS_MAX,
  type PluginSpec,
  type SlotName,
  withSlots,
} from "./plugin/plugin_set.ts";
import { refuseManifest } from "./plugin/shape.ts";

/** Time a thread of a plugin may be without a sign of life. */
const SILENT_MS_MAX = 10_000;
/** Time a plugin's host has to load its lists and start, and to load them again. */
const LOAD_MS_MAX = 120_000;
/** How long threads of plugins are waited for. */
export const HOST_LIMITS: HostLimits = { silentMsMax: SILENT_MS_MAX, loadMsMax: LOAD_MS_MAX };

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
export async function choosePlugins(config: Config, limits = HOST_LIMITS): Promise<ChosenPlugins | Problem> {
  const folder = findPluginFolder(config.settings["plugins.dir"], config.configFile);
  try {
    const names = SHIPPED.map(({ name }) => name), found = readPluginFolder(folder, names);
    // Only the default may be absent: a folder that somebody names has a plugin that somebody relies on.
    if (!found.isThere && config.given.has("plugins.dir")) {
      const wish = "a folder that is there, beside the config file or in tracker.rootdir";
      return badValue("plugins.dir", wish, folder, config.given.get("plugins.dir"));
    }
    const manifests = [...await describeShipped(found), ...await describeFolder(found, limits)];
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
    [...new Set([...manifest.permissions[kind] ?? [], ...choice.withheld[kind]])]
      .filter((what) => !choice.grants[kind].includes(what)).map((what) => `${kind} ${what}`)
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

async function describeFolder({ candidates, modules }: PluginFolder, limits: HostLimits): Promise<PluginManifest[]> {
  if (candidates.length === 0) return [];
  const said = await askThread({ kind: "describe", candidates }, modules, NOTHING, limits);
  const manifests = said.type === "described" ? said.manifests : [];
  // Where and who they are is known; what they say of themselves comes from a thread that has run them.
  return candidates.map((candidate, i) => {
    const found = manifests[i], why = refuseManifest(found);
    if (why !== null) throw new PluginFault(candidate.file, why);
    return { ...found!, ...candidate };
  });
}

/**
 * Loads the plugins that are on as the threads would that run their slots, `prepare` included, in threads of their own.
 * `andHosts`: also as their hosts would, which a start of those does as well. Returns null, or what is at fault.
 */
export async function tryPlugins(
  chosen: ChosenPlugins,
  andHosts: boolean,
  limits = HOST_LIMITS,
): Promise<string | null> {
  const specs = chosen.plugins.filter(({ isOn }) => isOn).map((plugin, index) => specOf(plugin, index));
  const attempt = async (slots: readonly SlotName[], grants: PluginGrants, names: readonly string[]) => {
    const { modules, plugins } = withSlots({ modules: chosen.modules, plugins: specs }, slots);
    const tried = plugins.filter(({ name }) => names.includes(name)), isHost = slots === HOST_SLOTS;
    if (tried.length > 0) await askThread({ kind: "try", plugins: tried, isHost }, modules, grants, limits);
  };
  try {
    await attempt([...FRONT_SLOTS, ...OFFICE_SLOTS], NOTHING, specs.map(({ name }) => name));
    if (!andHosts) return null;
    for (const { manifest, choice } of chosen.plugins) await attempt(HOST_SLOTS, choice.grants, [manifest.name]);
    return null;
  } catch (error) {
    if (!(error instanceof PluginFault)) throw error;
    return error.message;
  }
}

/** A plugin as its threads are told of it. `index`: its row in the plugins' counters. */
export function specOf({ manifest, choice }: ChosenPlugin, index: number): PluginSpec {
  const { name, origin, file, url, slots, modes, paths } = manifest;
  return { name, origin, file, url, slots, modes, paths, values: choice.values, index };
}

const NOTHING: PluginGrants = { read: [], write: [], net: [] };

// Has a thread of its own do `job`. Returns what it said when it was done; throws a PluginFault when it could not.
async function askThread(
  job: HostJob,
  modules: PluginModules,
  grants: PluginGrants,
  limits: HostLimits,
): Promise<FromHost> {
  let last = "plugins";
  const { promise, resolve } = Promise.withResolvers<FromHost | string>();
  const hear = (message: FromHost) => {
    if (message.type === "log") last = message.line;
    else if (message.type !== "fault") resolve(message);
    else resolve(message.sentence.includes(": ") ? message.sentence : `${last}: ${message.sentence}`);
  };
  const thread = new PartThread({
    name: "plugin check",
    permissions: hostPermissions(grants),
    givesWay: "first",
    begin: (part) => part.post({ type: "startHost", start: { job, modules, limits, isAgain: false } }),
    hear: (message) => message.type === "fromHost" && hear(message.message),
    onFailure: () => resolve(`${last}: the thread that looked at it failed`),
  });
  await thread.start();
  const result = await promise;
  await thread.stop();
  if (typeof result === "string") throw new PluginFault(result);
  return result;
}

function chooseAll(
  folder: string,
  manifests: readonly PluginManifest[],
  { modules, misnamed }: PluginFolder,
  config: Config,
): ChosenPlugins | Problem {
  const stray = config.pluginLines.find(({ plugin }) => !manifests.some(({ name }) => name === plugin));
  if (stray !== undefined) {
    const sentence = `Cannot start: there is no plugin ${stray.plugin} in ${folder} (${stray.place})`;
    return { sentence, isMistake: true };
  }
  const plugins: ChosenPlugin[] = [];
  for (const manifest of manifests) {
    const lines = config.pluginLines.filter(({ plugin }) => plugin === manifest.name);
    const hasPlaceOfOurs = manifest.origin === "folder" && SHIPPED.some(({ name }) => name === manifest.name);
    const claims = { ...manifest, origin: hasPlaceOfOurs ? "replacement" as const : manifest.origin };
    const choice = choosePlugin(claims, lines, config.settings);
    if ("sentence" in choice) return { ...choice, isMistake: true };
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
