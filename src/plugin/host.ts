/**
 * The keeper of one plugin's thread. A worker whose permissions are the plugin's holds a second thread that runs it,
 * because only such a thread can be ended while it loops and has a limit of memory of its own: if it gives no sign of
 * life, it is ended and started again. Its permissions are those of this worker, which it cannot exceed.
 */
import { Worker as NodeWorker } from "node:worker_threads";
import { limitLines, WATCHED_TIMES } from "../lines/console_lines.ts";
import type { Reach } from "../reach.ts";
import { type FromHost, type HostStart, type HostThreadStart, isFromThread, type ToHost } from "./host_messages.ts";

/** How often a sign of life is asked for. */
const PING_MS = 500;
/**
 * Memory of a plugin's own: objects in its heap, bytes outside of it, and growth of the whole process while the plugin is
 * silent, each by itself. Shared memory, such as its lists, does not count in the first two.
 */
const MEMORY_MIB_MAX = 512;
/** Silence from which on the growth of the process is put down to the plugin. */
const GROWTH_MS = 1000;
/** Time the thread has to load our own modules: until then it runs no line of a plugin. */
const LOAD_MS_MAX = 60_000;
/** A look at the plugin this long after the last is late: this thread was held up itself, and the count begins anew. */
const LATE_MS = 3 * PING_MS;
const MEBIBYTE = 1024 * 1024;
/** Rest before a plugin that died is started again; doubled while it keeps dying. */
const RESTART_MS_MIN = 1000, RESTART_MS_MAX = 60_000;
/** A plugin that lived this long is taken to be well again. */
const WELL_MS = 60_000;
/** Time a plugin has for its `stop`. */
const STOP_MS = 1000;

/** One plugin's thread, watched. */
export class PluginHost {
  readonly #start: HostStart;
  readonly #post: (message: FromHost) => void;
  readonly #say: (line: string, isError: boolean) => void;
  #thread: NodeWorker | undefined;
  /** The way to it. Its worker's own is none: what the plugin sees of that leads nowhere. */
  #port: MessagePort | undefined;
  #bornMs = 0;
  #heardMs = 0;
  #checkedMs = 0;
  /** Whether the thread has said anything yet. */
  #isLoaded = false;
  /** Memory of the process then. */
  #heardBytes = 0;
  #restartMs = RESTART_MS_MIN;
  /** Whether the plugin has ever run. */
  #hasStarted: boolean;
  /** What the thread was asked to do and has not done yet. */
  readonly #open = new Set<"its start" | "its reload">();
  #isStopping = false;
  #ping: ReturnType<typeof setInterval> | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  /** Runs out when what it was asked to do takes too long. */
  #patience: ReturnType<typeof setTimeout> | undefined;
  #onStopped: () => void = () => {};
  #onReach: (reach: Reach) => void = () => {};

  /** `post`: where the plugin's messages go. */
  constructor(start: HostStart, post: (message: FromHost) => void) {
    this.#start = start;
    this.#hasStarted = start.isAgain;
    this.#post = post;
    this.#say = limitLines((line) => post({ type: "log", line }), WATCHED_TIMES);
    this.#spawn();
  }

  /** Hands a message to the plugin. A reload ends the rest of one that has died. */
  send(message: ToHost): void {
    if (message.type === "reload") {
      if (this.#thread === undefined && !this.#isStopping) this.#spawn();
      this.#await("its reload");
    }
    this.#port?.postMessage(message);
  }

  /** Asks the plugin's thread what it can reach, and has it try. */
  reach(): Promise<Reach> {
    this.send({ type: "reach" });
    return new Promise((resolve) => this.#onReach = resolve);
  }

  /** Lets the plugin stop, and ends it if it does not. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    if (this.#thread === undefined) return;
    const stopped = new Promise<void>((resolve) => this.#onStopped = resolve);
    this.send({ type: "stop" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, STOP_MS));
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    await this.#end();
  }

  #spawn(): void {
    clearTimeout(this.#restart);
    const { port1, port2 } = new MessageChannel();
    const thread = new NodeWorker(new URL("./host_thread.ts", import.meta.url), {
      workerData: { ...this.#start, port: port2 } satisfies HostThreadStart,
      transferList: [port2 as never],
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB_MAX },
    });
    this.#thread = thread;
    this.#port = port1;
    this.#isLoaded = false;
    this.#bornMs = performance.now();
    this.#noteHeard();
    port1.onmessage = ({ data }: MessageEvent<unknown>) => this.#hear(thread, data);
    thread.on("error", (error: Error) => this.#died(thread, error.message));
    thread.on("exit", () => this.#died(thread, "it ended by itself"));
    this.#ping = setInterval(() => this.#check(thread), PING_MS);
    this.#await("its start");
  }

  #await(what: "its start" | "its reload"): void {
    const thread = this.#thread, { loadMsMax } = this.#start.limits;
    if (thread === undefined) return;
    this.#open.add(what);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#died(thread, `${[...this.#open].join(" and ")} did not come to an end in ${loadMsMax / 1000} s`);
    }, loadMsMax);
  }

  #noteDone(what: "its start" | "its reload"): void {
    this.#open.delete(what);
    if (this.#open.size === 0) clearTimeout(this.#patience);
  }

  #noteHeard(): void {
    this.#heardMs = performance.now();
    this.#heardBytes = Deno.memoryUsage().rss;
  }

  #hear(thread: NodeWorker, message: unknown): void {
    if (thread !== this.#thread) return;
    if (!isFromThread(message)) return this.#died(thread, "it said what none of our threads says");
    this.#isLoaded = true;
    this.#noteHeard();
    switch (message.type) {
      case "pong": {
        if (message.wasHeapFull) return this.#died(thread, `more than ${MEMORY_MIB_MAX} MiB of memory`);
        const mebibytes = Math.round(message.outsideBytes / MEBIBYTE);
        if (mebibytes > MEMORY_MIB_MAX) this.#died(thread, `${mebibytes} MiB of memory outside of its heap`);
        return;
      }
      case "stopped":
        return this.#onStopped();
      case "fault":
        return this.#died(thread, message.sentence);
      case "reaches":
        return this.#onReach(message.reach);
      case "log":
        return this.#say(message.line, false);
      case "started":
        this.#hasStarted = true;
        this.#noteDone("its start");
        break;
      case "described":
      case "tried":
        this.#noteDone("its start");
        break;
      case "reloaded":
        this.#noteDone("its reload");
        break;
    }
    this.#post(message);
  }

  #check(thread: NodeWorker): void {
    const nowMs = performance.now();
    if (nowMs - this.#checkedMs > LATE_MS) this.#noteHeard();
    this.#checkedMs = nowMs;
    const silentMs = nowMs - this.#heardMs;
    const grown = Math.round((Deno.memoryUsage().rss - this.#heardBytes) / MEBIBYTE);
    if (silentMs > (this.#isLoaded ? this.#start.limits.silentMsMax : LOAD_MS_MAX)) {
      return this.#died(thread, `no sign of life for ${Math.round(silentMs / 100) / 10} s, or out of memory`);
    }
    if (silentMs > GROWTH_MS && grown > MEMORY_MIB_MAX) {
      return this.#died(thread, `no sign of life, and ${grown} MiB more memory in use`);
    }
    this.send({ type: "ping" });
  }

  #died(thread: NodeWorker, why: string): void {
    if (thread !== this.#thread || this.#isStopping) return;
    void this.#end();
    if (!this.#hasStarted) return this.#post({ type: "fault", sentence: why });
    this.#post({ type: "died", why });
    if (performance.now() - this.#bornMs > WELL_MS) this.#restartMs = RESTART_MS_MIN;
    this.#restart = setTimeout(() => this.#isStopping || this.#spawn(), this.#restartMs);
    this.#restartMs = Math.min(RESTART_MS_MAX, this.#restartMs * 2);
  }

  async #end(): Promise<void> {
    clearInterval(this.#ping);
    clearTimeout(this.#patience);
    this.#open.clear();
    this.#port?.close();
    const thread = this.#thread;
    this.#thread = this.#port = undefined;
    await thread?.terminate();
  }
}
