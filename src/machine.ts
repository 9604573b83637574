/** What the machine offers: cores, memory, IPv6, native calls. */

/** Cores to plan for by default: fronts above this find nothing more to share out. */
const FRONTS_MAX_DEFAULT = 8;
/** Largest default for the swarms' memory: a reservation above physical memory can be refused by the kernel. */
const MEMORY_MIB_MAX_DEFAULT = 8192;
/** Files in which a container's memory limit stands, version 2 and 1 of control groups. */
const CGROUP_LIMITS = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/** Fronts to start when the operator names no number. */
export function defaultFronts(): number {
  return Math.min(FRONTS_MAX_DEFAULT, navigator.hardwareConcurrency);
}

/** MiB for the swarms when the operator names none: half of the machine's or the container's memory. */
export function defaultMemoryMebibytes(): number {
  let bytes = Deno.systemMemoryInfo().total;
  for (const path of CGROUP_LIMITS) {
    try {
      const limit = Number(Deno.readTextFileSync(path).trim());
      if (limit > 0 && limit < bytes) bytes = limit;
    } catch {
      // No such group: no such limit.
    }
  }
  return Math.max(16, Math.min(MEMORY_MIB_MAX_DEFAULT, Math.floor(bytes / 2 / 1024 / 1024)));
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
