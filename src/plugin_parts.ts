/**
 * Plugins as the supervisor holds them: which run, their hosts, their published lists, and what the fronts and the office
 * are told of them. It runs no line of a plugin of the folder.
 */
import type { PublishedLists } from "./access/access_sets.ts";
import type { Config } from "./config/config.ts";
import { makeFifo } from "./fifo.ts";
import type { FrontRules } from "./front/rules.ts";
import { type PartEnd, PartThread } from "./part_thread.ts";
import { hostPermissions } from "./permissions.ts";
import {
  choosePlugins,
  type ChosenPlugin,
  type ChosenPlugins,
  describeChoice,
  SILENT_MS_MAX,
} from "./plugin_choice.ts";
import { Exclusions } from "./plugin_exclusions.ts";
import {
  clearPlugin,
  createPluginCounters,
  hostThread,
  PLUGIN_COUNTER,
  pluginRow,
  sumPlugin,
  supervisorThread,
} from "./plugin/counters.ts";
import type { FromHost } from "./plugin/host_messages.ts";
import { PluginRows } from "./plugin/plugin_rows.ts";
import { markOf } from "./plugin/life.ts";
import {
  FRONT_SLOTS,
  HOST_SLOTS,
  OFFICE_SLOTS,
  type PluginModules,
  type PluginSet,
  type PluginSpec,
  type SlotName,
  withSlots,
} from "./plugin/plugin_set.ts";
import { createTellRing } from "./stats/tell_ring.ts";

/** Time a host has to load its lists and start. */
const HOST_START_MS_MAX = 120_000;
/** How often slow and failing slots are looked for. */
const HEALTH_MS = 60_000;

/** Names of the parts that run plugins. */
export const OFFICE_NAME = "office", frontName = (index: number) => `front ${index}`;

/** What plugins tell the supervisor. */
export interface PluginPartsRim {
  /** Lists have changed: the fronts must know. */
  readonly onLists: () => void;
  /** Resolves when all fronts have the lists they were told of. */
  readonly untilRulesTaken: () => Promise<void>;
  /** A host failed and is started again. */
  readonly onFailure: () => void;
}

/** A plugin's host, with the lists it has published. */
interface Host {
  readonly spec: PluginSpec;
  readonly thread: PartThread;
  readonly lists: Map<"allow" | "deny", SharedArrayBuffer>;
  /** Number of the last list it published. */
  serial: number;
  /** … and of the last that it knows to be in force. */
  inForce: number;
  onReloaded: (fault: string | null) => void;
}

/** The plugins of one tracker. */
export class PluginParts {
  readonly #config: Config;
  readonly #fronts: number;
  readonly #rim: PluginPartsRim;
  readonly #silentMsMax: number;
  readonly #counters: SharedArrayBuffer;
  readonly #exclusions = new Exclusions();
  readonly #rings: SharedArrayBuffer[] = [];
  readonly #listKey = crypto.getRandomValues(new Int32Array(2));

  readonly #rows = new PluginRows();
  #chosen: ChosenPlugins = { folder: "", plugins: [], modules: new Map(), passedOver: [] };
  #set: PluginSet = { modules: new Map(), plugins: [] };
  #hosts: readonly Host[] = [];
  #health: ReturnType<typeof setInterval> | undefined;
  readonly #slowBefore = new Map<string, number>();

  constructor(config: Config, fronts: number, rim: PluginPartsRim, silentMsMax = SILENT_MS_MAX) {
    this.#config = config;
    this.#fronts = fronts;
    this.#rim = rim;
    this.#silentMsMax = silentMsMax;
    this.#counters = createPluginCounters(fronts);
  }

  /** Checks the plugins and starts their hosts; lists are loaded then. Returns null, or why it cannot. */
  async start(): Promise<string | null> {
    const chosen = await choosePlugins(this.#config, this.#silentMsMax);
    if ("sentence" in chosen) return chosen.sentence;
    const set = this.#setOf(chosen);
    for (const { choice } of chosen.plugins.filter(({ isOn }) => isOn)) {
      const fault = choice.fifos.map(makeFifo).find((fault) => fault !== null);
      if (fault !== undefined) console.error(`plugins: ${fault}`);
    }
    this.#makeRings(set);
    const hosts = await this.#startHosts(chosen, set, []);
    if (typeof hosts === "string") return `Cannot start: ${hosts}`;
    this.#commit(chosen, set, hosts);
    this.#health = setInterval(() => this.#checkHealth(), HEALTH_MS);
    return null;
  }

  /**
   * Looks at the plugins anew and loads the lists again. `change` puts new plugins into the fronts and the office. What is
   * broken leaves the old in its place and is said.
   */
  async reload(change: () => Promise<void>): Promise<void> {
    const chosen = await choosePlugins(this.#config, this.#silentMsMax);
    if ("sentence" in chosen) {
      console.error(`plugins: the old ones stay: ${chosen.sentence.replace(/^Cannot start: /, "")}`);
      return await this.#reloadLists(this.#hosts);
    }
    const set = this.#setOf(chosen);
    if (isSame(set, this.#set)) return await this.#reloadLists(this.#hosts);
    this.#makeRings(set);
    // Shipped plugins do not change; those of the folder get hosts with the new texts.
    const kept = this.#hosts.filter(({ spec }) =>
      spec.origin === "shipped" && set.plugins.some(({ name, origin }) => name === spec.name && origin === spec.origin)
    );
    const hosts = await this.#startHosts(chosen, set, kept);
    if (typeof hosts === "string") {
      console.error(`plugins: the old ones stay: ${hosts}`);
      return await this.#reloadLists(this.#hosts);
    }
    const old = this.#hosts.filter((host) => !hosts.includes(host));
    this.#exclusions.readmit(set);
    this.#commit(chosen, set, hosts);
    await change();
    await Promise.all(old.map(({ thread }) => thread.stop()));
    await this.#reloadLists(kept);
    for (const line of this.logLines()) console.log(line);
  }

  /** Ends all hosts. */
  async stop(): Promise<void> {
    clearInterval(this.#health);
    await Promise.all(this.#hosts.map(({ thread }) => thread.stop()));
  }

  /** What front `index` is told. */
  rulesFor(index: number): Omit<FrontRules, "denied"> {
    const settings = this.#config.settings;
    return {
      plugins: this.#exclusions.apply(frontName(index), withSlots(this.#set, FRONT_SLOTS)),
      lists: this.#lists(),
      unknown: settings["access.unknown"],
      ring: this.#rings[index] ?? null,
      counters: this.#counters,
    };
  }

  /** What the office loads: a plugin of the folder before shipped ones, whose modes and pages it may take. */
  officeSet(): PluginSet {
    const { modules, plugins } = this.#exclusions.apply(OFFICE_NAME, withSlots(this.#set, OFFICE_SLOTS)),
      isFolder = (p: PluginSpec) => p.origin === "folder";
    return { modules, plugins: [...plugins.filter(isFolder), ...plugins.filter((plugin) => !isFolder(plugin))] };
  }

  /** Whether parts that run `slots` run plugins of the folder, and so must be in cells. */
  needsCell(slots: readonly SlotName[]): boolean {
    return withSlots(this.#set, slots).plugins.some(({ origin }) => origin === "folder");
  }

  /** A part that runs plugins has failed: the one that held it is not loaded into it again. */
  notePartEnd(part: string, { mark, isHeld, refusal, isEarly, why }: PartEnd): void {
    if (!isHeld && refusal === null && !isEarly) return;
    const { plugins } = this.#set;
    // One that fails soon and again by nobody knows what is tried without plugins of the folder.
    const atFault = refusal !== null
      ? plugins.find(({ file }) => refusal.includes(file))
      : isHeld
      ? plugins.find(({ index }) => markOf(index) === mark)
      : undefined;
    if (atFault !== undefined) {
      pluginRow(this.#counters, supervisorThread(this.#fronts), atFault.index)[PLUGIN_COUNTER.ended]!++;
    }
    const slots = part === OFFICE_NAME ? OFFICE_SLOTS : FRONT_SLOTS;
    for (const { name } of this.#exclusions.exclude(part, atFault, this.#set, slots)) {
      console.error(`plugin ${name}: out of ${part} until its file changes: ${why}`);
    }
  }

  /** What plugins' slots did: plugin/counters.ts. */
  get counters(): SharedArrayBuffer {
    return this.#counters;
  }

  /** The plugins that are on, with their rows in the counters. */
  get names(): readonly (readonly [name: string, index: number])[] {
    return this.#set.plugins.map(({ name, index }) => [name, index]);
  }

  /** Silence after which a thread that runs plugins is taken to hang. */
  get silentMsMax(): number {
    return this.#silentMsMax;
  }

  /** Every front has the rules it was last sent: the memory of older lists may be used again. */
  noteRulesTaken(): void {
    for (const host of this.#hosts) {
      const { thread, serial } = host;
      // Once each: one that hangs is not told again and again.
      if (serial !== host.inForce) thread.post({ type: "toHost", message: { type: "inForce", serial } });
      host.inForce = serial;
    }
  }

  /** The hosts by name, for asking what they can reach. */
  get parts(): readonly (readonly [string, PartThread])[] {
    return this.#hosts.map(({ spec, thread }) => [`plugin ${spec.name}`, thread] as const);
  }

  /** Counted numbers of a plugin: PLUGIN_COUNTER. */
  count(name: string): Float64Array {
    return sumPlugin(this.#counters, Math.max(0, this.#rows.of(name)));
  }

  /** A line for each plugin that is on: its slots and what it may reach; and for each file that is passed over. */
  logLines(): string[] {
    const { plugins, passedOver } = this.#chosen, on = plugins.filter(({ isOn }) => isOn);
    return [...on.map((chosen) => `plugin ${chosen.manifest.name}: ${describeChoice(chosen)}`), ...passedOver];
  }

  #setOf({ plugins, modules }: ChosenPlugins): PluginSet {
    const on = plugins.filter(({ isOn }) => isOn);
    for (const row of this.#rows.assign(on.map(({ manifest }) => manifest.name))) clearPlugin(this.#counters, row);
    const specs = on.map(({ manifest, choice }): PluginSpec => {
      const { name, origin, file, url, slots, modes, paths } = manifest;
      return { name, origin, file, url, slots, modes, paths, values: choice.values, index: this.#rows.of(name) };
    });
    return { plugins: specs, modules };
  }

  #commit(chosen: ChosenPlugins, set: PluginSet, hosts: readonly Host[]): void {
    this.#chosen = chosen;
    this.#set = set;
    this.#hosts = hosts;
  }

  // Fronts write rings only when somebody reads them.
  #makeRings(set: PluginSet): void {
    if (this.#rings.length > 0 || !set.plugins.some(({ slots }) => slots.includes("afterAnnounce"))) return;
    for (let i = 0; i < this.#fronts; i++) this.#rings.push(createTellRing());
  }

  #lists(): PublishedLists {
    const of = (kind: "allow" | "deny") => this.#hosts.flatMap(({ lists }) => lists.get(kind) ?? []);
    return { allow: of("allow"), deny: of("deny") };
  }

  // The hosts of `set`: `kept` ones and new ones. If one cannot start, none does.
  async #startHosts(chosen: ChosenPlugins, set: PluginSet, kept: readonly Host[]): Promise<Host[] | string> {
    const started = await Promise.all(
      withSlots(set, HOST_SLOTS).plugins.map((spec) => {
        const old = kept.find((host) => host.spec.name === spec.name);
        if (old !== undefined) return old;
        return this.#startHost(spec, set.modules, chosen.plugins.find(({ manifest }) => manifest.name === spec.name)!);
      }),
    );
    const fault = started.find((result) => typeof result === "string");
    const hosts = started.filter((result) => typeof result !== "string");
    if (fault === undefined) return hosts;
    await Promise.all(hosts.filter((host) => !kept.includes(host)).map(({ thread }) => thread.stop()));
    return fault;
  }

  async #startHost(spec: PluginSpec, modules: PluginModules, { choice }: ChosenPlugin): Promise<Host | string> {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const rings = spec.slots.includes("afterAnnounce") ? this.#rings : [];
    const run = { kind: "run", spec, listKey: this.#listKey, rings, counters: this.#counters } as const;
    const start = { job: { ...run, thread: hostThread(this.#fronts) }, modules, silentMsMax: this.#silentMsMax };
    const thread = new PartThread({
      name: `plugin ${spec.name}`,
      permissions: hostPermissions(choice.grants),
      begin: (part) => part.post({ type: "startHost", start }),
      hear: (message) => message.type === "fromHost" && this.#hear(host, message.message, resolve),
      onFailure: () => this.#rim.onFailure(),
    });
    const host: Host = { spec, thread, lists: new Map(), serial: 0, inForce: 0, onReloaded: () => {} };
    const timer = setTimeout(
      () => resolve(`${spec.file}: did not start in ${HOST_START_MS_MAX / 1000} s`),
      HOST_START_MS_MAX,
    );
    await thread.start();
    const fault = await promise;
    clearTimeout(timer);
    if (fault === null) return host;
    await thread.stop();
    return fault;
  }

  #hear(host: Host, message: FromHost, onStarted: (fault: string | null) => void): void {
    switch (message.type) {
      case "started":
        return onStarted(null);
      case "fault":
        return onStarted(message.sentence.includes(": ") ? message.sentence : `${host.spec.file}: ${message.sentence}`);
      case "published":
        if (!host.spec.slots.includes("accessList")) return;
        for (const { kind, memory } of message.lists) host.lists.set(kind, memory);
        host.serial = message.serial;
        if (this.#hosts.includes(host)) this.#rim.onLists();
        return;
      case "reloaded":
        return host.onReloaded(message.fault);
      case "log":
        return console.log(`plugin ${host.spec.name}: ${message.line}`);
      case "died":
        console.error(`plugin ${host.spec.name}: ended, and is started again: ${message.why}`);
        host.onReloaded(message.why);
        return this.#rim.onFailure();
    }
  }

  async #reloadLists(hosts: readonly Host[]): Promise<void> {
    await Promise.all(hosts.map(async (host) => {
      const fault = await new Promise<string | null>((resolve) => {
        host.onReloaded = resolve;
        host.thread.post({ type: "toHost", message: { type: "reload" } });
      });
      if (fault !== null) console.error(`plugin ${host.spec.name}: ${fault}`);
    }));
    // What was published was heard before the hosts said that they are done.
    await this.#rim.untilRulesTaken();
  }

  #checkHealth(): void {
    for (const name of this.#slowBefore.keys()) if (this.#rows.of(name) < 0) this.#slowBefore.delete(name);
    for (const name of this.#rows.names) {
      const row = this.count(name), slow = row[PLUGIN_COUNTER.slow]!, before = this.#slowBefore.get(name) ?? 0;
      this.#slowBefore.set(name, slow);
      if (slow <= before) continue;
      const slowest = row[PLUGIN_COUNTER.slowestMs]!.toFixed(1);
      console.error(`plugin ${name}: held up everybody else ${slow - before} times, for ${slowest} ms at most`);
    }
  }
}

function isSame(a: PluginSet, b: PluginSet): boolean {
  if (JSON.stringify(a.plugins) !== JSON.stringify(b.plugins) || a.modules.size !== b.modules.size) return false;
  for (const [url, text] of a.modules) if (b.modules.get(url) !== text) return false;
  return true;
}
