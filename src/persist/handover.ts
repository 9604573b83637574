/**
 * How two trackers that share a state file for a moment keep each other's changes: the one that leaves writes what
 * changes by its last connections to the table `handover`, the one that takes over puts it into its store. `meta` says
 * how far they are: begun, ready (the new one serves, and alone writes `torrents`), done (the old one has left).
 */
import type { StateFile, StateRow } from "./state_file.ts";

/** How often both look. */
export const HANDOVER_TICK_MS = 100;

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

  /** Nothing more comes. */
  finish(): void {
    this.#file.setMeta(STAGE, "done");
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
  #hasLeft = false;

  /** `load` puts a torrent into the store as a change. */
  constructor(file: StateFile, load: (row: StateRow) => void) {
    this.#file = file;
    this.#load = load;
    // The lock comes free when the other one has left, however it did.
    void file.holdLater().then(() => this.#hasLeft = true);
  }

  /** Says that we serve. */
  serve(): void {
    this.#file.setMeta(STAGE, "ready");
  }

  /** Takes what was handed over. True when the other one has left and nothing more comes. */
  take(): boolean {
    const isDone = this.#hasLeft || this.#file.meta(STAGE) === "done";
    const { rows, last } = this.#file.handedOver(this.#last);
    this.#last = last;
    rows.forEach(this.#load);
    if (!isDone) return false;
    this.#file.clearHandover();
    this.#file.setMeta(STAGE, null);
    return true;
  }
}
