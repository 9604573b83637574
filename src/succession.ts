/**
 * A restart without a gap, as the tracker that leaves sees it: it saves, starts its successor with its sockets, goes on
 * serving until that one serves, then answers only the connections it has, hands over what changes by them, and leaves.
 * If the successor does not get ready, everything stays as it was.
 */
import type { FrontSocket } from "./front/front_start.ts";
import { Successor } from "./front/linux/successor.ts";
import type { FromPart } from "./messages.ts";
import type { PartThread } from "./part_thread.ts";
import type { KeeperState } from "./persist/keeper_start.ts";

/** Time the successor has to get ready: it loads all swarms. */
const READY_MS_MAX = 180_000;
/** How often its life is looked at. */
const LIFE_TICK_MS = 100;
/** Time the last connections have beyond their own limits. */
const DRAIN_MARGIN_MS = 5000;

/** What a succession works with. */
export interface SuccessionParts {
  readonly keeper: PartThread;
  readonly fronts: readonly PartThread[];
  /** Sockets of all fronts. */
  readonly sockets: readonly FrontSocket[];
  /** Longest that a connection may take by its limits. */
  readonly drainSeconds: number;
  /** Process `pid` serves now. */
  readonly onTaken: (pid: number) => void;
}

/** One try at a restart without a gap. */
export class Succession {
  readonly #parts: SuccessionParts;
  readonly #settle = new Map<KeeperState, () => void>();
  #draining = 0;
  #drained: () => void = () => {};

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** Takes what the keeper and the fronts say of it. */
  hear(message: FromPart): void {
    if (message.type === "keeper") this.#settle.get(message.state)?.();
    else if (message.type === "drained" && --this.#draining === 0) this.#drained();
  }

  /** Runs it. True: the successor serves, and this tracker is to stop. False: it goes on. */
  async run(): Promise<boolean> {
    const { keeper, sockets } = this.#parts;
    const begun = this.#untilKeeper("handingOver").then(() => true), unable = this.#untilKeeper("unable");
    const isTaken = this.#untilKeeper("takenOver");
    keeper.post({ type: "keeper", order: "handOver" });
    if (!await Promise.race([begun, unable.then(() => false)])) return this.#keepOn("the state cannot be saved");
    let successor: Successor;
    try {
      successor = new Successor(sockets);
    } catch (error) {
      return this.#keepOn(`it cannot be started (${error instanceof Error ? error.message : error})`);
    }
    console.log(`reload-binary: process ${successor.pid} takes over from ${Deno.pid}`);
    const why = await this.#watch(successor, isTaken);
    if (why !== null) return this.#keepOn(why);
    this.#parts.onTaken(successor.pid);
    await this.#drain();
    return true;
  }

  #untilKeeper(state: KeeperState): Promise<void> {
    return new Promise((resolve) => this.#settle.set(state, resolve));
  }

  // Null when the successor serves, or why it does not.
  async #watch(successor: Successor, isTaken: Promise<void>): Promise<string | null> {
    const startMs = performance.now(), { promise, resolve } = Promise.withResolvers<string>();
    const timer = setInterval(() => {
      if (successor.hasEnded) resolve("it ended before it was ready");
      else if (performance.now() - startMs > READY_MS_MAX) resolve("it does not get ready");
    }, LIFE_TICK_MS);
    const why = await Promise.race([isTaken.then(() => null), promise]);
    clearInterval(timer);
    return why;
  }

  #keepOn(why: string): false {
    console.error(`reload-binary: the new process does not take over, this one goes on: ${why}`);
    this.#parts.keeper.post({ type: "keeper", order: "keepOn" });
    return false;
  }

  async #drain(): Promise<void> {
    const { fronts, drainSeconds } = this.#parts, { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    this.#draining = fronts.length;
    for (const front of fronts) front.post({ type: "drain" });
    const timer = setTimeout(resolve, drainSeconds * 1000 + DRAIN_MARGIN_MS);
    await promise;
    clearTimeout(timer);
  }
}
