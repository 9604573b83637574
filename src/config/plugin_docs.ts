/** The settings of the shipped plugins, for the sample file and the docs: what each declares, as an operator writes it. Pure. */
import type { PluginSetting } from "../plugin/api.ts";
import { describeDefault, describeRange } from "./describe.ts";
import { formatValue } from "./kind.ts";
import { kindOf } from "./plugin_settings.ts";

/** What is told of a plugin. */
export interface DescribedPlugin {
  readonly name: string;
  readonly summary?: string;
  readonly settings?: Readonly<Record<string, PluginSetting>>;
}

/** One setting of one plugin. */
export interface PluginSettingRow {
  /** `plugin.NAME.KEY`. */
  readonly key: string;
  readonly range: string;
  readonly default: string;
  readonly explanation: string;
  /** A value to show. */
  readonly example: string;
  /** The tracker's setting that sets it too. */
  readonly from: string | undefined;
}

/** The rows of a plugin, in the order it declares them. */
export function rowsOfPlugin({ name, settings = {} }: DescribedPlugin): PluginSettingRow[] {
  return Object.entries(settings).map(([key, setting]) => {
    const kind = kindOf(setting), isRepeatable = setting.kind === "texts" || setting.kind === "networks";
    const value = kind.kind === "network" ? null : kind.default;
    return {
      key: `plugin.${name}.${key}`,
      range: isRepeatable ? `${describeRange(kind)}; repeatable` : describeRange(kind),
      default: describeDefault(kind),
      explanation: setting.explanation,
      example: setting.example ?? (value === null ? "" : formatValue(value)),
      from: setting.from,
    };
  });
}
