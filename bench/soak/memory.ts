/**
 * Whether a tracker's memory is flat: its resident memory is sampled, the first third of the time is its warm-up, and
 * the median of the last third is held against the median of the middle third.
 */
import { median } from "../figures.ts";

/** One sample. */
export interface Sample {
  /** Since the start of the run. */
  readonly seconds: number;
  readonly bytes: number;
}

/** What the samples say. */
export interface MemoryVerdict {
  readonly middleBytes: number;
  readonly lastBytes: number;
  /** Of the last third over the middle third; below 0 when it shrank. */
  readonly growthBytes: number;
  /** Null: the run was too short to say. */
  readonly isFlat: boolean | null;
}

/**
 * Growth that is no trend: between two collections, minutes apart, the garbage of a tracker's threads makes up to 15 MiB,
 * and where in that a third lies is chance. In ten minutes of the default load, four bytes lost with each answer are more.
 */
export const GROWTH_BYTES_MAX = 16 << 20;
/** Shorter runs are not judged: until then the tracker warms up and the short-lived peers become many. */
export const JUDGED_SECONDS_MIN = 540;

/** Judges the samples of a run of `seconds`. */
export function judgeMemory(samples: readonly Sample[], seconds: number): MemoryVerdict {
  const third = (from: number) =>
    median(
      samples.filter((sample) => sample.seconds >= from * seconds / 3 && sample.seconds < (from + 1) * seconds / 3)
        .map(({ bytes }) => bytes),
    );
  const middleBytes = third(1), lastBytes = third(2), growthBytes = lastBytes - middleBytes;
  return {
    middleBytes,
    lastBytes,
    growthBytes,
    isFlat: seconds < JUDGED_SECONDS_MIN ? null : growthBytes <= GROWTH_BYTES_MAX,
  };
}

/** Memory of process `pid` in RAM. Linux. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1]) * 1024;
}

/** Files and sockets that process `pid` has open. */
export function openDescriptors(pid: number): number {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`)).length;
}
