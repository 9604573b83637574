/**
 * What happens as the arena fills, in steps. Existing swarms are served to the last; nothing ever grows past the
 * budget and nothing fails: an asker that cannot be stored is answered all the same, and counted.
 *
 *   from 60 %   pages that are mostly empty are emptied (compactor.ts): what a flood has left behind is no crowd
 *   from 80 %   torrents without peers leave at once, and a torrent's only peer is forgotten the sooner the fuller it is
 *   from 95 %   torrents not known yet are answered without being stored
 *   at 100 %    new peers of known torrents are answered without being stored; known peers are refreshed, stops obeyed
 */
import type { PagePool } from "./page_pool.ts";

/** Fill from which it is worth a look at each torrent's page: well before anyone is forgotten for want of memory. */
const COMPACTED = 0.60;
/** Fill from which the lonely leave early: a fifth of the arena is time enough for the sweep to catch up. */
const CROWDED = 0.80;
/** Fill from which new torrents are refused: the rest is for the peers of those already here. */
const NO_NEW_TORRENTS = 0.95;
/** Least share of its lifetime that a torrent's only peer keeps. */
const LIFETIME_SHARE_MIN = 1 / 8;

/** Reads the fill of the arena. */
export class Budget {
  readonly #pages: PagePool;

  constructor(pages: PagePool) {
    this.#pages = pages;
  }

  /** True from the first step on. */
  get isCompacted(): boolean {
    return this.#pages.pagesUsed >= this.#pages.pagesMax * COMPACTED;
  }

  /** False from the third step on. */
  get newTorrentsAllowed(): boolean {
    return this.#pages.pagesUsed < this.#pages.pagesMax * NO_NEW_TORRENTS;
  }

  /** True from the second step on. */
  get isCrowded(): boolean {
    return this.#pages.pagesUsed >= this.#pages.pagesMax * CROWDED;
  }

  /** Age in minutes at which a torrent's only peer is forgotten, for peers that live `ageMinutesMax`. */
  loneAgeMinutesMax(ageMinutesMax: number): number {
    const fill = this.#pages.pagesUsed / this.#pages.pagesMax;
    if (fill < CROWDED) return ageMinutesMax;
    const share = Math.max(LIFETIME_SHARE_MIN, 1 - (fill - CROWDED) / (NO_NEW_TORRENTS - CROWDED));
    return Math.max(1, Math.floor(ageMinutesMax * share));
  }
}
