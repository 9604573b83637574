/** What the tracker's pages say: totals, every torrent, and that the others answer at all. */
import type { Counts, Totals } from "./model.ts";

/** Pages that are asked for now and then, besides those that are compared. */
const OTHER_PAGES = [
  "/stats",
  "/stats?mode=everything",
  "/stats?mode=top10",
  "/stats?mode=busy",
  "/stats?mode=renew",
  "/stats?mode=statedump",
  "/stats?mode=tpbs&format=ben",
  "/metrics",
  "/scrape",
];
const LINE = /^([0-9A-F]{40}):(\d+):(\d+):(\d+)$/;

/** Figures that must stay 0. */
export interface Troubles {
  readonly faults: number;
  readonly restarts: number;
  readonly notStored: number;
}

/** The pages of the tracker whose HTTP is on `port` of 127.0.0.1. */
export class Pages {
  /** Pages read. */
  count = 0;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Totals and troubles. */
  async totals(): Promise<Totals & Troubles> {
    const { torrents, seeders, leechers, completed, faults, restarts, notStored } = JSON.parse(
      await this.#get("/stats?mode=json"),
    );
    return { torrents, seeders, leechers, completed, faults, restarts, notStored };
  }

  /** Counts of every torrent by its info hash, in lower case. */
  async torrents(): Promise<Map<string, Counts>> {
    const seen = new Map<string, Counts>(), lines = (await this.#get("/stats?mode=tpbs&format=txtp")).split("\n");
    if (lines.pop() !== "") throw new Error("the list of torrents ends in the middle of a line");
    for (const line of lines) {
      const [, hash, seeders, leechers, completed] = LINE.exec(line) ?? [];
      if (hash === undefined || seen.has(hash)) throw new Error(`the list of torrents has the line ${line}`);
      const counts = { seeders: Number(seeders), leechers: Number(leechers), completed: Number(completed) };
      seen.set(hash.toLowerCase(), counts);
    }
    return seen;
  }

  /** Reads one of the other pages. `turn`: counts up. */
  async other(turn: number): Promise<void> {
    await this.#get(OTHER_PAGES[turn % OTHER_PAGES.length]!);
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`), text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answers with ${response.status}`);
    this.count++;
    return text;
  }
}
