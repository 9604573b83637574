/**
 * A restart without a gap. The tracker that leaves saves, starts its successor with its sockets, goes on serving until
 * that one serves, then answers only the connections it has, hands over what changes by them, and leaves. As long as it
 * has not left it takes everything back when its successor ends; and it ends one that it does not wait for any more, so
 * that never two trackers serve for good. The successor's fronts do not start before the state file says that it is
 * waited for (persist/handover.ts).
 */
import type { Successor } from "./front/linux/successor.ts";
import type { FromPart, FrontKind, ToPart } from "./messages.ts";
import type { KeeperOrder, KeeperState } from "./persist/keeper_start.ts";

/** Time the successor has to get ready: it loads all swarms. */
const READY_MS_MAX = 180_000;
/** How often its life is looked at. */
const LIFE_TICK_MS = 100;
/** Time the last connections have beyond their own limits. */
const DRAIN_MARGIN_MS = 5000;
/** The process that the system of a container, or a whole machine, ends with. */
const FIRST_PROCESS = 1;

/** Whether a succession can begin goes by this. */
export interface SuccessionFacts {
  readonly pid: number;
  readonly hasLeftRoot: boolean;
  readonly isKept: boolean;
  readonly kind: FrontKind;
  /** starting: not all parts run yet. leaving: a successor serves, or the tracker stops. */
  readonly stage: "starting" | "serving" | "leaving";
  readonly isUnderWay: boolean;
}

/** Why no succession can begin, or null when one can. */
export function refuseSuccession(facts: SuccessionFacts): string | null {
  if (facts.hasLeftRoot) return "a tracker that was started as root cannot start its program anew";
  if (facts.pid === FIRST_PROCESS) return "a tracker that is process 1 takes its container with it when it leaves";
  if (!facts.isKept || facts.kind !== "linux") return "this needs tracker.state and linux fronts";
  if (facts.isUnderWay) return "one is under way";
  return facts.stage === "serving" ? null : `this one is ${facts.stage}`;
}

/** A part, as far as a succession speaks to it. */
export interface Spoken {
  post(message: ToPart): void;
}

/** What a succession works with. */
export interface SuccessionParts {
  readonly keeper: Spoken;
  readonly fronts: readonly Spoken[];
  /** Starts the program anew. Throws an Error with the system's words. */
  readonly start: () => Pick<Successor, "pid" | "hasEnded" | "end">;
  /** Longest that a connection may take by its limits. */
  readonly drainSeconds: number;
  /** Time the successor has to get ready, milliseconds. */
  readonly readyMsMax?: number;
  /** Process `pid` serves in our place. */
  readonly onTaken: (pid: number) => void;
}

/** One try at a restart without a gap, as the tracker that leaves sees it. */
export class Succession {
  readonly #parts: SuccessionParts;
  readonly #settle = new Map<KeeperState, () => void>();
  readonly #givenUp = Promise.withResolvers<string>();
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

  /** Ends the successor if it does not serve yet. `why`: what has come between, and what this tracker does now. */
  giveUp(why: string): void {
    this.#givenUp.resolve(why);
  }

  /** Runs it. True: the successor serves, and this tracker is to stop. False: it goes on. */
  async run(): Promise<boolean> {
    const { start, readyMsMax = READY_MS_MAX, onTaken } = this.#parts, givenUp = this.#givenUp.promise;
    const isTaken = this.#untilKeeper("takenOver").then(() => null);
    const begun = this.#untilKeeper("handingOver").then(() => null);
    const unable = this.#untilKeeper("unable").then(() => goesOn("the state cannot be handed over"));
    this.#order("handOver");
    const obstacle = await Promise.race([begun, unable, givenUp]);
    if (obstacle !== null) return this.#keepOn(obstacle);
    let successor: ReturnType<typeof start>;
    try {
      successor = start();
    } catch (error) {
      return this.#keepOn(goesOn(`it cannot be started (${error instanceof Error ? error.message : error})`));
    }
    console.log(`reload-binary: process ${successor.pid} takes over from ${Deno.pid}`);
    const end = Promise.withResolvers<void>(), late = Promise.withResolvers<string>();
    const life = setInterval(() => successor.hasEnded && end.resolve(), LIFE_TICK_MS);
    const patience = setTimeout(() => late.resolve(goesOn("it does not get ready")), readyMsMax);
    try {
      const ended = end.promise.then(() => goesOn("it ended before it was ready"));
      const why = await Promise.race([isTaken, ended, late.promise, givenUp]) ??
        await this.#drain(end.promise.then(() => goesOn("it ended when it had taken over")));
      if (why === null) {
        onTaken(successor.pid);
        return true;
      }
      successor.end();
      await end.promise;
      return this.#keepOn(why);
    } finally {
      clearInterval(life);
      clearTimeout(patience);
    }
  }

  #untilKeeper(state: KeeperState): Promise<void> {
    return new Promise((resolve) => this.#settle.set(state, resolve));
  }

  #order(order: KeeperOrder): void {
    this.#parts.keeper.post({ type: "keeper", order });
  }

  #keepOn(why: string): false {
    console.error(`reload-binary: the new process does not take over, ${why}`);
    this.#order("keepOn");
    return false;
  }

  // Null when there is nothing left to answer, or why this tracker answers again.
  async #drain(ended: Promise<string>): Promise<string | null> {
    const { fronts, drainSeconds } = this.#parts, { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = resolve;
    this.#draining = fronts.length;
    for (const front of fronts) front.post({ type: "drain" });
    const timer = setTimeout(resolve, drainSeconds * 1000 + DRAIN_MARGIN_MS);
    const why = await Promise.race([promise.then(() => null), ended]);
    clearTimeout(timer);
    if (why !== null) { for (const front of fronts) front.post({ type: "resume" }); }
    return why;
  }
}

function goesOn(why: string): string {
  return `this one goes on: ${why}`;
}

/** A restart without a gap, as the tracker that takes over sees it. */
export class Accession {
  readonly #ousted = Promise.withResolvers<string>();
  #hearState: (state: KeeperState) => void = () => {};

  /** Resolves to the sentence that says why the fronts may not serve any more, should that come. */
  get ousted(): Promise<string> {
    return this.#ousted.promise;
  }

  /** Takes what the keeper says of it. */
  hear(message: FromPart): void {
    if (message.type !== "keeper") return;
    if (message.state !== "ousted") return this.#hearState(message.state);
    this.#ousted.resolve("Cannot take over: another tracker was started with the same tracker.state meanwhile");
  }

  /** Asks whether the fronts may start. Returns null, or the sentence that says why they may not. */
  async claim(keeper: Spoken | undefined): Promise<string | null> {
    if (keeper === undefined) {
      return "Cannot take over: the tracker before this one has tracker.state, and this one has not";
    }
    const state = new Promise<KeeperState>((resolve) => this.#hearState = resolve);
    keeper.post({ type: "keeper", order: "claim" });
    if (await state === "claimed") return null;
    return "Cannot take over: no tracker waits for this one, or it keeps its state in another file";
  }

  /** The fronts answer. */
  serve(keeper: Spoken | undefined): void {
    keeper?.post({ type: "keeper", order: "serve" });
  }
}
