/**
 * Plugins as the supervisor holds them: which run, their hosts, their published lists, and what the fronts and the office
 * are told of them. It runs no line of a plugin of the folder.
 */
import type { PublishedLists } from "./access/access_sets.ts";
import { LIST_KEY_WORDS } from "./access/hash_set.ts";
import type { Config } from "./config/config.ts";
import { keepFifos, makeFifo } from "./fifo.ts";
import type { FrontRules } from "./front/rules.ts";
import { HostPart } from "./host_part.ts";
import type { PartEnd, PartThread } from "./part_thread.ts";
import {
  choosePlugins,
  type ChosenPlugin,
  type ChosenPlugins,
  describeChoice,
  HOST_LIMITS,
  specOf,
  tryPlugins,
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
import type { HostLimits } from "./plugin/host_messages.ts";
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

/** The plugins of one tracker. */
export class PluginParts {
  readonly #config: Config;
  readonly #fronts: number;
  readonly #rim: PluginPartsRim;
  readonly #limits: HostLimits;
  readonly #counters: SharedArrayBuffer;
  readonly #exclusions = new Exclusions();
  readonly #rings: SharedArrayBuffer[] = [];
  readonly #listKey = crypto.getRandomValues(new Int32Array(LIST_KEY_WORDS));

  readonly #rows = new PluginRows();
  #chosen: ChosenPlugins = { folder: "", plugins: [], modules: new Map(), passedOver: [] };
  #set: PluginSet = { modules: new Map(), plugins: [] };
  #hosts: readonly HostPart[] = [];
  /** Those that load their lists for the first time. */
  readonly #starting = new Set<HostPart>();
  #isStopping = false;
  #isMistaken = false;
  #health: ReturnType<typeof setInterval> | undefined;
  readonly #slowBefore = new Map<string, number>();

  constructor(config: Config, fronts: number, rim: PluginPartsRim, limits = HOST_LIMITS) {
    this.#config = config;
    this.#fronts = fronts;
    this.#rim = rim;
    this.#limits = limits;
    this.#counters = createPluginCounters(fronts);
  }

  /** Checks the plugins and starts their hosts; lists are loaded then. Returns null, or why it cannot. */
  async start(): Promise<string | null> {
    const chosen = await choosePlugins(this.#config, this.#limits);
    if ("sentence" in chosen) {
      this.#isMistaken = chosen.isMistake ?? false;
      return chosen.sentence;
    }
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

  /** What start() refused is a mistake in a line of the config, and no fault of a plugin's. */
  get isMistaken(): boolean {
    return this.#isMistaken;
  }

  /**
   * Looks at the plugins anew and loads the lists again. `change` puts new plugins into the fronts and the office. What is
   * broken leaves the old in its place and is said.
   */
  async reload(change: () => Promise<void>): Promise<void> {
    const chosen = await choosePlugins(this.#config, this.#limits);
    if ("sentence" in chosen) return await this.#keepOld(chosen.sentence.replace(/^Cannot start: /, ""));
    const set = this.#setOf(chosen);
    if (isSame(set, this.#set)) return await this.#reloadLists(this.#hosts);
    const fault = await tryPlugins(chosen, false, this.#limits);
    if (fault !== null) return await this.#keepOld(fault);
    this.#makeRings(set);
    // Shipped plugins do not change; those of the folder get hosts with the new texts.
    const kept = this.#hosts.filter(({ spec }) =>
      spec.origin === "shipped" && set.plugins.some(({ name, origin }) => name === spec.name && origin === spec.origin)
    );
    const hosts = await this.#startHosts(chosen, set, kept);
    if (typeof hosts === "string") return await this.#keepOld(hosts);
    const old = this.#hosts.filter((host) => !hosts.includes(host));
    this.#exclusions.readmit(set);
    this.#commit(chosen, set, hosts);
    await change();
    await Promise.all(old.map((host) => host.stop()));
    await this.#reloadLists(kept);
    for (const line of this.logLines()) console.log(line);
  }

  /**
   * Leaves the FIFOs to a process that takes over: hosts that read some stop, their lists stay in force, and what comes
   * waits in the FIFOs. Resolves to what takes them back.
   */
  async leaveFifos(): Promise<() => void> {
    const fifosOf = ({ spec }: HostPart) =>
      this.#chosen.plugins.find(({ manifest }) => manifest.name === spec.name)?.choice.fifos ?? [];
    const left = this.#hosts.filter((host) => fifosOf(host).length > 0),
      release = keepFifos(left.flatMap(fifosOf).map(({ path }) => path));
    await Promise.all(left.map((host) => host.stop()));
    return () => {
      const back = left.filter((host) => this.#hosts.includes(host)).map((host) => host.start());
      void Promise.all(back).then(release);
    };
  }

  /** Ends all hosts; a start or reload that is under way does not come to its end then. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#health);
    await Promise.all([...this.#hosts, ...this.#starting].map((host) => host.stop()));
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
    // One that fails soon and again by nobody knows what is tried without plugins of the folder.
    const atFault = refusal !== null
      ? this.#named(refusal)
      : isHeld
      ? this.#set.plugins.find(({ index }) => markOf(index) === mark)
      : undefined;
    if (atFault !== undefined) {
      pluginRow(this.#counters, supervisorThread(this.#fronts), atFault.index)[PLUGIN_COUNTER.ended]!++;
    }
    this.#exclude(part, atFault, why);
  }

  /**
   * A part cannot load its plugins, though they could be loaded when they were tried: the one that `why` names is not
   * loaded into it again. Returns whether one was taken out, so that the others can be loaded.
   */
  noteRefusal(part: string, why: string): boolean {
    return this.#exclude(part, this.#named(why), why);
  }

  #named(sentence: string): PluginSpec | undefined {
    return this.#set.plugins.find(({ file }) => sentence.includes(file));
  }

  #exclude(part: string, atFault: PluginSpec | undefined, why: string): boolean {
    const slots = part === OFFICE_NAME ? OFFICE_SLOTS : FRONT_SLOTS;
    const excluded = this.#exclusions.exclude(part, atFault, this.#set, slots);
    for (const { name } of excluded) console.error(`plugin ${name}: out of ${part} until its file changes: ${why}`);
    return excluded.length > 0;
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
    return this.#limits.silentMsMax;
  }

  /** Every front has the rules it was last sent: the memory of older lists may be used again. */
  noteRulesTaken(): void {
    for (const host of this.#hosts) host.noteInForce();
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
    return { plugins: on.map((plugin) => specOf(plugin, this.#rows.of(plugin.manifest.name))), modules };
  }

  #commit(chosen: ChosenPlugins, set: PluginSet, hosts: readonly HostPart[]): void {
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
  async #startHosts(chosen: ChosenPlugins, set: PluginSet, kept: readonly HostPart[]): Promise<HostPart[] | string> {
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
    await Promise.all(hosts.filter((host) => !kept.includes(host)).map((host) => host.stop()));
    return fault;
  }

  async #startHost(spec: PluginSpec, modules: PluginModules, { choice }: ChosenPlugin): Promise<HostPart | string> {
    const host = new HostPart({
      spec,
      modules,
      grants: choice.grants,
      listKey: this.#listKey,
      rings: spec.slots.includes("afterAnnounce") ? this.#rings : [],
      counters: this.#counters,
      thread: hostThread(this.#fronts),
      limits: this.#limits,
      onLists: (host) => this.#hosts.includes(host) && this.#rim.onLists(),
      onFailure: () => this.#rim.onFailure(),
    });
    // What was looked at when the tracker was told to stop is not started any more.
    if (this.#isStopping) return `${spec.file}: the tracker stops`;
    this.#starting.add(host);
    const fault = await host.start();
    this.#starting.delete(host);
    return fault ?? host;
  }

  async #keepOld(why: string): Promise<void> {
    console.error(`plugins: the old ones stay: ${why}`);
    await this.#reloadLists(this.#hosts);
  }

  async #reloadLists(hosts: readonly HostPart[]): Promise<void> {
    await Promise.all(hosts.map(async (host) => {
      const fault = await host.reload();
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
