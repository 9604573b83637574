/** What the supervisor and a plugin's host say to each other: plain data and shared memory. */
import type { PublishedList } from "../access/list_writer.ts";
import type { PluginCandidate, PluginManifest, PluginModules, PluginSpec } from "./plugin_set.ts";

/** What a host is started for. */
export interface HostStart {
  readonly job: HostJob;
  readonly modules: PluginModules;
  /** Without a sign of life for this long, the plugin is ended. */
  readonly silentMsMax: number;
}

/** Look at plugins and say what they are, or run one. */
export type HostJob =
  | { readonly kind: "describe"; readonly candidates: readonly PluginCandidate[] }
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
  | { readonly type: "ping" };

/** From a host. */
export type FromHost =
  | { readonly type: "described"; readonly manifests: readonly PluginManifest[] }
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
  /** `outsideBytes`: what the thread holds outside of its heap, shared memory apart. */
  | { readonly type: "pong"; readonly outsideBytes: number };
