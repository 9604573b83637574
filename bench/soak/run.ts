/**
 * One soak: a real tracker, everyone at once in rounds of some seconds, and after each round, when all is quiet, what
 * the tracker says beside what it should say. Its memory is sampled all the time.
 */
import { Random } from "../../test/support/random.ts";
import { type RunningTracker, startTracker, writeConfig } from "../../test/support/tracker_process.ts";
import type { Scene } from "../generator.ts";
import { makeScratchFolder } from "../scratch.ts";
import { Crowd } from "./crowd.ts";
import { judgeMemory, type MemoryVerdict, openDescriptors, residentBytes, type Sample } from "./memory.ts";
import { type Account, compare } from "./model.ts";
import { Nuisance } from "./nuisance.ts";
import { Pages } from "./pages.ts";
import { PassersBy, PEER_TIMEOUT_MINUTES } from "./passers_by.ts";
import { type Address, Walker } from "./walker.ts";

/** What the tracker says of a plugin's call when the machine put its thread aside in the midst of it. */
const HELD_UP = /^plugin soaked: held up everybody else .*\n?/gm;

/** How large a soak is. */
export interface SoakSize {
  readonly crowd: Scene;
  readonly walkers: number;
  /** Of a round. */
  readonly passersBy: number;
  /** Of each of a round's three loads. */
  readonly burstSeconds: number;
  readonly roundSeconds: number;
}

/** What is soaked. */
export interface SoakWish {
  readonly seconds: number;
  readonly seed: number;
  /** Program to soak; the sources if left out. */
  readonly executable?: string;
  readonly size: SoakSize;
  /** Ends it early, as wrong. */
  readonly signal?: AbortSignal;
  /** Called after each round. */
  readonly tell: (line: string) => void;
}

/** What came of it. */
export interface SoakReport {
  readonly seconds: number;
  readonly rounds: number;
  /** Answers by who got them. */
  readonly answers: {
    readonly crowd: number;
    readonly walkers: number;
    readonly passersBy: number;
    readonly pages: number;
  };
  /** Broken packets and requests sent. */
  readonly nuisances: number;
  /** UDP requests of walkers that were repeated in want of an answer. */
  readonly repeated: number;
  /** Everything that was not as it should be, a sentence each. */
  readonly wrong: readonly string[];
  readonly samples: readonly Sample[];
  readonly memory: MemoryVerdict;
}

const SAMPLE_MS = 1000, NUISANCE_PAUSE_MS = 20, PAGE_PAUSE_MS = 500;
/**
 * Descriptors that a tracker may have more of at the end than before the first round, and the time it has to close the
 * others, and to have its last plugin in force.
 */
const DESCRIPTORS_MORE_MAX = 8, CLOSING_MS_MAX = 10_000;

/** A plugin of the folder, in the fronts, the office and a host of its own. It changes no count; its file does each round. */
const pluginText = (round: number) =>
  `let told = ${round};
export default {
  name: "soaked",
  admitAnnounce: (announce) => announce.numwant === -1234 ? "never" : undefined,
  afterAnnounce: (announces) => { told += announces.length; },
  stats: { soaked: () => "round ${round}\\n" },
};
`;

/** Soaks a tracker. Rejects only when it cannot even begin. */
export async function soak(wish: SoakWish): Promise<SoakReport> {
  const folder = await makeScratchFolder(),
    config = writeConfig(folder, {
      "tracker.peer_timeout": PEER_TIMEOUT_MINUTES,
      "tracker.interval": 120,
      // A nuisance that asks for everything and does not read it is in nobody else's way.
      "access.fullscrape": "127.0.0.1",
      "tracker.state": `${folder}/tracker.sqlite`,
      "plugins.dir": `${folder}/plugins`,
      // What a busy machine makes it leave out is not in the model.
      "tracker.shedding": "off",
    });
  const plugin = `${folder}/plugins/soaked.ts`;
  await Deno.mkdir(`${folder}/plugins`);
  await Deno.writeTextFile(plugin, pluginText(0));
  const six = hasIpv6() ? ["-i", "::1", "-p", "0", "-P", "0"] : [];
  const command = wish.executable === undefined ? [] : [[wish.executable]] as const;
  await using tracker = await startTracker(["-f", config, ...six], folder, ...command);
  return await new Soak(wish, tracker, plugin).run();
}

class Soak {
  readonly #wish: SoakWish;
  readonly #tracker: RunningTracker;
  /** File of its plugin. */
  readonly #plugin: string;
  readonly #walkers: readonly Walker[];
  readonly #passersBy: PassersBy;
  readonly #nuisance: Nuisance;
  readonly #pages: Pages;
  readonly #samples: Sample[] = [];
  readonly #wrong: string[] = [];
  /** Errors printed at the start are about the config. */
  readonly #errorsAtStart: number;

  constructor(wish: SoakWish, tracker: RunningTracker, plugin: string) {
    const addresses = addressesOf(tracker), [four] = addresses, random = new Random(wish.seed);
    this.#wish = wish;
    this.#tracker = tracker;
    this.#plugin = plugin;
    this.#walkers = Array.from(
      { length: wish.size.walkers },
      (_, i) => new Walker(new Random(wish.seed + i + 1), addresses),
    );
    this.#passersBy = new PassersBy(random, four!);
    this.#nuisance = new Nuisance(random, four!);
    this.#pages = new Pages(tracker.httpPort);
    this.#errorsAtStart = tracker.errors().length;
    wish.signal?.addEventListener("abort", () => this.#wrong.push("it was interrupted"));
  }

  async run(): Promise<SoakReport> {
    const { seconds, size, tell } = this.#wish, { udpPort, httpPort, pid } = this.#tracker;
    const crowd = await Crowd.gather(size.crowd, { udp: udpPort, http: httpPort }), descriptors = openDescriptors(pid);
    const startMs = performance.now(), passed = () => (performance.now() - startMs) / 1000;
    const timer = setInterval(() => this.#sample(passed()), SAMPLE_MS);
    let rounds = 0;
    try {
      while (this.#wrong.length === 0 && passed() < seconds) {
        await this.#reload(rounds);
        await this.#round(crowd);
        if (this.#wrong.length === 0) await this.#check([crowd, this.#passersBy, ...this.#walkers]);
        rounds++;
        tell(this.#progress(passed(), crowd));
      }
    } finally {
      clearInterval(timer);
      for (const one of [...this.#walkers, this.#nuisance]) one.close();
    }
    const soakedSeconds = passed();
    await this.#checkEnd(descriptors, rounds);
    return this.#report(soakedSeconds, rounds, crowd);
  }

  // Has plugins read again while the round goes on: what is lost with each reload shows in the end.
  async #reload(round: number): Promise<void> {
    await Deno.writeTextFile(this.#plugin, pluginText(round));
    Deno.kill(this.#tracker.pid, "SIGHUP");
  }

  // Everyone at once, until the time is up and the crowd is through.
  async #round(crowd: Crowd): Promise<void> {
    const { size } = this.#wish, endMs = performance.now() + size.roundSeconds * 1000;
    let isCrowdDone = false;
    const isOver = () => this.#wrong.length > 0 || isCrowdDone && performance.now() >= endMs;
    const note = async (work: Promise<unknown>) => {
      try {
        await work;
      } catch (error) {
        this.#wrong.push(reasonOf(error));
      }
    };
    const repeat = async (pauseMs: number, act: (turn: number) => Promise<void>) => {
      for (let turn = 0; !isOver(); turn++) {
        await act(turn);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const burst = crowd.burst(size.burstSeconds).finally(() => isCrowdDone = true);
    await Promise.all([
      note(burst),
      ...this.#walkers.map((walker) => note(walker.walk(isOver))),
      note(this.#passersBy.pass(size.passersBy)),
      note(repeat(NUISANCE_PAUSE_MS, () => this.#nuisance.act())),
      note(repeat(PAGE_PAUSE_MS, () => this.#pages.other(this.#pages.count))),
    ]);
  }

  // Nobody asks now: every count is known.
  async #check(accounts: readonly Account[]): Promise<void> {
    const totals = await this.#pages.totals(), seen = await this.#pages.torrents();
    this.#wrong.push(...compare(accounts, seen, totals));
    for (const name of ["faults", "restarts", "notStored"] as const) {
      if (totals[name] !== 0) this.#wrong.push(`the statistics say ${name} ${totals[name]}`);
    }
    const errors = this.#tracker.errors().slice(this.#errorsAtStart).replace(HELD_UP, "").trim();
    if (errors !== "") this.#wrong.push(`it printed: ${errors}`);
  }

  // Its connections are closed, and it ends when it is told to.
  async #checkEnd(descriptorsBefore: number, rounds: number): Promise<void> {
    const { pid, httpPort } = this.#tracker, endMs = performance.now() + CLOSING_MS_MAX;
    const most = descriptorsBefore + DESCRIPTORS_MORE_MAX;
    while (openDescriptors(pid) > most && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const descriptors = openDescriptors(pid);
    if (descriptors > most) {
      this.#wrong.push(`${descriptors} descriptors are open, and ${descriptorsBefore} were before`);
    }
    const page = `http://127.0.0.1:${httpPort}/stats?mode=soaked`;
    const pluginSays = () => fetch(page).then((response) => response.text()).catch(String);
    const wanted = `round ${rounds - 1}\n`;
    let said = await pluginSays();
    for (; said !== wanted && performance.now() < endMs; said = await pluginSays()) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (said !== wanted) this.#wrong.push(`after ${rounds} rounds its plugin says ${said}`);
    const code = await this.#tracker.stop("SIGTERM");
    if (code !== 0) this.#wrong.push(`it ended with exit code ${code}`);
  }

  #sample(seconds: number): void {
    try {
      this.#samples.push({ seconds, bytes: residentBytes(this.#tracker.pid) });
    } catch {
      this.#wrong.push("the tracker is gone");
    }
  }

  #progress(seconds: number, crowd: Crowd): string {
    const bytes = this.#samples.at(-1)?.bytes ?? NaN, walked = sum(this.#walkers.map(({ steps }) => steps));
    return `${seconds.toFixed(0)} s: ${crowd.replies} answers to the crowd, ${walked} to walkers, ` +
      `${this.#passersBy.count} passed by, ${this.#nuisance.count} nuisances, ${this.#pages.count} pages; ` +
      `${(bytes / (1 << 20)).toFixed(1)} MiB resident`;
  }

  #report(seconds: number, rounds: number, crowd: Crowd): SoakReport {
    const memory = judgeMemory(this.#samples, seconds);
    if (memory.isFlat === false) this.#wrong.push("its memory grows");
    return {
      seconds,
      rounds,
      answers: {
        crowd: crowd.replies,
        walkers: sum(this.#walkers.map(({ steps }) => steps)),
        passersBy: this.#passersBy.count,
        pages: this.#pages.count,
      },
      nuisances: this.#nuisance.count,
      repeated: sum(this.#walkers.map(({ repeated }) => repeated)),
      wrong: this.#wrong,
      samples: this.#samples,
      memory,
    };
  }
}

function addressesOf({ sockets }: RunningTracker): Address[] {
  const hostnames = [...new Set(sockets.map(({ hostname }) => hostname))];
  return hostnames.map((hostname) => {
    const portOf = (wanted: string) =>
      sockets.find(({ protocol, hostname: own }) => own === hostname && protocol === wanted)!.port;
    return { hostname, httpPort: portOf("tcp"), udpPort: portOf("udp") };
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
