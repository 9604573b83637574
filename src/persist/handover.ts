/**
 * How two trackers that share a state file for a moment keep each other's changes: the one that leaves writes what
 * changes by its last connections to the table `handover`, the one that takes over follows it in its store.
 *
 *   meta `handover`   begun     a successor may start: it loads `torrents` and follows `handover`
 *                     claimed   from this transaction on the successor alone writes `torrents`; only now do its fronts start
 *                     serving   its fronts answer
 *                     absent    there is no successor, and none that comes late may claim
 *
 * Only the successor moves it forward, and the one that leaves takes it away, having ended the successor before. That the
 * one that leaves has left shows by its lock, which comes free however it ends. A tracker that is started in the ordinary
 * way may have that lock before the successor: it takes the word away first of all, and a successor that has not the lock
 * and does not find its word any more is not to serve.
 */
import type { StateFile, StateRow } from "./state_file.ts";

/** How often both look. */
export const HANDOVER_TICK_MS = 200;

const STAGE = "handover", BEGUN = "begun", CLAIMED = "claimed", SERVING = "serving";
/** What was touched this long before the beginning may still be of after it: the minutes of two clocks do not begin at once. */
const SLACK_MINUTES = 1;

/** Ends what two trackers that are no more had begun: for one that has the lock and takes over from nobody. */
export function endHandover(file: StateFile): void {
  file.transaction(() => {
    if (file.meta(STAGE) !== null) file.setMeta(STAGE, null);
  });
}

/** The side that leaves. */
export class Leaver {
  readonly #file: StateFile;
  /** When it began, on the store's clock. */
  readonly minute: number;
  /** True once `torrents` is the other one's to write. */
  isClaimed = false;
  /** True once the other one answers. */
  isServing = false;

  /** `minute`: of now on the store's clock. Everything of before is in the file. */
  constructor(file: StateFile, minute: number) {
    this.#file = file;
    this.minute = minute;
    file.transaction(() => {
      file.clearHandover();
      file.setMeta(STAGE, BEGUN);
    });
  }

  /** To be called in the transaction of each pass, before anything is written. */
  look(): void {
    const stage = this.#file.meta(STAGE);
    this.isServing = stage === SERVING;
    this.isClaimed = stage === CLAIMED || stage === SERVING;
  }

  /**
   * Writes a torrent, last touched at `minute`: for the other one if that was after the beginning, and to the table of
   * all as long as that is ours.
   */
  save(row: StateRow, minute: number): void {
    if (minute >= this.minute - SLACK_MINUTES) this.#file.handOver(row);
    if (!this.isClaimed) this.#file.save(row);
  }

  /** The other one has ended and will not take over. In a transaction. */
  cancel(): void {
    this.#file.clearHandover();
    this.#file.setMeta(STAGE, null);
  }
}

/** What the side that takes over needs of its tracker. */
export interface TakerParts {
  readonly file: StateFile;
  /** Makes a torrent what the other one has of it. */
  readonly follow: (row: StateRow) => void;
  /** The answer to `claim`. False: nobody waits for us any more. */
  readonly onClaim: (isWanted: boolean) => void;
  /** The other one has left, and nothing more comes. */
  readonly onLeft: () => void;
  /** Another tracker was started with the file before we had its lock: it is that one's. */
  readonly onOusted: () => void;
}

type TakerStage = "loading" | "claiming" | "claimed" | "ready" | "serving";

/** The word that must stand there from the claim on. */
const WORDS: Readonly<Partial<Record<TakerStage, string>>> = { claimed: CLAIMED, ready: CLAIMED, serving: SERVING };

/** The side that takes over. */
export class Taker {
  readonly #parts: TakerParts;
  #last = 0;
  #stage: TakerStage = "loading";
  #holds = false;

  constructor(parts: TakerParts) {
    this.#parts = parts;
  }

  /** Asks whether we are still wanted: `onClaim` is told as soon as the file can be written. */
  claim(): void {
    this.#stage = "claiming";
  }

  /** Our fronts answer: the other one will be told. */
  serve(): void {
    this.#stage = "ready";
  }

  /** Takes what was handed over. Throws a StateFault while the other one writes: to be tried again. */
  look(): void {
    const { file, follow, onLeft } = this.#parts;
    // Its lock comes free when it has left, however it did.
    if (!this.#holds && file.tryHold()) {
      this.#holds = true;
      file.sign(Deno.pid);
    }
    if (this.isOusted()) return;
    const isLast = this.#holds, { rows, last } = file.handedOver(this.#last);
    this.#last = last;
    rows.forEach(follow);
    if (this.#stage === "claiming") this.#claim();
    // With the lock there is nobody left to be told.
    if (this.#stage === "ready" && (this.#advance(CLAIMED, SERVING) || isLast)) this.#stage = "serving";
    // If it has left before we serve, it failed: our fronts will be there in a moment.
    if (!isLast || this.#stage !== "serving") return;
    file.transaction(() => {
      file.clearHandover();
      file.setMeta(STAGE, null);
    });
    onLeft();
  }

  /** Whether the file is another tracker's. In a transaction it stays ours to its end if it is ours. */
  isOusted(): boolean {
    const { file, onOusted } = this.#parts, word = WORDS[this.#stage];
    if (this.#holds || word === undefined || file.meta(STAGE) === word) return false;
    onOusted();
    return true;
  }

  #claim(): void {
    const isWanted = this.#advance(BEGUN, CLAIMED);
    this.#stage = isWanted ? "claimed" : "loading";
    this.#parts.onClaim(isWanted);
  }

  // False when the word is not `from` any more.
  #advance(from: string, to: string): boolean {
    const { file } = this.#parts;
    return file.transaction(() => {
      if (file.meta(STAGE) !== from) return false;
      file.setMeta(STAGE, to);
      return true;
    });
  }
}
