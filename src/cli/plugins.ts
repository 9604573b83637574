/** `tracker plugins`: what would load with a config, checked without serving. */
import { isAbsolute, join } from "node:path";
import type { Config, Problem } from "../config/config.ts";
import { readConfigFile } from "../config/read.ts";
import { choosePlugins, type ChosenPlugin, describeChoice, tryPlugins } from "../plugin_choice.ts";
import { enterAndPlan } from "../privileges/plan.ts";
import type { Register } from "./commands.ts";
import { readSteps } from "./serve_steps.ts";

/** Exit code for an operator's mistake. */
const EXIT_MISTAKE = 1;

/** Registers the command. */
export const register: Register = (command, exitWith) => {
  command
    .summary("list the plugins that would load, and check them")
    .description("Lists every plugin, its slots and what it may reach, and loads them as serve would, without serving.")
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
  const config = enterAsServed(outcome.config), chosen = "sentence" in config ? config : await choosePlugins(config);
  const fault = "sentence" in chosen ? chosen.sentence : await tryPlugins(chosen, true);
  if ("sentence" in chosen || fault !== null) {
    console.error(fault!.startsWith("Cannot start: ") ? fault : `Cannot start: ${fault}`);
    return EXIT_MISTAKE;
  }
  for (const plugin of chosen.plugins) console.log(formatPlugin(plugin));
  for (const line of chosen.passedOver) console.error(line);
  return 0;
}

// The config as a start would read it: from its directory, and from inside it where root would be left for that.
function enterAsServed(config: Config): Config | Problem {
  const plan = enterAndPlan(config);
  if ("sentence" in plan) return plan;
  if (plan.kind === "stay" || !plan.confines) return plan.config;
  const { root, config: { settings, configFile } } = plan, folder = settings["plugins.dir"];
  return {
    ...plan.config,
    configFile: configFile === null ? null : join(root, configFile),
    settings: { ...settings, "plugins.dir": isAbsolute(folder) ? join(root, folder) : folder },
  };
}

function formatPlugin(plugin: ChosenPlugin): string {
  const { name, origin, summary } = plugin.manifest;
  return `${plugin.isOn ? "on " : "off"} ${name} (${origin}): ${summary || "says nothing of itself"}\n` +
    `    ${describeChoice(plugin)}`;
}
