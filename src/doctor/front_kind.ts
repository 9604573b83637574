/** Which kind of front would run, and on what. */
import type { Examined } from "./examined.ts";
import { formatCount, type Found, ok, warning } from "./finding.ts";

/** Looks at the runtime and the fronts. */
export function checkFront({ config, fronts, portableBecause, runtime }: Examined): Found[] {
  const wanted = config.settings["tracker.front"], count = formatCount(fronts, "front");
  if (portableBecause === null) return [ok(`${count} of the fast kind (linux) on ${runtime}`)];
  if (wanted === "portable") return [ok(`${count} of the portable kind on ${runtime}, as tracker.front asks`)];
  const slower = "about half as fast, and one thread answers UDP";
  return [warning(`${count} of the portable kind on ${runtime}, ${slower}: ${portableBecause}`)];
}
