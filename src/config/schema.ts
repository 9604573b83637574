/**
 * Every setting of the tracker, once: key, kind, default, limits and explanation. The types of the settings, the
 * reader, the command line, config/tracker.conf.sample and docs/settings.md all come from this table. Keys are
 * opentracker's where it has one.
 */
import type { Address, Network } from "./address.ts";
import type { Kind } from "./kind.ts";
import type { Entry } from "./row.ts";
import { RULE_SETTINGS } from "./rule_settings.ts";
import { SERVING_SETTINGS } from "./serving_settings.ts";

/** The table, in the order it is shown. */
export const SETTINGS = { ...SERVING_SETTINGS, ...RULE_SETTINGS } as const;

/** Key of a setting, as written in a config file. */
export type SettingKey = keyof typeof SETTINGS;

/** Keys whose lines open listeners rather than set a value. */
export type ListenKey = { [K in SettingKey]: Row<K>["kind"] extends "listen" ? K : never }[SettingKey];

/** The value of every setting. A repeatable one is an array; null = not set. */
export type Settings = { readonly [K in Exclude<SettingKey, ListenKey>]: SettingValue<Row<K>> };

/** Every key, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** The row of `key`, as any row. */
export function rowOf(key: SettingKey): Kind & Entry {
  return SETTINGS[key];
}

/** Whether `text` is the key of a setting. Case matters. */
export function isSettingKey(text: string): text is SettingKey {
  return Object.hasOwn(SETTINGS, text);
}

type Row<K extends SettingKey> = typeof SETTINGS[K];

type SettingValue<R> = R extends { readonly repeatable: true } ? readonly One<R>[]
  : R extends { readonly default: null } ? One<R> | null
  : One<R>;

type One<R> = R extends { readonly kind: "integer" } ? number
  : R extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] } ? Choice
  : R extends { readonly kind: "boolean" } ? boolean
  : R extends { readonly kind: "network" } ? Network
  : R extends { readonly kind: "address" | "listen" } ? Address
  : string;
