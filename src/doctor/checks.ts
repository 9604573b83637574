/** Every check of the doctor, in the order they are shown. */
import { checkListenBacklog, checkPacketBacklog } from "./backlogs.ts";
import { checkClock } from "./clock.ts";
import { checkConntrack } from "./conntrack.ts";
import type { Examined } from "./examined.ts";
import { checkFileLimit } from "./file_limit.ts";
import { type Finding, type Found, warning } from "./finding.ts";
import { checkFront } from "./front_kind.ts";
import { checkIpv6 } from "./ipv6.ts";
import { checkFiles } from "./list_files.ts";
import { checkListeners } from "./listeners.ts";
import { checkListenLosses, checkUdpLosses } from "./losses.ts";
import { checkMemory } from "./memory.ts";
import { checkPlugins } from "./plugins.ts";
import { checkSocketBuffers } from "./socket_buffers.ts";
import { checkStateFile } from "./state_file.ts";

/** One check. */
export interface Check {
  /** As it is shown, and as the table of docs/operating.md has it. */
  readonly name: string;
  readonly run: (examined: Examined) => readonly Found[] | Promise<readonly Found[]>;
}

/** The table. */
export const CHECKS: readonly Check[] = [
  { name: "config", run: checkConfig },
  { name: "front", run: checkFront },
  { name: "listeners", run: checkListeners },
  { name: "file limit", run: checkFileLimit },
  { name: "memory", run: checkMemory },
  { name: "files", run: checkFiles },
  { name: "state", run: checkStateFile },
  { name: "plugins", run: checkPlugins },
  { name: "socket buffers", run: checkSocketBuffers },
  { name: "packet backlog", run: checkPacketBacklog },
  { name: "listen backlog", run: checkListenBacklog },
  { name: "conntrack", run: checkConntrack },
  { name: "udp losses", run: checkUdpLosses },
  { name: "tcp losses", run: checkListenLosses },
  { name: "ipv6", run: checkIpv6 },
  { name: "clock", run: checkClock },
];

/** Runs all of them. */
export async function runChecks(examined: Examined): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, run } of CHECKS) {
    for (const found of await run(examined)) findings.push({ check: name, ...found });
  }
  return findings;
}

// What the start would say of the config.
function checkConfig({ config: { configFile, warnings } }: Examined): Found[] {
  if (warnings.length > 0) return warnings.map((line) => warning(line));
  return [{
    state: "ok",
    says: configFile === null ? "no config file: the defaults" : `${configFile} is understood`,
    commands: [],
  }];
}
