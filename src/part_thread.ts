/**
 * One part in its worker thread, as the supervisor holds it: started, watched, started again when it fails. It shares
 * nothing with the part but the shared memory it is given. A part that runs plugins of the folder is in a cell (cell.ts)
 * inside its worker, so that it can be ended while one of them loops.
 */
import { limitLines, WATCHED_TIMES } from "./lines/console_lines.ts";
import { type FromPart, isFromPart, type ToPart } from "./messages.ts";
import type { FrontSocket } from "./front/front_start.ts";
import { GIVE_WAY_PERMISSIONS } from "./give_way.ts";
import { LifeWatch, LOOK_MS } from "./life_watch.ts";
import { withOwnFiles } from "./permissions.ts";
import type { Reach } from "./reach.ts";
import { createLife, LifeSeen, type Whereabouts } from "./plugin/life.ts";
import { ThreadEnd } from "./thread_end.ts";

/** Rest before a failed part is started again; doubled while it keeps failing. */
const RESTART_MS_MIN = 100;
/** Longest rest: a part that cannot live must not take the machine with it. */
const RESTART_MS_MAX = 5000;
/** A part that lived this long is taken to be well again. */
const WELL_MS = 60_000;
/** Time a part has for its stop before it is ended. */
const STOP_MS = 1500;
/** Longest wait for the end of a thread that was told to end. Measured: 0.1 s, in a cell. */
const END_MS = 1000;

/** How a part failed. */
export interface PartEnd extends Whereabouts {
  /** It gave no sign of life, took too much memory or ended its thread, as only plugins do. */
  readonly isHeld: boolean;
  /** It could not be started again: what it said; null = it failed in another way. */
  readonly refusal: string | null;
  /** It ran plugins of the folder, and not for long. */
  readonly isEarly: boolean;
  readonly why: string;
}

/** A part that is watched. */
export interface PartWatch {
  /** Silence after which it is taken to hang. */
  readonly silentMsMax: number;
  /** Whether it runs plugins of the folder, as things are now, and so must be in a cell. */
  readonly needsCell: () => boolean;
  /** Whether it has pages, which may wait as long as they like. */
  readonly hasPages: boolean;
}

/** What the supervisor knows of a part. */
export interface PartPlan {
  /** For the log: "front 0", "office". */
  readonly name: string;
  readonly permissions: Deno.PermissionOptionsObject;
  /**
   * It answers nobody, and lets those that do go first: "first", before its first messages, and so all threads it starts;
   * "last", after them.
   */
  readonly givesWay?: "first" | "last";
  /** Sends the first messages of a fresh worker. */
  readonly begin: (thread: PartThread) => void;
  /** Time the part has for its stop, if it needs more than the others. */
  readonly stopMs?: number;
  /** A line for the operator when a stop takes longer than so many milliseconds. */
  readonly slowStop?: { readonly ms: number; readonly line: string };
  /** The part said something that is none of a thread's own life. */
  readonly hear?: (message: FromPart) => void;
  /** The part has started. */
  readonly onStarted?: () => void;
  /** The part was ended in the midst of what it did. What it held in shared memory is nobody's now. */
  readonly onGone?: () => void;
  /** The part failed; it will be started again. */
  readonly onFailure: (end: PartEnd) => void;
  /** A part that runs plugins, and is watched. Others are not: they run nothing that is not ours. */
  readonly watch?: PartWatch;
}

/** A part's thread. */
export class PartThread {
  readonly #plan: PartPlan;
  #worker: Worker | undefined;
  #threadEnd: ThreadEnd | undefined;
  /** Its way to the part: the worker's own, or into the cell. */
  #channel: Worker | MessagePort | undefined;
  readonly #say = limitLines((line, isError) => isError ? console.error(line) : console.log(line), WATCHED_TIMES);
  #life = createLife();
  #isInCell = false;
  #hasStarted = false;
  #hasEverStarted = false;
  #looks: ReturnType<typeof setInterval> | undefined;
  #lifeWatch: LifeWatch | undefined;
  #restartMs = RESTART_MS_MIN;
  #bornMs = 0;
  #isStopping = false;
  #settleStart: ((result: readonly FrontSocket[] | string) => void) | undefined;
  #settleReach: ((reach: Reach) => void) | undefined;
  #settleStop: (() => void) | undefined;

  constructor(plan: PartPlan) {
    this.#plan = plan;
  }

  /** Starts the part, or one that was stopped again. Resolves to its sockets, or to the sentence that says why it cannot. */
  start(): Promise<readonly FrontSocket[] | string> {
    this.#isStopping = false;
    const started = new Promise<readonly FrontSocket[] | string>((resolve) => this.#settleStart = resolve);
    this.#spawn();
    return started;
  }

  /** Resolves when the part has started the next time: after a failure, when it is back. */
  async untilStarted(): Promise<void> {
    await new Promise((resolve) => this.#settleStart = resolve);
  }

  /** Sends the part a message. Returns whether there is a part: one that failed and rests before it comes back is none. */
  post(message: ToPart, ...ports: MessagePort[]): boolean {
    this.#channel?.postMessage(message, ports);
    return this.#channel !== undefined;
  }

  /** Where the part that runs now gives its signs of life: plugin/life.ts. */
  get life(): SharedArrayBuffer {
    return this.#life;
  }

  /** Time for which a part that is watched has given no sign of life, started or not. */
  get silentMs(): number {
    return this.#lifeWatch?.silentMs ?? 0;
  }

  /** Whether the part must be started anew before it may run the plugins of now: it is not in a cell, and must be. */
  get needsCell(): boolean {
    return !this.#isInCell && this.#plan.watch !== undefined && this.#plan.watch.needsCell();
  }

  /** Stops the part and starts it anew; one that rests is to come anyway. Resolves when it is back, whatever it takes. */
  async renew(): Promise<void> {
    const back = this.untilStarted();
    if (this.#worker !== undefined) {
      await this.#halt();
      if (this.#isStopping) return;
      this.#spawn();
    }
    await back;
  }

  /** Asks the part what it can reach, and has it try. */
  reach(): Promise<Reach> {
    this.post({ type: "reach" });
    return new Promise((resolve) => this.#settleReach = resolve);
  }

  /** Stops the part; ends it if it does not stop in time. `finishMs`: time it has besides, to answer what it has begun. */
  async stop(finishMs = 0): Promise<void> {
    this.#isStopping = true;
    await this.#halt(finishMs);
  }

  // From here on what becomes of the worker is no failure.
  async #halt(finishMs = 0): Promise<void> {
    const worker = this.#worker, threadEnd = this.#threadEnd;
    if (worker === undefined) return;
    const stopped = new Promise<boolean>((resolve) => this.#settleStop = () => resolve(true));
    this.post({ type: "stop", finishMs });
    this.#worker = undefined;
    clearInterval(this.#looks);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), finishMs + this.#stopMs);
    });
    const slowStop = this.#plan.slowStop;
    const slowTimer = slowStop === undefined ? undefined : setTimeout(() => console.log(slowStop.line), slowStop.ms);
    const hasStopped = await Promise.race([stopped, late]);
    clearTimeout(timer);
    clearTimeout(slowTimer);
    this.#end(worker);
    // One that has stopped holds nothing.
    if (hasStopped) return threadEnd?.forget();
    await threadEnd?.until(END_MS);
    this.#plan.onGone?.();
  }

  // One that has never started has nothing to save.
  get #stopMs(): number {
    return this.#hasEverStarted ? this.#plan.stopMs ?? STOP_MS : STOP_MS;
  }

  #end(worker: Worker): void {
    if (this.#channel instanceof MessagePort) this.#channel.close();
    this.#channel = undefined;
    worker.terminate();
  }

  #spawn(): void {
    const { name, watch, givesWay } = this.#plan;
    this.#bornMs = performance.now();
    this.#life = createLife();
    this.#isInCell = watch?.needsCell() ?? false;
    this.#hasStarted = false;
    const worker = new Worker(new URL("./part.ts", import.meta.url), {
      type: "module",
      name,
      deno: { permissions: this.#permissions() },
    } as WorkerOptions);
    if (givesWay === "first") worker.postMessage({ type: "giveWay" } satisfies ToPart);
    this.#worker = worker;
    const threadEnd = this.#threadEnd = new ThreadEnd();
    this.#channel = this.#isInCell ? openCell(worker, threadEnd) : worker;
    if (!this.#isInCell) worker.postMessage({ type: "holdUntilEnd" } satisfies ToPart, [threadEnd.port]);
    this.#channel.onmessage = ({ data }: MessageEvent<unknown>) => this.#take(data);
    if (this.#isInCell) {
      worker.onmessage = ({ data }: MessageEvent<unknown>) => {
        // An error that is on its way says more.
        setTimeout(() => worker === this.#worker && this.#take(data));
      };
    }
    worker.onerror = (event) => {
      event.preventDefault();
      // A part that fails more than once has failed once.
      if (worker !== this.#worker) return;
      void this.#fail(event.error instanceof Error ? event.error.stack ?? event.message : event.message);
    };
    if (watch !== undefined) this.#watch(watch);
    this.#plan.begin(this);
    if (givesWay === "last") this.post({ type: "giveWay" });
  }

  #permissions(): Deno.PermissionOptionsObject {
    const { permissions, givesWay } = this.#plan,
      own = givesWay ? { ...permissions, ...GIVE_WAY_PERMISSIONS } : permissions;
    return this.#isInCell ? withOwnFiles(own) : own;
  }

  #watch({ silentMsMax, hasPages }: PartWatch): void {
    const seen = new LifeSeen(this.#life);
    const watch = this.#lifeWatch = new LifeWatch(seen, silentMsMax, performance.now(), hasPages);
    clearInterval(this.#looks);
    let hasSaid = false;
    this.#looks = setInterval(() => {
      // Without a cell nothing in it could grow so.
      const rssBytes = this.#isInCell ? Deno.memoryUsage().rss : 0, hasStarted = this.#hasStarted;
      const why = watch.look({ nowMs: performance.now(), rssBytes, hasStarted });
      if (why === null) return;
      // Without a cell it cannot be ended, and runs nothing that is not ours: what it does may yet come to an end.
      if (this.#isInCell) void this.#fail(why, { isHeld: true });
      else if (!hasSaid) console.error(`${this.#plan.name}: ${why}`);
      hasSaid = true;
    }, LOOK_MS);
  }

  // What a plugin says by the part's own way is no reason for us to fail, and is believed no more than it must be.
  #take(message: unknown): void {
    if (!isFromPart(message)) return void this.#fail("it said what none of our parts says");
    this.#hear(message);
  }

  #hear(message: FromPart): void {
    switch (message.type) {
      case "started":
        this.#hasStarted = this.#hasEverStarted = true;
        this.#plan.onStarted?.();
        this.#settleStart?.(message.sockets);
        return;
      case "failed":
        if (this.#hasStarted) void this.#fail("it said that it cannot start, and it had");
        else if (this.#hasEverStarted) void this.#fail(message.reason, { refusal: message.reason });
        else this.#settleStart?.(message.reason);
        return;
      case "reaches":
        this.#settleReach?.(message.reach);
        return;
      case "stopped":
        this.#settleStop?.();
        return;
      case "broken":
        void this.#fail(message.why);
        return;
      case "cellEnded":
        void this.#fail(message.why, { isHeld: true });
        return;
      case "said":
        return this.#say(message.line, message.isError === true);
      default:
        this.#plan.hear?.(message);
    }
  }

  async #fail(why: string, how: { readonly isHeld?: true; readonly refusal?: string } = {}): Promise<void> {
    const worker = this.#worker, threadEnd = this.#threadEnd, { name, onGone, onFailure } = this.#plan;
    // What has failed already, or is being stopped, does not fail.
    if (this.#isStopping || worker === undefined) return;
    const where = new LifeSeen(this.#life).giveUp(), { isHeld = false, refusal = null } = how;
    this.#end(worker);
    this.#worker = undefined;
    clearInterval(this.#looks);
    const wasWell = performance.now() - this.#bornMs > WELL_MS, isEarly = this.#isInCell && !wasWell;
    if (wasWell) this.#restartMs = RESTART_MS_MIN;
    const restMs = this.#restartMs, rest = new Promise((resolve) => setTimeout(resolve, restMs));
    this.#restartMs = Math.min(RESTART_MS_MAX, this.#restartMs * 2);
    console.error(`${name}: failed and is started again in ${restMs} ms: ${why}`);
    // From a plugin's slot it never returns; elsewhere it may be in the midst of its own code until it has ended.
    if (where.isInSlot) threadEnd?.forget();
    else await threadEnd?.until(END_MS);
    onGone?.();
    onFailure({ ...where, isHeld, refusal, isEarly, why });
    await rest;
    if (!this.#isStopping) this.#spawn();
  }
}

// Has the worker open a cell. Returns the way into it.
function openCell(worker: Worker, threadEnd: ThreadEnd): MessagePort {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ type: "openCell" } satisfies ToPart, [port2, threadEnd.port]);
  return port1;
}
