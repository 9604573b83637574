/**
 * The shipped plugins: the table that the executable embeds. `on`: a plugin that is always on, or one that is when the
 * config sets something for it. `plugin.NAME on` and `off` overrule both.
 */
import type { Plugin } from "../src/plugin/api.ts";

/** One shipped plugin. */
export interface ShippedPlugin {
  readonly name: string;
  readonly on: "always" | "when set";
  /** Loads the module. The import is a literal, so that it is embedded and needs no permission. */
  readonly load: () => Promise<{ readonly default: Plugin }>;
}

/** Every shipped plugin, in the order their slots are asked. */
export const SHIPPED: readonly ShippedPlugin[] = [
  { name: "accesslist", on: "when set", load: () => import("./accesslist.ts") },
  { name: "ip_from_proxy", on: "when set", load: () => import("./ip_from_proxy.ts") },
  { name: "ip_from_query", on: "when set", load: () => import("./ip_from_query.ts") },
  { name: "passkey", on: "when set", load: () => import("./passkey.ts") },
  { name: "client_filter", on: "when set", load: () => import("./client_filter.ts") },
  { name: "stats_opentracker", on: "always", load: () => import("./stats_opentracker.ts") },
  { name: "stats_json", on: "always", load: () => import("./stats_json.ts") },
  { name: "stats_prometheus", on: "always", load: () => import("./stats_prometheus.ts") },
];
