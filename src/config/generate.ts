/**
 * `deno task generate`: writes the files that are made from the schema. A program of its own, run by developers; the
 * tests fail when what is written differs from what the schema says.
 */
import { renderSample } from "./sample.ts";
import { renderSettingsPage } from "./settings_page.ts";

/** The files made from the schema, by their path from the root of the project. */
export const GENERATED_FILES: Readonly<Record<string, () => string>> = {
  "config/tracker.conf.sample": renderSample,
  "docs/settings.md": renderSettingsPage,
};

if (import.meta.main) {
  for (const [path, render] of Object.entries(GENERATED_FILES)) {
    Deno.writeTextFileSync(new URL(`../../${path}`, import.meta.url), render());
  }
}
