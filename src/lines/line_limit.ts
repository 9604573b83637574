/**
 * Holds a thread's lines for the operator to a few, whatever happens in it: what fails a hundred thousand times a second
 * must neither fill the disk nor hold up the others. What is left out is counted, and its number is said.
 */

/** Lines that may come at once … */
export const LINES_BURST_MAX = 100;
/** … and from then on in a second: a day of them, each a stack, is a few hundred megabytes. */
export const LINES_PER_SECOND = 2;
/** Longest line; a longer one is cut. */
export const LINE_CHARS_MAX = 4096;

/** Takes a line for the operator. */
export type Say = (line: string, isError: boolean) => void;

/** The limit of one thread. */
export class LineLimit {
  /** Lines left out since their number was last said. */
  leftOut = 0;
  readonly #say: Say;
  readonly #now: () => number;
  readonly #times: number;
  #allowed: number;
  #allowedMs: number;

  /** `say`: where lines go. `now`: milliseconds on the monotonic clock. `times`: so much more than a thread may pass. */
  constructor(say: Say, now: () => number, times = 1) {
    this.#say = say;
    this.#now = now;
    this.#times = times;
    this.#allowed = LINES_BURST_MAX * times;
    this.#allowedMs = now();
  }

  /** Passes a line on, or counts it. */
  say(line: string, isError: boolean): void {
    if (!this.#mayPass()) {
      this.leftOut++;
      return;
    }
    this.#say(tame(line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)} …` : line), isError);
  }

  /** Says how many lines were left out, if there were any. To be called now and then. */
  sayLeftOut(): void {
    if (this.leftOut === 0) return;
    this.#say(`${this.leftOut} more lines were left out`, true);
    this.leftOut = 0;
  }

  #mayPass(): boolean {
    const nowMs = this.#now(), times = this.#times;
    const more = (nowMs - this.#allowedMs) / 1000 * LINES_PER_SECOND * times;
    this.#allowed = Math.min(LINES_BURST_MAX * times, this.#allowed + more);
    this.#allowedMs = nowMs;
    if (this.#allowed < 1) return false;
    this.#allowed--;
    return true;
  }
}

// What goes on in a next line is set in, or it would look as if another had said it; nothing moves the terminal.
function tame(line: string): string {
  return line.replace(/\r?\n(?! {2})/g, "\n  ").replace(/[^\P{Cc}\n\t]/gu, "\ufffd");
}
