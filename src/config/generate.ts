/**
 * `deno task generate`: writes the files that are made from the schema and the shipped plugins. A program of its own, run by developers; the
 * tests fail when what is written differs from what the schema says.
 */
import { SHIPPED } from "../../plugins/mod.ts";
import { renderSample } from "./sample.ts";
import { renderSettingsPage } from "./settings_page.ts";

/** The shipped plugins, as they are loaded. */
export const SHIPPED_PLUGINS = await Promise.all(SHIPPED.map(async ({ load }) => (await load()).default));

/** The files made from the schema, by their path from the root of the project. */
export const GENERATED_FILES: Readonly<Record<string, () => string>> = {
  "config/tracker.conf.sample": () => renderSample(SHIPPED_PLUGINS),
  "docs/settings.md": () => renderSettingsPage(SHIPPED_PLUGINS),
};

if (import.meta.main) {
  for (const [path, render] of Object.entries(GENERATED_FILES)) {
    Deno.writeTextFileSync(new URL(`../../${path}`, import.meta.url), render());
  }
}
