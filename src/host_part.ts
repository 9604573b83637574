/**
 * A plugin's host as a part of the supervisor's: what it is started with, the lists it has published, and its reloads,
 * each of which comes to an end whatever the plugin does.
 */
import type { PluginGrants } from "./config/plugin_settings.ts";
import { PartThread } from "./part_thread.ts";
import { hostPermissions } from "./permissions.ts";
import type { FromHost, HostLimits, HostStart } from "./plugin/host_messages.ts";
import type { PluginModules, PluginSpec } from "./plugin/plugin_set.ts";

/** What a host is made of. */
export interface HostPlan {
  readonly spec: PluginSpec;
  readonly modules: PluginModules;
  readonly grants: PluginGrants;
  /** See HostJob. */
  readonly listKey: Int32Array;
  readonly rings: readonly SharedArrayBuffer[];
  readonly counters: SharedArrayBuffer;
  readonly thread: number;
  readonly limits: HostLimits;
  /** It has published lists. */
  readonly onLists: (host: HostPart) => void;
  /** It failed, or its plugin did, and is started again. */
  readonly onFailure: () => void;
}

/** One plugin's host. */
export class HostPart {
  readonly #plan: HostPlan;
  readonly #thread: PartThread;
  readonly #lists = new Map<"allow" | "deny", SharedArrayBuffer>();
  /** Number of the last list it published, and of the last that it knows to be in force. */
  #serial = 0;
  #inForce = 0;
  #hasStarted = false;
  #settleStart: (fault: string | null) => void = () => {};
  #settleReload: (fault: string | null) => void = () => {};

  constructor(plan: HostPlan) {
    this.#plan = plan;
    this.#thread = new PartThread({
      name: `plugin ${plan.spec.name}`,
      permissions: hostPermissions(plan.grants),
      givesWay: "first",
      begin: (part) => part.post({ type: "startHost", start: this.#start() }),
      hear: (message) => message.type === "fromHost" && this.#hear(message.message),
      onFailure: () => {
        this.#settleStart(`${plan.spec.file}: the thread that runs it failed`);
        this.#noteGone();
      },
    });
  }

  /**
   * Loads its lists and starts the plugin. Resolves to null, or to why it cannot; then it is stopped. One that was stopped
   * may be started again, and is tried until it starts.
   */
  async start(): Promise<string | null> {
    const started = new Promise<string | null>((resolve) => this.#settleStart = resolve);
    await this.#thread.start();
    const fault = await started;
    if (fault !== null) await this.stop();
    return fault;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await this.#thread.stop();
    this.#settleReload(null);
  }

  /**
   * Has it load its lists again. Resolves when that has come to its end, to what is wrong with it or null. One that is
   * not there loads them when it comes back.
   */
  reload(): Promise<string | null> {
    return new Promise((resolve) => {
      this.#settleReload = resolve;
      if (!this.#thread.post({ type: "toHost", message: { type: "reload" } })) resolve(null);
    });
  }

  /** Every front has the lists it published: the memory of older ones may be used again. */
  noteInForce(): void {
    const serial = this.#serial;
    // Once each: one that hangs is not told again and again.
    if (serial !== this.#inForce) this.#thread.post({ type: "toHost", message: { type: "inForce", serial } });
    this.#inForce = serial;
  }

  /** The plugin it runs. */
  get spec(): PluginSpec {
    return this.#plan.spec;
  }

  /** The lists it has published. */
  get lists(): ReadonlyMap<"allow" | "deny", SharedArrayBuffer> {
    return this.#lists;
  }

  /** Its thread, for asking what it can reach. */
  get thread(): PartThread {
    return this.#thread;
  }

  #start(): HostStart {
    const { spec, modules, listKey, rings, counters, thread, limits } = this.#plan;
    const job = { kind: "run", spec, listKey, rings, counters, thread } as const;
    return { job, modules, limits, isAgain: this.#hasStarted };
  }

  #hear(message: FromHost): void {
    const { spec, onLists } = this.#plan;
    switch (message.type) {
      case "started":
        this.#hasStarted = true;
        return this.#settleStart(null);
      case "fault":
        return this.#settleStart(
          message.sentence.includes(": ") ? message.sentence : `${spec.file}: ${message.sentence}`,
        );
      case "published":
        if (!spec.slots.includes("accessList")) return;
        for (const { kind, memory } of message.lists) this.#lists.set(kind, memory);
        this.#serial = message.serial;
        return onLists(this);
      case "reloaded":
        return this.#settleReload(message.fault);
      case "log":
        return console.log(`plugin ${spec.name}: ${message.line}`);
      case "died":
        console.error(`plugin ${spec.name}: ended, and is started again: ${message.why}`);
        return this.#noteGone();
    }
  }

  // It loads its lists when it comes back, and that is the reload somebody may be waiting for.
  #noteGone(): void {
    this.#settleReload(null);
    this.#plan.onFailure();
  }
}
