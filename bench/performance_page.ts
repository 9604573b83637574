/** Puts results into docs/performance.md, between its markers; what people wrote around them stays. */
import { runProgram } from "./program.ts";

const PAGE = new URL("../docs/performance.md", import.meta.url);
const BEGIN = "<!-- bench: begin -->";
const END = "<!-- bench: end -->";

/** Replaces the results in the page with `report`, markdown. Throws if the page has no place for them. */
export async function writePerformancePage(report: string): Promise<void> {
  const page = await Deno.readTextFile(PAGE);
  const begin = page.indexOf(BEGIN), end = page.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot write the results: docs/performance.md must hold the lines ${BEGIN} and ${END}`);
  }
  await Deno.writeTextFile(PAGE, `${page.slice(0, begin)}${BEGIN}\n\n${report}\n\n${page.slice(end)}`);
  await runProgram(Deno.execPath(), ["fmt", "--quiet", PAGE.pathname]);
}
