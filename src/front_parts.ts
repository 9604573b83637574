/** The fronts as parts of the supervisor's: what each is started with, and the rules they are told. */
import type { Settings } from "./config/schema.ts";
import { storeOwner } from "./front/build_tracker.ts";
import type { FrontSocket, FrontStart } from "./front/front_start.ts";
import type { FrontRules } from "./front/rules.ts";
import type { FromPart, FrontKind } from "./messages.ts";
import { type PartEnd, PartThread, type PartWatch } from "./part_thread.ts";
import { frontPermissions } from "./permissions.ts";
import { frontName } from "./plugin_parts.ts";
import type { SharedMemory } from "./shared_memory.ts";
import type { ShieldStart } from "./shield/shield.ts";
import { releaseLocksOf } from "./swarm/arena.ts";

/**
 * Silence of a front after which the tracker is not said to live any more: twice what one in a cell has before it is
 * started again, for those that cannot be.
 */
export const FRONT_SILENT_MS_MAX = 20_000;

/** Time fronts have to take new rules before they are not waited for any more: beyond what they have to load a plugin. */
const RULES_MS_MAX = 60_000;

/** What the fronts need of the supervisor. */
export interface FrontPartsPlan {
  readonly kind: FrontKind;
  readonly settings: Settings;
  readonly memory: SharedMemory;
  /** The rules of now for a front. */
  readonly rulesFor: (index: number) => FrontRules;
  /** Makes a pair of ports between a front and the office, and gives the front's to `handOver`. */
  readonly linkOffice: (index: number, handOver: (port: MessagePort) => void) => void;
  /** All fronts have the rules they were last sent. */
  readonly onRulesTaken: () => void;
  /** A front cannot load the plugins it was sent. Returns whether one was taken out of it for that. */
  readonly onRefused: (name: string, why: string) => boolean;
  /** A front said something that is not about its rules. */
  readonly hear: (message: FromPart) => void;
  /** Silence after which a front is taken to hang, and whether it runs plugins of the folder. */
  readonly watch: PartWatch;
  /** A front failed and is started again. */
  readonly onFailure: (name: string, end: PartEnd) => void;
}

/** Told when every front has taken as many rules as it had been sent at some moment. */
interface WaitingForRules {
  readonly sent: readonly number[];
  readonly onTaken: () => void;
}

/** The fronts of one tracker. */
export class FrontParts {
  readonly #plan: FrontPartsPlan;
  readonly #threads: PartThread[] = [];
  /** By front: rules it was sent since the start, and how many of them it has taken. */
  readonly #rulesSent: number[] = [];
  readonly #rulesTaken: number[] = [];
  #waiting: readonly WaitingForRules[] = [];
  #sockets: readonly FrontSocket[] = [];
  #isStopping = false;

  constructor(plan: FrontPartsPlan) {
    this.#plan = plan;
  }

  /** Starts a front for each entry of `perFront`, its sockets. Returns null, or the sentence that says why it cannot. */
  async start(perFront: readonly (readonly FrontSocket[])[]): Promise<string | null> {
    const others: Promise<string | null>[] = [];
    for (const [index, sockets] of perFront.entries()) {
      if (this.#isStopping) break;
      const started = this.#start(index, sockets);
      if (index > 0) others.push(started);
      // The first front's ports are everyone's: it may have been told to let the kernel choose.
      else if (await started !== null) return await started;
    }
    return (await Promise.all(others)).find((refusal) => refusal !== null) ?? null;
  }

  async #start(index: number, sockets: readonly FrontSocket[]): Promise<string | null> {
    const thread = this.#threads[index] = this.#createThread(index, sockets);
    this.#rulesSent[index] = this.#rulesTaken[index] = 0;
    const result = await thread.start();
    if (typeof result === "string") return result;
    if (index === 0) this.#sockets = result;
    return null;
  }

  /** Stops all fronts, and starts no more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }

  /** The fronts' threads, by number. */
  get threads(): readonly PartThread[] {
    return this.#threads;
  }

  /** Time for which the most silent of them has given no sign of life. */
  get silentMs(): number {
    return Math.max(0, ...this.#threads.map(({ silentMs }) => silentMs));
  }

  /** What the fronts listen on, with the ports the kernel chose. */
  get sockets(): readonly FrontSocket[] {
    return this.#sockets;
  }

  /** Tells all fronts the lists of now; their plugins stay. */
  sendLists(): void {
    for (const index of this.#threads.keys()) this.#postRules(index, null);
  }

  /**
   * Tells all fronts the plugins of now. Resolves when all have them. Fronts that run plugins of the folder for the first
   * time are started anew for it, one after the other, so that there are always some that answer.
   */
  async sendPlugins(): Promise<void> {
    for (const [index, thread] of this.#threads.entries()) {
      if (thread.needsCell) await thread.renew();
      else this.#postRules(index, this.#plan.rulesFor(index).plugins);
    }
    await this.untilRulesTaken();
  }

  /** Resolves when the rules sent so far are in force in all fronts; a front that does not take them is named after a while. */
  untilRulesTaken(): Promise<void> {
    return new Promise((resolve) => {
      const sent = [...this.#rulesSent];
      const timer = setTimeout(() => {
        const late = [...sent.keys()].filter((index) => this.#rulesTaken[index]! < sent[index]!).map(frontName);
        console.error(`${late.join(", ")}: no new rules taken for ${RULES_MS_MAX / 1000} s, and not waited for`);
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        resolve();
      }, RULES_MS_MAX);
      const waiting: WaitingForRules = { sent, onTaken: () => resolve(clearTimeout(timer)) };
      this.#waiting = [...this.#waiting, waiting];
      this.#settleRulesTaken();
    });
  }

  // `plugins`: null = those it has.
  #postRules(index: number, plugins: FrontRules["plugins"]): void {
    this.#rulesSent[index]!++;
    this.#threads[index]!.post({ type: "setRules", rules: { ...this.#plan.rulesFor(index), plugins } });
  }

  // Without the plugin at fault, a front loads the others. Returns whether it may.
  #postRulesAgain(index: number, fault: string): boolean {
    if (!this.#plan.onRefused(frontName(index), fault)) return false;
    this.#threads[index]!.post({ type: "setRules", rules: this.#plan.rulesFor(index) });
    return true;
  }

  #hear(index: number, message: FromPart): void {
    if (message.type !== "rulesSet") return this.#plan.hear(message);
    if (message.fault !== null) {
      // What it then says is the answer to what it was sent.
      if (this.#postRulesAgain(index, message.fault)) return;
      console.error(`plugins: front ${index} keeps the old ones: ${message.fault}`);
    }
    this.#noteRulesTaken(index, this.#rulesTaken[index]! + 1);
  }

  // `taken`: of the rules the front was sent.
  #noteRulesTaken(index: number, taken: number): void {
    this.#rulesTaken[index] = taken;
    this.#settleRulesTaken();
    if (this.#hasTaken(this.#rulesSent)) this.#plan.onRulesTaken();
  }

  #settleRulesTaken(): void {
    const isOver = ({ sent }: WaitingForRules) => this.#hasTaken(sent), over = this.#waiting.filter(isOver);
    this.#waiting = this.#waiting.filter((waiting) => !isOver(waiting));
    for (const { onTaken } of over) onTaken();
  }

  #hasTaken(sent: readonly number[]): boolean {
    return sent.every((count, index) => this.#rulesTaken[index]! >= count);
  }

  #createThread(index: number, sockets: readonly FrontSocket[]): PartThread {
    const { kind, memory, linkOffice, watch, onFailure } = this.#plan, name = frontName(index);
    return new PartThread({
      name,
      watch,
      permissions: frontPermissions(kind, this.#socketsNow(index, sockets)),
      hear: (message) => this.#hear(index, message),
      begin: (thread) =>
        linkOffice(index, (port) => {
          thread.post(
            { type: "startFront", kind, start: this.#frontStart(index, this.#socketsNow(index, sockets), thread.life) },
            port,
          );
          // It starts with the rules of now; what was sent to its predecessor is nobody's.
          this.#noteRulesTaken(index, this.#rulesSent[index]!);
        }),
      onGone: () => {
        const locks = releaseLocksOf(new Int32Array(memory.arena), storeOwner(index));
        if (locks > 0) console.error(`front ${index}: died inside the store; ${locks} locks were released`);
      },
      onFailure: (end) => onFailure(name, end),
    });
  }

  // Ports that the kernel chose for the first front are those of the fronts after it, and its own when it starts again.
  #socketsNow(index: number, sockets: readonly FrontSocket[]): readonly FrontSocket[] {
    if (this.#plan.kind === "linux" || this.#sockets.length === 0) return sockets;
    if (index === 0) return this.#sockets;
    return this.#sockets.filter(({ protocol }) => sockets.some((socket) => socket.protocol === protocol));
  }

  #frontStart(index: number, sockets: readonly FrontSocket[], life: SharedArrayBuffer): FrontStart {
    const { settings, memory, rulesFor } = this.#plan, connectionId = new Int32Array(memory.connectionId);
    return {
      index,
      fronts: memory.fronts,
      sockets,
      arena: memory.arena,
      counters: memory.counters,
      clock: memory.clock,
      networks: memory.networks,
      logNetworks: settings["access.fulllog"],
      proxyNetworks: settings["access.proxy"],
      descriptors: memory.descriptors[index]!,
      life,
      policy: {
        intervalSeconds: settings["tracker.interval"],
        numwantDefault: settings["tracker.numwant"],
        numwantMax: settings["tracker.numwant_max"],
      },
      peerAgeMinutesMax: settings["tracker.peer_timeout"],
      connectionIdKey: connectionId.slice(0, 4),
      connectionIdAheadSeconds: connectionId[4]!,
      connectionIdSeconds: settings["tracker.connection_id_seconds"],
      seed: crypto.getRandomValues(new Int32Array(1))[0]!,
      http: {
        idleSeconds: settings["http.idle_seconds"],
        requestSeconds: settings["http.request_seconds"],
        connectionsMax: memory.connectionsPerFront,
      },
      rules: rulesFor(index),
      ...(memory.buckets !== null && { shield: this.#shieldStart(memory.buckets) }),
      ...(memory.shedding !== null && { shedding: memory.shedding }),
    };
  }

  #shieldStart(buckets: SharedArrayBuffer): ShieldStart {
    const { settings } = this.#plan;
    const rate = { perSecond: settings["tracker.shield_rate"], burst: settings["tracker.shield_burst"] };
    return { buckets, rate, exempt: settings["tracker.shield_exempt"], proxies: settings["access.proxy"] };
  }
}
