/** Takes the dead out of the state file, a part of it in each pass, so that no pass is long. */
import type { StateFile } from "./state_file.ts";

/** First bytes of info hashes looked at for the dead in one pass: all in 64 passes. */
const PURGE_BYTES = 4;
/** How much longer than its peers live a torrent stays in the file: the sweep takes its time. */
const PURGE_MINUTES = 5;

/** The rounds through one file. */
export class Purge {
  readonly #file: StateFile;
  readonly #peerAgeMinutesMax: number;
  readonly #keepMinutes: number;
  #from = 0;

  /** `keepDays`: how long a count of completed downloads is kept without an announce. */
  constructor(file: StateFile, peerAgeMinutesMax: number, keepDays: number) {
    this.#file = file;
    this.#peerAgeMinutesMax = peerAgeMinutesMax;
    this.#keepMinutes = keepDays * 1440;
  }

  /** Removes the dead of the next part. `wallMinute`: now, since 1970. In the transaction of a pass. */
  step(wallMinute: number): void {
    const from = this.#from, end = from + PURGE_BYTES;
    this.#from = end & 0xff;
    this.#file.purge(from, end, wallMinute - this.#peerAgeMinutesMax - PURGE_MINUTES, wallMinute - this.#keepMinutes);
  }
}
