/** Which process holds a socket, and what /proc says of it. */
import type { SystemFiles } from "../system_files.ts";

/** A process that runs. */
export interface Process {
  readonly pid: number;
  /** Name of its program, as the kernel cuts it. */
  readonly name: string;
}

/** A right that Linux gives one by one: its bit in a process's set. */
export const CAP_NET_ADMIN = 12;

/** The processes that hold `inodes`, by inode; those we may not look into are not found. */
export function findHolders(files: SystemFiles, inodes: ReadonlySet<number>): ReadonlyMap<number, Process> {
  const holders = new Map<number, Process>();
  if (inodes.size === 0) return holders;
  for (const pid of files.names("/proc") ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of files.names(`/proc/${pid}/fd`) ?? []) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(files.link(`/proc/${pid}/fd/${descriptor}`) ?? "") ?? [];
      if (inode === undefined || !inodes.has(Number(inode)) || holders.has(Number(inode))) continue;
      holders.set(Number(inode), { pid: Number(pid), name: nameOf(files, pid) });
    }
  }
  return holders;
}

/** The name of the program that `pid` runs; `self` is this one. */
export function nameOf(files: SystemFiles, pid: number | string): string {
  return files.text(`/proc/${pid}/comm`)?.trim() ?? "";
}

/** Whether `pid` has one of the rights above; false when it cannot be told. */
export function hasCapability(files: SystemFiles, pid: number | string, capability: number): boolean {
  const [, effective] = /^CapEff:\s*([0-9a-f]+)$/m.exec(files.text(`/proc/${pid}/status`) ?? "") ?? [];
  return effective !== undefined && (BigInt(`0x${effective}`) >> BigInt(capability) & 1n) === 1n;
}

/** A process as a sentence names it. */
export function describeProcess(process: Process | undefined): string {
  return process === undefined
    ? "a program that this user may not look into"
    : `${process.name} (process ${process.pid})`;
}
