/** What the doctor looks at: a config, what the tracker would make of it here, and the machine. */
import type { Config, Problem } from "../config/config.ts";
import type { FrontSocket } from "../front/front_start.ts";
import { countFronts, wantedSockets } from "../listeners.ts";
import { defaultMemoryMebibytes, hasIpv6, refuseLinuxFronts } from "../machine.ts";
import { type LeavePlan, lookAround, planPrivileges, type StayPlan } from "../privileges/plan.ts";
import type { SystemFiles } from "../system_files.ts";
import { type ClockReading, readKernelClock } from "./kernel_clock.ts";
import { findHolders, nameOf, type Process } from "./processes.ts";
import { type KernelSocket, readSocketTable, socketsAt } from "./socket_table.ts";

/** Everything a check may need. */
export interface Examined {
  readonly config: Config;
  readonly files: SystemFiles;
  /** What the tracker would listen on. */
  readonly sockets: readonly FrontSocket[];
  /** Fronts it would start, and why they would not be Linux fronts: null = they would. */
  readonly fronts: number;
  readonly portableBecause: string | null;
  readonly cores: number;
  /** HTTP connections of all fronts together. */
  readonly connectionsMax: number;
  /** Memory for swarms, MiB. */
  readonly mebibytes: number;
  /** Bytes of memory in the machine. */
  readonly memoryTotalBytes: number;
  /** The user who runs the doctor; null on Windows. */
  readonly uid: number | null;
  /** What a tracker started by that user would do about its rights, or why it would not start. */
  readonly privileges: LeavePlan | StayPlan | Problem;
  readonly hasIpv6: boolean;
  readonly clock: ClockReading;
  readonly runtime: string;
  /** Bound sockets of the machine; null where it does not say. */
  readonly table: readonly KernelSocket[] | null;
  /** Holders of the sockets on our ports, by inode, as far as they may be seen. */
  readonly holders: ReadonlyMap<number, Process>;
  /** The one of them that runs the same program as this one: the tracker itself. */
  readonly running: Process | null;
}

/** Looks at the machine as it is now. The current directory is the tracker's already. */
export function examine(config: Config, files: SystemFiles): Examined {
  const { settings } = config, sockets = wantedSockets(config), table = readSocketTable(files);
  const inodes = sockets.flatMap((socket) => socketsAt(table ?? [], socket)).map(({ inode }) => inode);
  const holders = findHolders(files, new Set(inodes)), ourName = nameOf(files, "self");
  return {
    config,
    files,
    sockets,
    fronts: countFronts(config),
    portableBecause: settings["tracker.front"] === "portable" ? "tracker.front is portable" : refuseLinuxFronts(),
    cores: navigator.hardwareConcurrency,
    connectionsMax: settings["http.connections_max"],
    mebibytes: settings["tracker.memory"] || defaultMemoryMebibytes(),
    memoryTotalBytes: Deno.systemMemoryInfo().total,
    uid: Deno.build.os === "windows" ? null : Deno.uid(),
    privileges: planPrivileges(config, lookAround()),
    hasIpv6: hasIpv6(),
    clock: readKernelClock(),
    runtime: `Deno ${Deno.version.deno}`,
    table,
    holders,
    running: [...holders.values()].find(({ name }) => name === ourName) ?? null,
  };
}
