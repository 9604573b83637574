/** What threads are told of plugins: plain data, so that it can be sent. Nothing of it is code but the sources. */
import type { PluginPermissions, PluginSetting } from "./api.ts";
import type { SettingValues } from "./settings.ts";

/** The slots, in the order they are shown. */
export const SLOTS = [
  "accessList",
  "clientAddress",
  "admitAnnounce",
  "admitScrape",
  "shapeAnnounce",
  "stats",
  "routes",
  "afterAnnounce",
  "start",
  "stop",
  "reload",
] as const;

/** Name of a slot. */
export type SlotName = typeof SLOTS[number];

/** Slots that run in fronts, in the office and in a host of their own. */
export const FRONT_SLOTS: readonly SlotName[] = ["clientAddress", "admitAnnounce", "admitScrape", "shapeAnnounce"];
/** See FRONT_SLOTS. */
export const OFFICE_SLOTS: readonly SlotName[] = ["stats", "routes"];
/** See FRONT_SLOTS. */
export const HOST_SLOTS: readonly SlotName[] = ["accessList", "afterAnnounce", "start", "stop", "reload"];

/** Most plugins: counters have a row for each. */
export const PLUGINS_MAX = 64;

/** A plugin that may be loaded. */
export interface PluginCandidate {
  readonly name: string;
  readonly origin: "shipped" | "folder";
  /** For messages: `plugins/client_filter.ts`. */
  readonly file: string;
  /** Address of the module; of a shipped one, its name. */
  readonly url: string;
}

/** What a plugin says of itself. */
export interface PluginManifest extends PluginCandidate {
  readonly summary: string;
  readonly slots: readonly SlotName[];
  readonly settings: Readonly<Record<string, PluginSetting>>;
  readonly permissions: PluginPermissions;
  /** Modes and paths, for finding two plugins that claim the same. */
  readonly modes: readonly string[];
  readonly paths: readonly string[];
}

/** A plugin as a thread loads it. */
export interface PluginSpec extends PluginCandidate {
  readonly slots: readonly SlotName[];
  readonly modes: readonly string[];
  readonly paths: readonly string[];
  readonly values: SettingValues;
  /** Its row in the plugins' counters. */
  readonly index: number;
  /** It has held this thread up, and is not loaded into it: its slots fail. */
  readonly isOut?: true;
}

/** Texts of the modules of a folder by their address: what plugins may import, whole and unchanging. */
export type PluginModules = ReadonlyMap<string, string>;

/** Plugins for one thread. */
export interface PluginSet {
  readonly modules: PluginModules;
  readonly plugins: readonly PluginSpec[];
}

/** A plugin cannot be used: the author's or operator's to mend. The message is a sentence. */
export class PluginFault extends Error {
  /** `where`: file, with line where it is known; without `why`, the whole sentence. */
  constructor(where: string, why?: string) {
    super(why === undefined ? where : `${where}: ${why}`);
  }
}

/** The specs of `set` that fill one of `slots`. */
export function withSlots(set: PluginSet, slots: readonly SlotName[]): PluginSet {
  return { modules: set.modules, plugins: set.plugins.filter((plugin) => plugin.slots.some((s) => slots.includes(s))) };
}
