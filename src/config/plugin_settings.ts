/**
 * Checks the lines of one plugin against the schema it declares, and says what it may reach. Pure. A mistake comes back
 * as a `Problem`, as everywhere in the config.
 */
import type { PluginSetting } from "../plugin/api.ts";
import type { SettingValue, SettingValues } from "../plugin/settings.ts";
import { isHostPort, type Network } from "./address.ts";
import { badValue, formatPlace, type PluginLine, type Problem, shorten } from "./config.ts";
import { type Kind, readValue } from "./kind.ts";
import { isSettingKey, type Settings } from "./schema.ts";

/** What an operator has settled for a plugin. */
export interface PluginChoice {
  readonly values: SettingValues;
  /** Whether any of its settings is set, here or by the tracker's setting it is fed `from`. */
  readonly isConfigured: boolean;
  /** `plugin.NAME on` or `off`; undefined = not said. */
  readonly isOn: boolean | undefined;
  readonly grants: PluginGrants;
  /** Paths that the plugin has from itself or from a setting of the tracker: no line of the config grants them to it. */
  readonly withheld: PluginGrants;
  /** FIFOs to make where there are none, and the settings that name them. */
  readonly fifos: readonly { readonly path: string; readonly setting: string }[];
}

/** What a plugin's host may reach. */
export interface PluginGrants {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly net: readonly string[];
}

/** Key of the lines that grant. */
const ALLOW = "allow";
/** Kinds of grant, as written. */
const GRANTS = ["read", "write", "net"] as const;
const GRANT_WISH = "read PATH, write PATH or net HOST[:PORT] (an IPv6 HOST in brackets)";

/** Settings of the tracker that are for a plugin begin so. */
const FOR_PLUGINS = "access.";

/** Who the plugin is, and what it declares. */
export interface PluginClaims {
  readonly name: string;
  /**
   * One of ours may reach what the settings of the tracker that feed it name, and one of the folder that has taken the
   * place of one of ours what those for plugins name; any other, what is named to it.
   */
  readonly origin: "shipped" | "replacement" | "folder";
  readonly settings: Readonly<Record<string, PluginSetting>>;
}

/** Reads `lines`, which are all of the plugin. */
export function choosePlugin(
  { name, origin, settings: schema }: PluginClaims,
  lines: readonly PluginLine[],
  settings: Settings,
): PluginChoice | Problem {
  const values: Record<string, SettingValue> = {};
  let isConfigured = false, isOn: boolean | undefined;
  for (const [key, setting] of Object.entries(schema)) {
    if (setting.from !== undefined && !isSettingKey(setting.from)) {
      return {
        sentence: `Cannot start: plugin ${name}: settings.${key} is from ${
          shorten(setting.from)
        }, which is no setting of the tracker`,
      };
    }
    const fed = setting.from !== undefined ? settings[setting.from as keyof Settings] as SettingValue : null;
    const isFed = Array.isArray(fed) ? fed.length > 0 : typeof fed === "string" && "default" in setting &&
      setting.default === null;
    isConfigured ||= isFed;
    values[key] = fed ?? defaultOf(setting);
  }
  const fifos: { path: string; setting: string }[] = [], named = new Set<string>();
  const grants = noGrants(), withheld = noGrants();
  for (const { key, text, place } of lines) {
    if (key === "") {
      const on = readValue({ kind: "boolean", default: true }, text);
      if ("wish" in on) return badValue(`plugin.${name}`, on.wish, text, place);
      isOn = on.value as boolean;
      continue;
    }
    if (key === ALLOW && !Object.hasOwn(schema, ALLOW)) {
      const [kind, what] = text.split(/\s+(.*)/, 2);
      if (what === undefined || !GRANTS.includes(kind as "read") || kind === "net" && !isHostPort(what)) {
        return badValue(`plugin.${name}.allow`, GRANT_WISH, text, place);
      }
      grants[kind as "read"].push(what);
      continue;
    }
    if (!Object.hasOwn(schema, key)) {
      return { sentence: `Cannot start: plugin ${name} has no setting ${shorten(key)}${formatPlace(place)}` };
    }
    const problem = apply(values, name, key, schema[key]!, text, place);
    if (problem !== null) return problem;
    named.add(key);
    isConfigured = true;
  }
  for (const [key, setting] of Object.entries(schema)) {
    const path = values[key];
    if (setting.kind !== "path" || typeof path !== "string") continue;
    const isForIt = origin === "replacement" && setting.from?.startsWith(FOR_PLUGINS) && path !== setting.default;
    const isGranted = origin === "shipped" || isForIt || named.has(key), list = isGranted ? grants : withheld;
    list.read.push(path);
    if (setting.write || setting.fifo) list.write.push(path);
    const own = `plugin.${name}.${key}`;
    if (setting.fifo && isGranted) fifos.push({ path, setting: named.has(key) ? own : setting.from ?? own });
  }
  return { values, isConfigured, isOn, grants, withheld, fifos };
}

const noGrants = () => ({ read: [] as string[], write: [] as string[], net: [] as string[] });

function defaultOf(setting: PluginSetting): SettingValue {
  return "default" in setting ? setting.default : [];
}

function apply(
  values: Record<string, SettingValue>,
  name: string,
  key: string,
  setting: PluginSetting,
  text: string,
  place: string,
): Problem | null {
  const reading = readValue(kindOf(setting), text);
  if ("wish" in reading) return badValue(`plugin.${name}.${key}`, reading.wish, text, place);
  if (setting.kind === "networks") values[key] = [...values[key] as readonly Network[], reading.value as Network];
  else if (setting.kind === "texts") values[key] = [...values[key] as readonly string[], reading.value as string];
  else values[key] = reading.value as SettingValue;
  return null;
}

/** What one line of a plugin's setting is read as. */
export function kindOf(setting: PluginSetting): Kind {
  switch (setting.kind) {
    case "texts":
      return { kind: "text", default: null };
    case "networks":
      return { kind: "network", default: [], repeatable: true };
    default:
      return setting;
  }
}
