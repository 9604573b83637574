/**
 * Checks the lines of one plugin against the schema it declares, and says what it may reach. Pure. A mistake comes back
 * as a `Problem`, as everywhere in the config.
 */
import type { PluginSetting } from "../plugin/api.ts";
import type { SettingValue, SettingValues } from "../plugin/settings.ts";
import type { Network } from "./address.ts";
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
  /** FIFOs to make where there are none. */
  readonly fifos: readonly string[];
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

/** Reads `lines`, which are all of the plugin `name`. */
export function choosePlugin(
  name: string,
  schema: Readonly<Record<string, PluginSetting>>,
  lines: readonly PluginLine[],
  settings: Settings,
): PluginChoice | Problem {
  const values: Record<string, SettingValue> = {};
  let isConfigured = false, isOn: boolean | undefined;
  for (const [key, setting] of Object.entries(schema)) {
    const fed = setting.from !== undefined && isSettingKey(setting.from)
      ? settings[setting.from as keyof Settings] as SettingValue
      : null;
    const isFed = Array.isArray(fed) ? fed.length > 0 : typeof fed === "string" && "default" in setting &&
      setting.default === null;
    isConfigured ||= isFed;
    values[key] = fed ?? defaultOf(setting);
  }
  const fifos: string[] = [];
  const grants = { read: [] as string[], write: [] as string[], net: [] as string[] };
  for (const { key, text, place } of lines) {
    if (key === "") {
      const on = readValue({ kind: "boolean", default: true }, text);
      if ("wish" in on) return badValue(`plugin.${name}`, on.wish, text, place);
      isOn = on.value as boolean;
      continue;
    }
    if (key === ALLOW && !Object.hasOwn(schema, ALLOW)) {
      const [kind, what] = text.split(/\s+(.*)/, 2);
      if (what === undefined || !GRANTS.includes(kind as "read")) {
        return badValue(`plugin.${name}.allow`, "read PATH, write PATH or net HOST[:PORT]", text, place);
      }
      grants[kind as "read"].push(what);
      continue;
    }
    if (!Object.hasOwn(schema, key)) {
      return { sentence: `Cannot start: plugin ${name} has no setting ${shorten(key)}${formatPlace(place)}` };
    }
    const problem = apply(values, name, key, schema[key]!, text, place);
    if (problem !== null) return problem;
    isConfigured = true;
  }
  for (const [key, setting] of Object.entries(schema)) {
    const path = values[key];
    if (setting.kind !== "path" || typeof path !== "string") continue;
    grants.read.push(path);
    if (setting.write || setting.fifo) grants.write.push(path);
    if (setting.fifo) fifos.push(path);
  }
  return { values, isConfigured, isOn, grants, fifos };
}

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
