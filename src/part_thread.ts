/**
 * One part in its worker thread, as the supervisor holds it: started, watched, started again when it fails. It shares
 * nothing with the part but the shared memory it is given.
 */
import type { FromPart, ToPart } from "./messages.ts";
import type { FrontSocket } from "./front/front_start.ts";

/** Rest before a failed part is started again; doubled while it keeps failing. */
const RESTART_MS_MIN = 100;
/** Longest rest: a part that cannot live must not take the machine with it. */
const RESTART_MS_MAX = 5000;
/** A part that lived this long is taken to be well again. */
const WELL_MS = 60_000;
/** Time a part has for its stop before it is ended. */
const STOP_MS = 1500;

/** What the supervisor knows of a part. */
export interface PartPlan {
  /** For the log: "front 0", "office". */
  readonly name: string;
  readonly permissions: Deno.PermissionOptions;
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
  /** The part failed; it will be started again. */
  readonly onFailure: () => void;
}

/** A part's thread. */
export class PartThread {
  readonly #plan: PartPlan;
  #worker: Worker | undefined;
  #restartMs = RESTART_MS_MIN;
  #bornMs = 0;
  #isStopping = false;
  #settleStart: ((result: readonly FrontSocket[] | string) => void) | undefined;
  #settleReach: ((permissions: Readonly<Record<string, string>>) => void) | undefined;
  #settleStop: (() => void) | undefined;

  constructor(plan: PartPlan) {
    this.#plan = plan;
  }

  /** Starts the part. Resolves to its sockets, or to the sentence that says why it cannot. */
  start(): Promise<readonly FrontSocket[] | string> {
    const started = new Promise<readonly FrontSocket[] | string>((resolve) => this.#settleStart = resolve);
    this.#spawn();
    return started;
  }

  /** Resolves when the part has started the next time: after a failure, when it is back. */
  async untilStarted(): Promise<void> {
    await new Promise((resolve) => this.#settleStart = resolve);
  }

  /** Sends the part a message. */
  post(message: ToPart, ...ports: MessagePort[]): void {
    this.#worker?.postMessage(message, ports);
  }

  /** Asks the part what it can reach: the state of each permission by name. */
  reach(): Promise<Readonly<Record<string, string>>> {
    this.post({ type: "reach" });
    return new Promise((resolve) => this.#settleReach = resolve);
  }

  /** Stops the part; ends it if it does not stop in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const stopped = new Promise<void>((resolve) => this.#settleStop = resolve);
    this.post({ type: "stop" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, this.#plan.stopMs ?? STOP_MS));
    const slowStop = this.#plan.slowStop;
    const slowTimer = slowStop === undefined ? undefined : setTimeout(() => console.log(slowStop.line), slowStop.ms);
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    clearTimeout(slowTimer);
    this.#worker?.terminate();
  }

  #spawn(): void {
    const { name, permissions } = this.#plan;
    this.#bornMs = performance.now();
    const worker = new Worker(new URL("./part.ts", import.meta.url), {
      type: "module",
      name,
      deno: { permissions },
    } as WorkerOptions);
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromPart>) => this.#hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      // A part that fails more than once has failed once.
      if (worker !== this.#worker) return;
      this.#fail(event.error instanceof Error ? event.error.stack ?? event.message : event.message);
    };
    this.#plan.begin(this);
  }

  #hear(message: FromPart): void {
    switch (message.type) {
      case "started":
        this.#plan.onStarted?.();
        this.#settleStart?.(message.sockets);
        return;
      case "failed":
        this.#settleStart?.(message.reason);
        return;
      case "reaches":
        this.#settleReach?.(message.permissions);
        return;
      case "stopped":
        this.#settleStop?.();
        return;
      default:
        this.#plan.hear?.(message);
    }
  }

  #fail(why: string): void {
    if (this.#isStopping) return;
    this.#worker?.terminate();
    this.#worker = undefined;
    if (performance.now() - this.#bornMs > WELL_MS) this.#restartMs = RESTART_MS_MIN;
    console.error(`${this.#plan.name}: failed and is started again in ${this.#restartMs} ms: ${why}`);
    this.#plan.onFailure();
    setTimeout(() => this.#isStopping || this.#spawn(), this.#restartMs);
    this.#restartMs = Math.min(RESTART_MS_MAX, this.#restartMs * 2);
  }
}
