/** What is said while a state file cannot be written: each fault once, however often it comes in a row, and its end. */
import { StateFault } from "./state_fault.ts";

/** The lines about one file, and how many faults there were. */
export class FaultLines {
  readonly #say: (line: string) => void;
  readonly #count: () => void;
  #last = "";

  /** `say`: takes a line for the operator. `count`: is called for every fault. */
  constructor(say: (line: string) => void, count: () => void) {
    this.#say = say;
    this.#count = count;
  }

  /** `what`: what has come of it. What is no StateFault is thrown on. */
  note(what: string, error: unknown): void {
    if (!(error instanceof StateFault)) throw error;
    const line = `state: ${what}: ${error.message}`;
    this.#count();
    if (line !== this.#last) this.#say(line);
    this.#last = line;
  }

  /** All went well. */
  clear(): void {
    if (this.#last !== "") this.#say("state: the file can be written again, and is complete");
    this.#last = "";
  }
}
