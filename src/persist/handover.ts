/**
 * How two trackers that share a state file for a moment keep each other's changes: the one that leaves writes what
 * changes by its last connections to the table `handover`, the one that takes over puts it into its store. `meta` says
 * how far they are: begun, or ready (the new one serves, and alone writes `torrents`). That the old one has left shows
 * by its lock, which comes free however it ends.
 */
import type { StateFile, StateRow } from "./state_file.ts";

/** How often both look. */
export const HANDOVER_TICK_MS = 200;

const STAGE = "handover";

/** The side that leaves. */
export class Leaver {
  readonly #file: StateFile;
  /** True once the other one serves. */
  isTaken = false;

  constructor(file: StateFile) {
    this.#file = file;
    file.clearHandover();
    file.setMeta(STAGE, "begun");
  }

  /** To be called in the transaction of each pass, before anything is written. */
  look(): void {
    this.isTaken = this.#file.meta(STAGE) === "ready";
  }

  /** Writes a torrent: for the other one, and to the table of all as long as that is ours. */
  save(row: StateRow): void {
    this.#file.handOver(row);
    if (!this.isTaken) this.#file.save(row);
  }

  /** The other one will not take over. */
  cancel(): void {
    this.#file.clearHandover();
    this.#file.setMeta(STAGE, null);
  }
}

/** The side that takes over. */
export class Taker {
  readonly #file: StateFile;
  readonly #load: (row: StateRow) => void;
  #last = 0;
  #isReady = false;

  /** `load` puts a torrent into the store as a change. */
  constructor(file: StateFile, load: (row: StateRow) => void) {
    this.#file = file;
    this.#load = load;
  }

  /**
   * Takes what was handed over, and says so once we serve. True when the other one has left and nothing more comes.
   * Throws a StateFault while the other one writes: to be tried again.
   */
  take(isServing: boolean): boolean {
    if (isServing && !this.#isReady) {
      this.#file.setMeta(STAGE, "ready");
      this.#isReady = true;
    }
    // Its lock comes free when it has left, however it did.
    const isDone = this.#file.tryHold();
    const { rows, last } = this.#file.handedOver(this.#last);
    this.#last = last;
    rows.forEach(this.#load);
    // Before we have said that we serve, it has left because it failed: our fronts will be there in a moment.
    if (!isDone || !this.#isReady) return false;
    this.#file.clearHandover();
    this.#file.setMeta(STAGE, null);
    return true;
  }
}
