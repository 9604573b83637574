/** Goes to the directory a tracker runs in: what paths of its config are relative to. */
import { resolve } from "node:path";
import type { Config, Problem } from "../config/config.ts";

/** Goes there. Returns the config as it is to be read from there, or the sentence that says why nobody can. */
export function enterDirectory(config: Config): Config | Problem {
  const path = config.settings["tracker.rootdir"], { configFile } = config;
  // Plugins lie beside it, wherever we go.
  const found = configFile === null || path === "." ? configFile : resolve(configFile);
  try {
    Deno.chdir(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    return { sentence: `Cannot start: tracker.rootdir must be a directory, and is "${path}" (${why})` };
  }
  return { ...config, configFile: found };
}
