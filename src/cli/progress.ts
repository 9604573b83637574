/** Shows how far a long work is: a bar with rate and time left on a terminal, a line now and then elsewhere. */
import { formatBytes, formatSeconds } from "./quantity.ts";
import type { ToolRim } from "./tool_rim.ts";

/** Milliseconds between two drawings of the bar. */
const REDRAW_MILLISECONDS = 100;

/** Milliseconds between two lines where there is no terminal. */
const LINE_MILLISECONDS = 10_000;

/** Letters of the bar itself. */
const BAR_CHARS = 24;

/** One work of a known size. */
export class Progress {
  readonly #rim: Pick<ToolRim, "redraw" | "printError" | "now">;
  readonly #label: string;
  readonly #totalBytes: number;
  readonly #startedAt: number;
  #shownAt: number;
  #doneBytes = 0;

  /** `label`: a few words that name the work. */
  constructor(rim: Pick<ToolRim, "redraw" | "printError" | "now">, label: string, totalBytes: number) {
    this.#rim = rim;
    this.#label = label;
    this.#totalBytes = totalBytes;
    this.#startedAt = this.#shownAt = rim.now();
  }

  /** Counts `bytes` more as done. */
  add(bytes: number): void {
    this.#doneBytes += bytes;
    const { redraw, printError, now } = this.#rim;
    const wait = redraw === null ? LINE_MILLISECONDS : REDRAW_MILLISECONDS;
    if (now() - this.#shownAt < wait) return;
    this.#shownAt = now();
    if (redraw === null) printError(`${this.#label}: ${this.#figures()}`);
    else redraw(`${this.#bar()} ${this.#figures()}  ${this.#label}`);
  }

  /** Takes the bar away. */
  end(): void {
    this.#rim.redraw?.("");
  }

  #bar(): string {
    const filled = Math.floor(BAR_CHARS * this.#share());
    return `[${"#".repeat(filled)}${" ".repeat(BAR_CHARS - filled)}]`;
  }

  #figures(): string {
    const seconds = Math.max(0.001, (this.#rim.now() - this.#startedAt) / 1000);
    const rate = this.#doneBytes / seconds;
    const left = (this.#totalBytes - this.#doneBytes) / Math.max(1, rate);
    const percent = Math.floor(100 * this.#share()).toString().padStart(3);
    return `${percent} % of ${formatBytes(this.#totalBytes)}, ${formatBytes(Math.round(rate))}/s, ${
      formatSeconds(left)
    } left`;
  }

  #share(): number {
    return this.#totalBytes === 0 ? 1 : this.#doneBytes / this.#totalBytes;
  }
}
