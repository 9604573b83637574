/**
 * Floods of running trackers over UDP: one swarm of millions, then torrents nobody else is in, and both at once, beside
 * swarms that were there before and are asked all the time.
 */
import { formatCount, formatMegabytes, formatRate, markdownTable, median } from "./figures.ts";
import { printInfoHashes, runLoad } from "./generator.ts";
import { fill, GENERATOR_CORE, TRACKER_CORE } from "./throughput.ts";
import { type RunningTracker, startTracker, waggle } from "./trackers.ts";

/** How much comes. */
export interface WireFloodSize {
  readonly mebibytes: number;
  /** Peers of the first flood, all of one torrent. */
  readonly peers: number;
  /** Torrents of the second, one peer each. */
  readonly torrents: number;
}

/** Swarms that are there before: every peer stays. */
const KNOWN = { torrents: 20_000, peers: 200_000 } as const;
/** First torrents of the floods: clear of the known ones. */
const FLOOD_TORRENT = 1_000_000, GIANT_TORRENT = 900_000;
/** Source addresses of the one swarm: each has 64,512 ports. */
const PEERS_PER_SOURCE = 60_000;
const FLOOD_SECONDS_MAX = 600;
const RATE_SECONDS = 3;
/** How often known swarms are asked during a flood, and how many at once: as many as a scrape may have. */
const ASK_EVERY_MS = 50, HASHES_ASKED = 64;

/** One flood: what comes at once. */
interface Flood {
  readonly title: string;
  readonly loads: readonly Omit<Parameters<typeof runLoad>[1], "port">[];
}

/** Runs it against trackers on a core of their own. Returns the table in markdown. */
export async function floodTracker(size: WireFloodSize, tell: (text: string) => void): Promise<string> {
  const { peers, torrents, both } = floods(size), rows: string[][] = [];
  // The second follows the first, as it may; the third has a tracker of its own, into which nothing has come yet.
  for (const scene of [[peers, torrents], [both]]) rows.push(...await floodOne(size.mebibytes, scene, tell));
  const head = ["tracker, one front", "flood/s", "known swarms asked meanwhile"];
  head.push("then asked", "known announces/s", "swarms' memory", "resident", "not stored");
  return markdownTable(head, rows);
}

async function floodOne(
  mebibytes: number,
  scene: readonly Flood[],
  tell: (text: string) => void,
): Promise<string[][]> {
  const rows: string[][] = [];
  tell(`starting a tracker with tracker.memory ${mebibytes}`);
  const running = await startTracker(waggle(), {
    torrents: KNOWN.torrents,
    fronts: 1,
    cores: TRACKER_CORE,
    settings: `tracker.memory ${mebibytes}\n`,
  });
  try {
    await fill(running, KNOWN);
    const known = await KnownSwarms.of(running.port);
    rows.push(["before", "–", "–", ...await describe(running, known)]);
    for (const { title, loads } of scene) {
      tell(title);
      const asked = known.watch();
      const sent = await Promise.all(
        loads.map((load) => runLoad("udp", { ...load, port: running.port }, GENERATOR_CORE)),
      );
      const meanwhile = await asked.stop(), seconds = Math.max(...sent.map(({ seconds }) => seconds));
      const replies = sent.reduce((sum, { replies }) => sum + replies, 0);
      rows.push([title, formatRate(replies / seconds), meanwhile, ...await describe(running, known)]);
    }
  } finally {
    await running.program.stop();
  }
  return rows;
}

function floods({ torrents, peers }: WireFloodSize): Record<"peers" | "torrents" | "both", Flood> {
  const load = { fill: true, seconds: FLOOD_SECONDS_MAX } as const, sources = Math.ceil(peers / PEERS_PER_SOURCE);
  const ofOne = { ...load, torrents: 1, peers, sources, sockets: sources, firstTorrent: GIANT_TORRENT };
  const unknown = { ...load, torrents, peers: torrents, firstTorrent: FLOOD_TORRENT };
  return {
    peers: { title: `${formatCount(peers)} peers of one torrent`, loads: [ofOne] },
    torrents: { title: `then ${formatCount(torrents)} unknown torrents`, loads: [unknown] },
    both: { title: "both at once", loads: [ofOne, unknown] },
  };
}

// What the tracker is like now: all known swarms asked, its rate, its memory, its counter.
async function describe({ port, program }: RunningTracker, known: KnownSwarms): Promise<string[]> {
  const right = await known.askAll();
  const load = { ...KNOWN, port, seconds: RATE_SECONDS, sockets: 8 };
  const { repliesPerSecond } = await runLoad("udp", load, GENERATOR_CORE);
  const { memory, notStored } = await (await fetch(`http://127.0.0.1:${port}/stats?mode=json`)).json();
  return [
    `${formatCount(right)} of ${formatCount(KNOWN.torrents)} right`,
    formatRate(repliesPerSecond),
    `${(memory.bytesUsed / memory.bytesMax * 100).toFixed(0)} % of ${formatMegabytes(memory.bytesMax)}`,
    formatMegabytes(program.residentBytes()),
    formatCount(notStored),
  ];
}

/** The swarms that were there before, asked by scrapes. */
class KnownSwarms {
  readonly #port: number;
  /** Percent-encoded, as in a query. */
  readonly #hashes: readonly string[];

  private constructor(port: number, hashes: readonly string[]) {
    this.#port = port;
    this.#hashes = hashes;
  }

  static async of(port: number): Promise<KnownSwarms> {
    const lines = (await printInfoHashes(KNOWN.torrents)).trim().split("\n");
    return new KnownSwarms(port, lines.map((hex) => hex.replace(/../g, "%$&")));
  }

  /** Asks for all of them. Returns how many are what they were. */
  async askAll(): Promise<number> {
    let right = 0;
    for (let from = 0; from < this.#hashes.length; from += HASHES_ASKED) right += await this.#ask(from);
    return right;
  }

  /** Asks for some all the time, until `stop` is called, which returns what came of it. */
  watch(): { stop(): Promise<string> } {
    const ms: number[] = [];
    let asked = 0, right = 0, isOver = false;
    const watching = (async () => {
      for (let from = 0; !isOver; from = (from + HASHES_ASKED) % this.#hashes.length) {
        const begunMs = performance.now();
        right += await this.#ask(from);
        asked += Math.min(HASHES_ASKED, this.#hashes.length - from);
        ms.push(performance.now() - begunMs);
        await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      }
    })();
    return {
      stop: async () => {
        isOver = true;
        await watching;
        const times = `${median(ms).toFixed(1)} ms, at most ${Math.max(...ms).toFixed(0)} ms`;
        return `${formatCount(right)} of ${formatCount(asked)} right, ${times}`;
      },
    };
  }

  // How many of the hashes from `from` on have all their peers. They come back in the order asked.
  async #ask(from: number): Promise<number> {
    const query = this.#hashes.slice(from, from + HASHES_ASKED).map((hash) => `info_hash=${hash}`).join("&");
    const response = await fetch(`http://127.0.0.1:${this.#port}/scrape?${query}`);
    const text = new TextDecoder("latin1").decode(await response.arrayBuffer());
    const counts = [...text.matchAll(/8:completei(\d+)e10:downloadedi\d+e10:incompletei(\d+)e/g)];
    const peersEach = KNOWN.peers / KNOWN.torrents;
    return counts.filter(([, seeders, leechers]) => Number(seeders) + Number(leechers) === peersEach).length;
  }
}
