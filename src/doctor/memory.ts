/** The memory the tracker may fill, against what the machine or its container has. */
import { memoryLimitBytes } from "../machine.ts";
import type { Examined } from "./examined.ts";
import { type Found, ok, problem, warning } from "./finding.ts";
import { setSysctl } from "./shell.ts";

/** What a tracker takes beside its swarms, MiB: the runtime, and more for each front. Measured, and rounded up. */
const BASE_MEBIBYTES = 100, FRONT_MEBIBYTES = 16;
/** Share of the memory above which little is left for anything else. */
const SHARE_MAX = 0.8;
const MEBIBYTE = 1024 * 1024;

/** Looks at what a full store would leave, and whether the kernel would reserve it at all. */
export function checkMemory(examined: Examined): Found[] {
  const { files, fronts, mebibytes, memoryTotalBytes } = examined;
  const total = readKibibytes(files.text("/proc/meminfo"), "MemTotal") ?? memoryTotalBytes,
    limit = memoryLimitBytes(files);
  const has = Math.floor(Math.min(total, limit) / MEBIBYTE), where = limit < total ? "container" : "machine";
  const needs = mebibytes + BASE_MEBIBYTES + FRONT_MEBIBYTES * fronts;
  const found = `${mebibytes} MiB for swarms come to ${needs} MiB when full, and the ${where} has ${has} MiB`;
  const fits = Math.floor(has / 2), commands = fits < 16 ? [] : [`tracker.memory ${fits}   # in its config`];
  const full = needs > has
    ? problem(`${found}: the kernel would end the tracker before its own limit does`, ...commands)
    : needs > has * SHARE_MAX
    ? warning(found, ...commands)
    : ok(found);
  return [full, ...checkReservation(examined)];
}

// The whole store is reserved at the start; a kernel told never to promise more than it has counts that in full.
function checkReservation({ files, mebibytes, running }: Examined): Found[] {
  const isStrict = files.number("/proc/sys/vm/overcommit_memory") === 2;
  const meminfo = files.text("/proc/meminfo"), most = readKibibytes(meminfo, "CommitLimit");
  if (!isStrict || most === null || running !== null) return [];
  const free = Math.floor((most - (readKibibytes(meminfo, "Committed_AS") ?? 0)) / MEBIBYTE);
  const found = `vm.overcommit_memory is 2, and ${free} MiB may still be reserved`;
  if (free >= mebibytes) return [ok(found)];
  const says = `${found}: ${mebibytes} MiB for swarms would be refused at the start`;
  return [problem(says, ...setSysctl("vm.overcommit_memory", 0))];
}

// `MemTotal:  24683700 kB`, in bytes.
function readKibibytes(text: string | null, name: string): number | null {
  const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text ?? "") ?? [];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
