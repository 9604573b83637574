/** What the machine offers: cores, memory, IPv6, native calls. */
import { SystemFiles } from "./system_files.ts";

/** Cores to plan for by default: fronts above this find nothing more to share out. */
const FRONTS_MAX_DEFAULT = 8;
/** Largest default for the swarms' memory: a reservation above physical memory can be refused by the kernel. */
const MEMORY_MIB_MAX_DEFAULT = 8192;
/** Where a group's memory limit stands, version 2 and 1 of control groups: `line` of /proc/self/cgroup names the group. */
const CGROUP_HIERARCHIES = [
  { line: /^0::(.*)$/m, folder: "/sys/fs/cgroup", file: "memory.max" },
  { line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m, folder: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" },
];

/** Fronts to start when the operator names no number. */
export function defaultFronts(): number {
  return Math.min(FRONTS_MAX_DEFAULT, navigator.hardwareConcurrency);
}

/** MiB for the swarms when the operator names none: half of the machine's or the container's memory. */
export function defaultMemoryMebibytes(): number {
  using files = new SystemFiles();
  const bytes = Math.min(Deno.systemMemoryInfo().total, memoryLimitBytes(files));
  return Math.max(16, Math.min(MEMORY_MIB_MAX_DEFAULT, Math.floor(bytes / 2 / 1024 / 1024)));
}

/** Bytes that the process's control group and those above it may use; Infinity = no limit is known. */
export function memoryLimitBytes(files: SystemFiles): number {
  const groups = files.text("/proc/self/cgroup") ?? "";
  const limits = CGROUP_HIERARCHIES.flatMap(({ line, folder, file }) => {
    const [, group = ""] = line.exec(groups) ?? [];
    return foldersAbove(group).map((above) => files.number(`${folder}${above}/${file}`) ?? Infinity);
  });
  return Math.min(...limits.filter((bytes) => bytes > 0), Infinity);
}

// `/a/b`, `/a` and the root of them, which is empty: inside a container it is the container's own group.
function foldersAbove(group: string): string[] {
  const names = group.split("/").filter((name) => name !== "");
  return [...names.map((_, index) => `/${names.slice(0, names.length - index).join("/")}`), ""];
}

/** Whether sockets can be bound to IPv6 addresses. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** Why Linux fronts cannot run here; null = they can. */
export function refuseLinuxFronts(): string | null {
  if (Deno.build.os !== "linux") return `the system is ${Deno.build.os}`;
  try {
    Deno.dlopen("libc.so.6", {}).close();
    return null;
  } catch (error) {
    return `native calls are not available (${error instanceof Error ? error.message : error})`;
  }
}
