/**
 * What a second core and a second front bring, with the load generators on the same cores: they need about as much of
 * them as the tracker does.
 */
import { formatRate, markdownTable, median } from "./figures.ts";
import { type LoadOptions, runLoad, type Scene } from "./generator.ts";
import { fill, type Length } from "./throughput.ts";
import { type RunningTracker, startTracker, type Tracker } from "./trackers.ts";

interface Arrangement {
  readonly title: string;
  readonly fronts: number;
  readonly generators: number;
  /** Cores of the tracker and of the generators. */
  readonly cores: string;
}

const SCENE: Scene = { torrents: 100_000, peers: 250_000 };

const ARRANGEMENTS: readonly Arrangement[] = [
  { title: "one core: one front, one generator", fronts: 1, generators: 1, cores: "0" },
  { title: "two cores: one front, one generator", fronts: 1, generators: 1, cores: "0,1" },
  { title: "two cores: two fronts, two generators", fronts: 2, generators: 2, cores: "0,1" },
];

/** Sockets enough that the kernel spreads them evenly over the fronts, windows that let the generator work in batches. */
const SOCKETS = { sockets: 16, window: 32 };

/** Announces over UDP to `tracker` in each arrangement. Returns the table in markdown. */
export async function benchScaling(tracker: Tracker, length: Length, tell: (text: string) => void): Promise<string> {
  const running: RunningTracker[] = [];
  try {
    for (const { title, fronts, cores } of ARRANGEMENTS) {
      tell(title);
      const each = await startTracker(tracker, { torrents: SCENE.torrents, fronts, cores });
      running.push(each);
      await fill(each, SCENE);
    }
    const rates = running.map((): number[] => []), cpuShares = running.map((): number[] => []);
    for (let seed = 0; seed <= length.repeats; seed++) {
      for (const [i, { port, program }] of running.entries()) {
        const seconds = seed === 0 ? length.warmUpSeconds : length.seconds, before = program.cpuSeconds();
        const rate = await runTogether(ARRANGEMENTS[i], { ...SCENE, ...SOCKETS, port, seed, seconds });
        if (seed === 0) continue;
        rates[i].push(rate);
        cpuShares[i].push((program.cpuSeconds() - before) / seconds);
      }
    }
    const rows = ARRANGEMENTS.map(({ title }, i) => [
      title,
      formatRate(median(rates[i])),
      `${(median(rates[i]) / median(rates[0])).toFixed(2)}×`,
      `${(median(cpuShares[i]) * 100).toFixed(0)} %`,
    ]);
    const head = ["UDP announce, 100,000 torrents", "replies/s", "of one core", "CPU of the tracker"];
    return markdownTable(head, rows);
  } finally {
    for (const each of running) await each.program.stop();
  }
}

/** Runs the load from every generator at once. Returns the replies a second of all. */
async function runTogether({ generators, cores }: Arrangement, options: LoadOptions): Promise<number> {
  const numbers = Array.from({ length: generators }, (_, i) => i);
  const seed = options.seed ?? 0;
  const results = await Promise.all(
    numbers.map((i) => runLoad("udp", { ...options, seed: seed * generators + i }, cores)),
  );
  return results.reduce((sum, { repliesPerSecond }) => sum + repliesPerSecond, 0);
}
