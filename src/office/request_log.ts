/** Requests of the networks an operator wants to look at (`mode=fulllog`): the last ones, until they are fetched. */
import type { LoggedRequest } from "../plugin/api.ts";

/** Characters kept at most: the oldest requests go first. */
const CHARS_MAX = 1 << 20;

/** A log that forgets. */
export class RequestLog {
  #rows: LoggedRequest[] = [];
  #chars = 0;

  /** Adds a request. */
  add(row: LoggedRequest): void {
    this.#rows.push(row);
    this.#chars += row.text.length;
    while (this.#chars > CHARS_MAX) this.#chars -= this.#rows.shift()!.text.length;
  }

  /** Takes all that is there. */
  take(): readonly LoggedRequest[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#chars = 0;
    return rows;
  }
}
