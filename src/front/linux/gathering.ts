/**
 * Lets requests gather while many come, as network cards do with interrupts: a wake-up and the calls around it cost more
 * than a request, and a front that wakes for each is as busy at a third of full load as at full load. Under full load
 * requests gather by themselves, and nothing is waited for; nor is it when few come, and time is not short
 * (docs/adr/0013_requests_gather_under_load.md).
 */
import type { LoopCalls } from "./libc.ts";

/** How long requests gather. A twentieth of a millisecond is nothing to a client, and half of the wake-ups or more. */
const GATHER_MICROSECONDS = 50;
/** Requests gather where turns of the loop come faster than this on average. */
const TURN_MS_MAX = 0.15;
/** Weight of the latest turn in that average. */
const LATEST_TURN = 1 / 8;

/** The gathering of one front. */
export class Gathering {
  readonly #calls: LoopCalls;
  #begunMs = 0;
  /** Average from turn to turn. */
  #turnMs = TURN_MS_MAX;

  constructor(calls: LoopCalls) {
    this.#calls = calls;
  }

  /** A turn that serves requests begins. */
  beginTurn(nowMs: number): void {
    this.#turnMs += (nowMs - this.#begunMs - this.#turnMs) * LATEST_TURN;
    this.#begunMs = nowMs;
  }

  /** After such a turn: waits in the thread, if requests come fast enough to gather meanwhile. */
  pause(): void {
    if (this.#turnMs < TURN_MS_MAX) this.#calls.usleep(GATHER_MICROSECONDS);
  }
}
