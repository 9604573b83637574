/**
 * Tells from a part's signs of life (src/plugin/life.ts) whether it hangs. Silence is counted in looks of the
 * supervisor's own, which have to come in time: where the supervisor was held up itself, because the process was
 * stopped, the machine slept or had too much to do, the count begins anew.
 */
import type { LifeSeen } from "./plugin/life.ts";

/** How often a part is looked at. */
export const LOOK_MS = 500;
/** A look this long after the last is late, and says nothing of the part. */
const LATE_MS = 3 * LOOK_MS;
/** Time a part may be at the loading of one plugin, whatever signs of life it gives: a module may wait for ever. */
const LOAD_SECONDS_MAX = 30;
/** Looks in silence, in a plugin's code, after which the growth of the process is put down to it. */
const GROWTH_LOOKS = 2;
/** Growth of the process that a silent part in a plugin's code is not waited for: it takes memory as fast as it can. */
const GROWTH_MIB_MAX = 512;
/**
 * Bytes outside of the heap that a part may hold beyond what it held when it had started: far more than all replies that
 * wait for slow readers. The heap has a limit of its own (cell.ts).
 */
const OUTSIDE_MIB_MAX = 1024;
const MEBIBYTE = 1024 * 1024;

/** What one look is made with. */
export interface Look {
  /** Milliseconds on the monotonic clock. */
  readonly nowMs: number;
  /** Memory of the whole process. */
  readonly rssBytes: number;
  /** Until it has, only a plugin's code is no reason to be silent. */
  readonly hasStarted: boolean;
}

/** The watch over one thread. */
export class LifeWatch {
  readonly #seen: LifeSeen;
  readonly #missesMax: number;
  #beats = 0;
  #misses = 0;
  /** Looks in time since the last beat, whatever the part is at. */
  #silentLooks = 0;
  readonly #pagesWait: boolean;
  /** Mark of the plugin that was begun, and looks in time since. */
  #begun = 0;
  #begunLooks = 0;
  #lookedMs: number;
  #rssBytes = 0;
  #outsideMebibytes: number | undefined;

  /**
   * `silentMsMax`: silence after which the part is taken to hang. `nowMs`: as in a Look. `pagesWait`: what was begun may
   * go on as long as it likes when the part has started; otherwise only plugins that are loaded are begun.
   */
  constructor(seen: LifeSeen, silentMsMax: number, nowMs: number, pagesWait = false) {
    this.#pagesWait = pagesWait;
    this.#seen = seen;
    this.#missesMax = Math.ceil(silentMsMax / LOOK_MS);
    this.#lookedMs = nowMs;
  }

  /** One look. Returns null while all is well, or why the part must not be waited for any more. */
  look({ nowMs, rssBytes, hasStarted }: Look): string | null {
    const sinceMs = nowMs - this.#lookedMs, { beats, isInPlugin } = this.#seen;
    this.#lookedMs = nowMs;
    const isAnew = beats !== this.#beats || sinceMs > LATE_MS;
    this.#silentLooks = isAnew ? 0 : this.#silentLooks + 1;
    if (sinceMs <= LATE_MS && this.#loadsForEver(hasStarted)) {
      return `a plugin is not loaded after ${LOAD_SECONDS_MAX} s`;
    }
    if (isAnew || !(hasStarted || isInPlugin)) {
      this.#beats = beats;
      this.#misses = 0;
      this.#rssBytes = rssBytes;
      return hasStarted ? this.#refuseMemory() : null;
    }
    this.#misses++;
    if (this.#misses >= this.#missesMax) return `no sign of life for ${this.#misses * LOOK_MS / 1000} s`;
    const grown = Math.round((rssBytes - this.#rssBytes) / MEBIBYTE);
    if (!isInPlugin || this.#misses < GROWTH_LOOKS || grown < GROWTH_MIB_MAX) return null;
    return `no sign of life, and ${grown} MiB more memory in use`;
  }

  /** Time without a sign of life, as far as it was looked at in time. */
  get silentMs(): number {
    return this.#silentLooks * LOOK_MS;
  }

  #loadsForEver(hasStarted: boolean): boolean {
    const before = this.#begun, now = this.#begun = hasStarted && this.#pagesWait ? 0 : this.#seen.begun;
    this.#begunLooks = now !== 0 && now === before ? this.#begunLooks + 1 : 0;
    return this.#begunLooks * LOOK_MS >= LOAD_SECONDS_MAX * 1000;
  }

  #refuseMemory(): string | null {
    const now = this.#seen.outsideMebibytes;
    this.#outsideMebibytes ??= now;
    return now - this.#outsideMebibytes > OUTSIDE_MIB_MAX ? `${now} MiB of memory outside of its heap` : null;
  }
}
