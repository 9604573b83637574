/** Plugins: whether those that are wanted would load, and whether the tracker's user can read them at a reload. */
import { fileURLToPath } from "node:url";
import { choosePlugins, tryPlugins } from "../plugin_choice.ts";
import type { Examined } from "./examined.ts";
import { type Found, ok, problem } from "./finding.ts";
import { findRunAs, READ, refuseAccess } from "./run_as.ts";

/** Loads them as the tracker would, in threads of their own that serve nobody. */
export async function checkPlugins(examined: Examined): Promise<Found[]> {
  const chosen = await choosePlugins(examined.config), user = findRunAs(examined);
  const fault = "sentence" in chosen ? chosen.sentence : await tryPlugins(chosen, true);
  if ("sentence" in chosen || fault !== null) {
    return [problem(fault!.replace(/^Cannot start: /, ""), "tracker plugins -f CONFIG   # lists what would load")];
  }
  const on = chosen.plugins.filter(({ isOn }) => isOn).map(({ manifest }) => manifest.name);
  const files = [...chosen.modules.keys()].filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
  const refused = user === null
    ? null
    : files.map((path) => refuseAccess(user, path, READ)).find((refused) => refused !== null);
  if (refused) return [problem(refused.why, ...refused.commands)];
  const folder = files.length === 0 ? "" : `; ${files.length} files in ${chosen.folder} can be read`;
  return [ok(`${on.length} would load: ${on.join(", ")}${folder}`)];
}
