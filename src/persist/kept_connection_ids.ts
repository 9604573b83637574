/** Connection ids in the state file: they stay good over a restart. schema.ts says how they stand there. */
import type { StateFile } from "./state_file.ts";

/** Ids of the new run are never older than the last of the old one by its own clock. */
const ID_MARGIN_SECONDS = 8;

/** Key and clock of a tracker's connection ids. */
export class KeptConnectionIds {
  readonly #file: StateFile;
  readonly #shared: Int32Array;

  /** `memory`: see KeeperStart. */
  constructor(file: StateFile, memory: SharedArrayBuffer) {
    this.#file = file;
    this.#shared = new Int32Array(memory);
  }

  /** Takes the file's key, or puts ours there, and a clock that goes on where the last run's stood. */
  restore(clockSecond: number, takesOver: boolean): void {
    const shared = this.#shared, file = this.#file;
    const key = file.meta("connection_id_key"), time = file.meta("connection_id_time");
    if (key instanceof Uint8Array && key.length === 16) shared.set(new Int32Array(key.slice().buffer));
    else file.setMeta("connection_id_key", new Uint8Array(shared.slice(0, 4).buffer));
    const [, second, wallMs] = /^\[(\d+),(\d+)\]$/.exec(String(time)) ?? [];
    if (second === undefined) return;
    // The other one still takes ids: none of ours may look to it as if it came from later.
    const margin = takesOver ? 0 : ID_MARGIN_SECONDS;
    shared[4] = Math.floor(Number(second) + Math.max(0, Date.now() - Number(wallMs)) / 1000) + margin - clockSecond;
  }

  /** Writes where their clock stands, and when. */
  saveTime(clockSecond: number): void {
    this.#file.setMeta("connection_id_time", JSON.stringify([clockSecond + this.#shared[4]!, Date.now()]));
  }
}
