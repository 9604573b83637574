/** What the supervisor and a plugin's host say to each other: plain data and shared memory. */
import { HashSet } from "../access/hash_set.ts";
import type { PublishedList } from "../access/list_writer.ts";
import type { Reach } from "../reach.ts";
import type { PluginCandidate, PluginManifest, PluginModules, PluginSpec } from "./plugin_set.ts";

/** What a host's thread is started with: its only way to the outside, which a plugin in it does not see. */
export interface HostThreadStart extends HostStart {
  readonly port: MessagePort;
}

/** What a host is started for. */
export interface HostStart {
  readonly job: HostJob;
  readonly modules: PluginModules;
  readonly limits: HostLimits;
  /** The plugin has run before: one that cannot start any more is tried again, as one that died is. */
  readonly isAgain: boolean;
}

/** How long a thread of plugins is waited for. */
export interface HostLimits {
  /** Without a sign of life for this long, it is ended. */
  readonly silentMsMax: number;
  /** Time it has for what it was asked to do: to look at plugins, to start one, to load its lists again. */
  readonly loadMsMax: number;
}

/** Look at plugins and say what they are, load them and no more, or run one. */
export type HostJob =
  | { readonly kind: "describe"; readonly candidates: readonly PluginCandidate[] }
  /** `isHost`: as their hosts load them; otherwise as fronts and the office do. */
  | { readonly kind: "try"; readonly plugins: readonly PluginSpec[]; readonly isHost: boolean }
  | {
    readonly kind: "run";
    readonly spec: PluginSpec;
    /** Two secret words for the places of info hashes. */
    readonly listKey: Int32Array;
    /** Rings of the fronts; none when the plugin observes nothing. */
    readonly rings: readonly SharedArrayBuffer[];
    readonly counters: SharedArrayBuffer;
    /** Its thread's number in the counters. */
    readonly thread: number;
  };

/** To a running host. */
export type ToHost =
  /** Load your lists again. */
  | { readonly type: "reload" }
  /** All fronts have the lists published up to this one. */
  | { readonly type: "inForce"; readonly serial: number }
  | { readonly type: "stop" }
  /** What can you reach? */
  | { readonly type: "reach" }
  | { readonly type: "ping" };

/** From a host. */
export type FromHost =
  | { readonly type: "described"; readonly manifests: readonly PluginManifest[] }
  /** The plugins that were to be tried have loaded. */
  | { readonly type: "tried" }
  | { readonly type: "started" }
  /** The plugin is at fault: file, line and reason. */
  | { readonly type: "fault"; readonly sentence: string }
  /** New lists, which every front is to take at once. */
  | { readonly type: "published"; readonly lists: readonly PublishedList[]; readonly serial: number }
  | { readonly type: "reloaded"; readonly fault: string | null }
  | { readonly type: "log"; readonly line: string }
  /** The plugin's thread came to its end and is started again. */
  | { readonly type: "died"; readonly why: string }
  | { readonly type: "stopped" }
  | { readonly type: "reaches"; readonly reach: Reach }
  /** `outsideBytes`: what the thread holds outside of its heap, shared memory apart. `wasHeapFull`: see heap_limit.ts. */
  | { readonly type: "pong"; readonly outsideBytes: number; readonly wasHeapFull: boolean };

/** By type: whether the rest of a message is what it must be. */
const IS_WHOLE: Readonly<Record<FromHost["type"], (message: Readonly<Record<string, unknown>>) => boolean>> = {
  described: ({ manifests }) => Array.isArray(manifests),
  tried: () => true,
  started: () => true,
  fault: ({ sentence }) => typeof sentence === "string",
  published: ({ lists, serial }) =>
    Array.isArray(lists) && lists.every(isPublishedList) && Number.isSafeInteger(serial),
  reloaded: ({ fault }) => fault === null || typeof fault === "string",
  log: ({ line }) => typeof line === "string",
  // Said by who watches the thread, never by itself.
  died: () => false,
  stopped: () => true,
  reaches: ({ reach }) => typeof reach === "object" && reach !== null,
  pong: ({ outsideBytes, wasHeapFull }) => Number.isFinite(outsideBytes) && typeof wasHeapFull === "boolean",
};

/** Whether `message` is one that a host's thread sends. A plugin may have got at what our code in it is made of. */
export function isFromThread(message: unknown): message is FromHost {
  if (typeof message !== "object" || message === null) return false;
  const { type } = message as { readonly type?: unknown };
  return typeof type === "string" && Object.hasOwn(IS_WHOLE, type) &&
    IS_WHOLE[type as FromHost["type"]](message as Record<string, unknown>);
}

function isPublishedList(list: unknown): list is PublishedList {
  if (typeof list !== "object" || list === null) return false;
  const { kind, memory } = list as Readonly<Record<string, unknown>>;
  return (kind === "allow" || kind === "deny") && memory instanceof SharedArrayBuffer && HashSet.fits(memory);
}
