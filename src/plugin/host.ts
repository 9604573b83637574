/**
 * The keeper of one plugin's thread. A worker whose permissions are the plugin's holds a second thread that runs it,
 * because only such a thread can be ended while it loops and has a limit of memory of its own: if it gives no sign of
 * life, it is ended and started again. Its permissions are those of this worker, which it cannot exceed.
 */
import { Worker as NodeWorker } from "node:worker_threads";
import type { FromHost, HostStart, ToHost } from "./host_messages.ts";

/** How often a sign of life is asked for. */
const PING_MS = 500;
/** Memory of a plugin's own; shared memory, such as its lists, does not count. */
const HEAP_MIB_MAX = 512;
/** Rest before a plugin that died is started again; doubled each time. */
const RESTART_MS_MIN = 1000, RESTART_MS_MAX = 60_000;
/** Time a plugin has for its `stop`. */
const STOP_MS = 1000;

/** One plugin's thread, watched. */
export class PluginHost {
  readonly #start: HostStart;
  readonly #post: (message: FromHost) => void;
  #thread: NodeWorker | undefined;
  #heardMs = 0;
  #restartMs = RESTART_MS_MIN;
  #hasStarted = false;
  #isStopping = false;
  #ping: ReturnType<typeof setInterval> | undefined;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #onStopped: () => void = () => {};

  /** `post`: where the plugin's messages go. */
  constructor(start: HostStart, post: (message: FromHost) => void) {
    this.#start = start;
    this.#post = post;
    this.#spawn();
  }

  /** Hands a message to the plugin. */
  send(message: ToHost): void {
    this.#thread?.postMessage(message);
  }

  /** Lets the plugin stop, and ends it if it does not. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const stopped = new Promise<void>((resolve) => this.#onStopped = resolve);
    this.send({ type: "stop" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, STOP_MS));
    await Promise.race([stopped, late]);
    clearTimeout(timer);
    await this.#end();
  }

  #spawn(): void {
    const thread = new NodeWorker(new URL("./host_thread.ts", import.meta.url), {
      workerData: this.#start,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    this.#thread = thread;
    this.#heardMs = performance.now();
    thread.on("message", (message: FromHost) => this.#hear(thread, message));
    thread.on("error", (error: Error) => this.#died(thread, error.message));
    thread.on("exit", () => this.#died(thread, "it ended by itself"));
    this.#ping = setInterval(() => this.#check(thread), PING_MS);
  }

  #hear(thread: NodeWorker, message: FromHost): void {
    if (thread !== this.#thread) return;
    this.#heardMs = performance.now();
    switch (message.type) {
      case "pong":
        return;
      case "stopped":
        return this.#onStopped();
      case "started":
        this.#hasStarted = true;
        this.#restartMs = RESTART_MS_MIN;
        break;
    }
    this.#post(message);
  }

  #check(thread: NodeWorker): void {
    const silentMs = performance.now() - this.#heardMs;
    if (silentMs > this.#start.silentMsMax) {
      return this.#died(thread, `no sign of life for ${Math.round(silentMs / 100) / 10} s, or out of memory`);
    }
    thread.postMessage({ type: "ping" } satisfies ToHost);
  }

  #died(thread: NodeWorker, why: string): void {
    if (thread !== this.#thread || this.#isStopping) return;
    void this.#end();
    if (!this.#hasStarted) return this.#post({ type: "fault", sentence: why });
    this.#post({ type: "died", why });
    this.#restart = setTimeout(() => this.#isStopping || this.#spawn(), this.#restartMs);
    this.#restartMs = Math.min(RESTART_MS_MAX, this.#restartMs * 2);
  }

  async #end(): Promise<void> {
    clearInterval(this.#ping);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}
