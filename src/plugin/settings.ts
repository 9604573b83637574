/** The checked settings of a plugin: plain data between threads, and what a plugin reads them through. */
import { type NetworkRange, NetworkSet } from "../access/networks.ts";
import type { Networks, PluginSettings } from "./api.ts";

/** One value. */
export type SettingValue = number | boolean | string | null | readonly string[] | readonly NetworkRange[];

/** Values by key, of the kinds of the plugin's schema. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

/** What a plugin reads `values` through. A key or a kind that is not in its schema throws. */
export function openSettings(values: SettingValues): PluginSettings {
  const networks = new Map<string, Networks>();
  const value = <T extends SettingValue>(key: string, isKind: (value: SettingValue) => value is T): T => {
    const found = Object.hasOwn(values, key) ? values[key]! : undefined;
    if (found === undefined || !isKind(found)) throw new Error(`no setting ${key} of this kind in the plugin's schema`);
    return found;
  };
  return {
    integer: (key) => value(key, (value) => typeof value === "number"),
    boolean: (key) => value(key, (value) => typeof value === "boolean"),
    text: (key) => value(key, (value) => value === null || typeof value === "string"),
    texts: (key) => value(key, (value): value is readonly string[] => Array.isArray(value)),
    networks: (key) => {
      let set = networks.get(key);
      if (set === undefined) {
        set = new NetworkSet(value(key, (value): value is readonly NetworkRange[] => Array.isArray(value)));
        networks.set(key, set);
      }
      return set;
    },
  };
}
