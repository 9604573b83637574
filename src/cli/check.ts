/** `tracker check`: says of any tracker whether newTrackon would list it, and why not. */
import { type CheckedTracker, checkTracker } from "../newtrackon/check_tracker.ts";
import { type Names, SYSTEM_NAMES } from "../newtrackon/names.ts";
import { printable } from "../torrent/safe_path.ts";
import { addAskOptions, type AskFlags, readAskOptions } from "./ask_options.ts";
import type { Register } from "./commands.ts";
import { EXIT_NOT_DONE, exitCodeOf, REAL_RIM, sayThrough, type ToolRim } from "./tool_rim.ts";

interface CheckFlags extends AskFlags {
  readonly local?: true;
  readonly json?: true;
}

/** Trackers that are checked at the same time. */
const CHECKS_AT_ONCE = 16;

/** Registers `check` for a given world, where names lead as `names` says. */
export function registerCheck(rim: ToolRim, names: Names): Register {
  return (command, exitWith) => {
    sayThrough(rim, command);
    command
      .summary("check any tracker by newTrackon's rules")
      .description(
        "Asks trackers as newTrackon does before it lists them, over each family that the host has, and says whether " +
          "they would be listed. Each is asked for a random torrent. Exit code 0: all would be; 1: at least one would not.",
      )
      .argument("<url...>", "announce URLs: http, https or udp")
      .option("--local", "leave out what only a tracker on the internet can meet: name, addresses, DNS record")
      .option("--json", "print one JSON object");
    addAskOptions(command);
    command.action(async (urls: string[], flags: CheckFlags) => {
      exitWith(await exitCodeOf(rim, () => check(rim, names, urls, flags)));
    });
  };
}

/** Registers `check` as the program runs it. */
export const register: Register = registerCheck(REAL_RIM, SYSTEM_NAMES);

async function check(rim: ToolRim, names: Names, urls: readonly string[], flags: CheckFlags): Promise<number> {
  const { timeoutSeconds, family } = readAskOptions(flags), { randomBytes } = rim;
  const options = { timeoutSeconds, family, isLocal: flags.local === true, randomBytes, names };
  const checked: CheckedTracker[] = [];
  for (let at = 0; at < urls.length; at += CHECKS_AT_ONCE) {
    const some = await Promise.all(urls.slice(at, at + CHECKS_AT_ONCE).map((url) => checkTracker(url, options)));
    checked.push(...some);
    if (!flags.json) {
      for (const line of some.flatMap((one) => describeChecked(one, options.isLocal))) rim.print(line);
    }
  }
  if (flags.json) rim.print(JSON.stringify({ trackers: checked.map(jsonOfChecked) }));
  return checked.every(({ passes }) => passes) ? 0 : EXIT_NOT_DONE;
}

function describeChecked({ url, passes, why, findings }: CheckedTracker, isLocal: boolean): string[] {
  const yes = isLocal ? "answers as newTrackon wants it" : "would be listed";
  const verdict = passes ? yes : `would not be listed: ${why}`;
  return [
    `${printable(url)}: ${printable(verdict)}`,
    ...findings.map(({ rule, state, says }) => `  ${state.padEnd(11)} ${rule.padEnd(10)} ${printable(says)}`),
  ];
}

function jsonOfChecked({ url, passes, why, listedAs, findings, askings }: CheckedTracker): Record<string, unknown> {
  const answers = askings.map(({ milliseconds, outcome, ...asking }) => ({
    ...asking,
    milliseconds: Math.round(milliseconds),
    ...("kind" in outcome ? { outcome: outcome.kind, reason: outcome.reason } : { outcome: "answer", ...outcome }),
  }));
  return { url, passes, why, listedAs, findings, answers };
}
