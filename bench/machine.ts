/** The machine a benchmark ran on, and what else it had to do meanwhile. Linux only. */

const TICKS_PER_SECOND = 100;

/** Processor, cores, memory and kernel, in one line. */
export function describeMachine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const gigabytes = Math.round(Deno.systemMemoryInfo().total / 1e9);
  const cores = navigator.hardwareConcurrency;
  return `${model}, ${cores} ${cores === 1 ? "core" : "cores"}, ${gigabytes} GB, Linux ${Deno.osRelease()}`;
}

/** Watches what programs that are not ours use of the processor. */
export class OtherWork {
  readonly #startedAt = performance.now();
  readonly #others = othersSeconds();

  /** Cores that other programs, and other guests of the host, kept busy since the start: 1 is one core all the time. */
  coresBusy(): number {
    return Math.max(0, othersSeconds() - this.#others) / ((performance.now() - this.#startedAt) / 1000);
  }
}

/** CPU seconds of the whole machine, less those of this process and of its children that have ended. */
function othersSeconds(): number {
  // user nice system idle iowait irq softirq steal
  const all = Deno.readTextFileSync("/proc/stat").split("\n", 1)[0].trim().split(/\s+/).slice(1).map(Number);
  const busy = all[0] + all[1] + all[2] + all[5] + all[6] + all[7];
  const stat = Deno.readTextFileSync("/proc/self/stat");
  const own = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15).map(Number);
  return (busy - own.reduce((sum, ticks) => sum + ticks, 0)) / TICKS_PER_SECOND;
}
