/** `tracker plugins`: what would load with a config, checked without serving. */
import { readConfigFile } from "../config/read.ts";
import { choosePlugins, type ChosenPlugin, describeChoice } from "../plugin_choice.ts";
import type { Register } from "./commands.ts";
import { readSteps } from "./serve_steps.ts";

/** Exit code for an operator's mistake. */
const EXIT_MISTAKE = 1;

/** Registers the command. */
export const register: Register = (command, exitWith) => {
  command
    .summary("list the plugins that would load, and check them")
    .description("Lists every plugin, its slots and what it may reach, checked against the config.")
    .option("-f <config>", "config file to check against")
    .option("-d <dir>", "directory the tracker would run in")
    .action(async ({ f, d }: { f?: string; d?: string }) => exitWith(await listPlugins(f, d)));
};

async function listPlugins(configFile: string | undefined, folder: string | undefined): Promise<number> {
  const steps = [];
  if (configFile !== undefined) steps.push({ letter: "f", text: configFile });
  if (folder !== undefined) steps.push({ letter: "d", text: folder });
  const { outcome, warnings } = readSteps(steps, readConfigFile);
  for (const warning of warnings) console.error(warning);
  if (outcome.kind !== "serve") {
    console.error("sentence" in outcome ? outcome.sentence : outcome.kind);
    return EXIT_MISTAKE;
  }
  if (folder !== undefined) Deno.chdir(folder);
  const chosen = await choosePlugins(outcome.config);
  if ("sentence" in chosen) {
    console.error(chosen.sentence);
    return EXIT_MISTAKE;
  }
  for (const plugin of chosen.plugins) console.log(formatPlugin(plugin));
  for (const line of chosen.passedOver) console.error(line);
  return 0;
}

function formatPlugin(plugin: ChosenPlugin): string {
  const { name, origin, summary } = plugin.manifest;
  return `${plugin.isOn ? "on " : "off"} ${name} (${origin}): ${summary || "says nothing of itself"}\n` +
    `    ${describeChoice(plugin)}`;
}
