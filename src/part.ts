/**
 * What every worker thread runs first, and the thread of a cell. It waits for the supervisor's start message, loads the
 * part that is meant, and from then on passes on only stop and reach. A message it does not know is a fault and ends the
 * part.
 */
import { BindFault, type Front, type FrontStart } from "./front/front_start.ts";
import { limitLines, takeConsole } from "./lines/console_lines.ts";
import type { ToPart } from "./messages.ts";
import type { Office, OfficeStart } from "./office/office.ts";
import type { FrontRules } from "./front/rules.ts";
import { holdUntilEnd, partChannel } from "./part_channel.ts";
import type { PluginHost } from "./plugin/host.ts";
import { officeThread, pluginRow } from "./plugin/counters.ts";
import { HEAP_MIB_MAX, wasHeapFull } from "./plugin/heap_limit.ts";
import { BEAT_MS, Life } from "./plugin/life.ts";
import { PluginFault, type PluginSet } from "./plugin/plugin_set.ts";
import { findReach } from "./reach.ts";
import type { LoadedPlugin } from "./plugin/load.ts";
import type { RowOf, StrayFaults } from "./plugin/stray_faults.ts";
import type { Keeper } from "./persist/keeper.ts";
import type { KeeperStart } from "./persist/keeper_start.ts";

const channel = partChannel();
// Taken now: a thread that runs plugins loses them as globals.
const self = { postMessage: channel.postMessage.bind(channel), close: channel.close.bind(channel) };
const { permissions, memoryUsage } = Deno;
takeConsole(limitLines((line, isError) => self.postMessage({ type: "said", line, isError })));
// What nobody catches ends the part, unless it is a plugin's. The runtime would print it first, and wait for whoever reads.
addEventListener("error", (event) => breakOff(event, event.error ?? event.message));
addEventListener("unhandledrejection", (event) => breakOff(event, event.reason));

let front: Front | undefined;
let office: Office | undefined;
let keeper: Keeper | undefined;
let host: PluginHost | undefined;

// One message after the other: a start that still loads its part is not overtaken by what is meant for the part.
let turn: Promise<void> = Promise.resolve();
channel.onmessage = (event) => {
  turn = turn.then(() => obey(event));
};

function breakOff(event: Event & { readonly filename?: string }, error: unknown): void {
  event.preventDefault();
  if (strays?.claims(error, event.filename)) return;
  self.postMessage({ type: "broken", why: error instanceof Error ? error.stack ?? error.message : String(error) });
}

async function obey({ data, ports }: MessageEvent<ToPart>): Promise<void> {
  switch (data.type) {
    case "openCell": {
      const { openCell } = await import("./cell.ts");
      return openCell(ports[0]!, ports[1]!, (why) => self.postMessage({ type: "cellEnded", why }));
    }
    case "giveWay": {
      const { giveWay } = await import("./give_way.ts");
      return giveWay();
    }
    case "holdUntilEnd":
      return holdUntilEnd(ports[0]!);
    case "startFront":
      beginLife(data.start.life);
      return await startFront(data, ports[0]!);
    case "startOffice":
      beginLife(data.start.life);
      return await startOffice(data.start);
    case "startHost": {
      const { PluginHost } = await import("./plugin/host.ts");
      host = new PluginHost(data.start, (message) => self.postMessage({ type: "fromHost", message }));
      return self.postMessage({ type: "started", sockets: [] });
    }
    case "toHost":
      return host!.send(data.message);
    case "setRules":
      return await changeRules(data.rules);
    case "startKeeper":
      return await startKeeper(data.start);
    case "keeper":
      return keeper!.obey(data.order);
    case "drain":
      void front!.drain?.().then(() => self.postMessage({ type: "drained" }));
      return;
    case "resume":
      return front!.resume?.();
    case "serveFront":
      // An office whose plugins are at fault serves nobody; the supervisor knows.
      return office?.serve(ports[0]!, data.front);
    case "linkOffice":
      return front!.linkOffice(ports[0]!, data.oldFinishes);
    case "reach":
      return self.postMessage({ type: "reaches", reach: await (host?.reach() ?? findReach()) });
    case "stop":
      await front?.stop();
      await finishPages(data.finishMs);
      keeper?.stop();
      await host?.stop();
      self.postMessage({ type: "stopped" });
      return self.close();
    default:
      throw new Error(`part: unknown message ${JSON.stringify(data)}`);
  }
}

async function finishPages(ms: number): Promise<void> {
  await Promise.race([office?.finish(), new Promise((resolve) => setTimeout(resolve, ms))]);
  office?.cutOff();
}

let life = new Life();

/** A part that runs plugins shows that it lives; in a cell it gives back what only its loading needed. */
function beginLife(memory: SharedArrayBuffer): void {
  permissions.revokeSync({ name: "read" });
  life = new Life(memory);
  setInterval(() => {
    life.beat(memoryUsage().external);
    if (wasHeapFull()) self.postMessage({ type: "cellEnded", why: `more than ${HEAP_MIB_MAX} MiB of memory` });
  }, BEAT_MS);
}

/** Loads plugins; what it needs of ours is imported the first time, because a thread with plugins imports no more. */
let load: typeof import("./plugin/load.ts").loadPlugins | undefined;
let strays: StrayFaults | undefined;

async function loadPlugins(set: PluginSet | null | undefined, rowOf: RowOf): Promise<LoadedPlugin[]> {
  if (set === null || set === undefined || (set.plugins.length === 0 && load === undefined)) return [];
  if (load === undefined) {
    const loader = await import("./plugin/load.ts"), { confine } = await import("./plugin/confine.ts");
    const { StrayFaults } = await import("./plugin/stray_faults.ts");
    const { loadNodeModules } = await import("./plugin/modules.ts");
    // Only a cell runs plugins of the folder: the others import nothing.
    if (set.plugins.some(({ origin }) => origin === "folder")) await loadNodeModules(set.modules);
    confine(false);
    strays = new StrayFaults();
    load = loader.loadPlugins;
  }
  strays!.watch(set, rowOf);
  return await load(set, life);
}

const frontRow = ({ counters }: FrontRules): RowOf => (index) => pluginRow(counters, frontIndex, index);

async function startOffice(start: OfficeStart): Promise<void> {
  const { Office } = await import("./office/office.ts"), { Turn } = await import("./office/turn.ts");
  try {
    office = new Office(start, {
      plugins: await loadPlugins(
        start.plugins,
        (index) => pluginRow(start.pluginCounters, officeThread(start.fronts), index),
      ),
      life,
      nowMs: () => performance.now(),
      unixSecond: () => Math.floor(Date.now() / 1000),
      breathe: new Turn().breathe,
    });
  } catch (error) {
    if (!(error instanceof PluginFault)) throw error;
    return self.postMessage({ type: "failed", reason: `Cannot start: ${error.message}` });
  }
  self.postMessage({ type: "started", sockets: [] });
}

let setRules: typeof import("./front/rules.ts").setRules;

async function changeRules(rules: FrontRules): Promise<void> {
  let fault: string | null = null;
  try {
    const plugins = rules.plugins === null ? null : await loadPlugins(rules.plugins, frontRow(rules));
    setRules(front!.tracker, frontIndex, rules, plugins, life);
  } catch (error) {
    if (!(error instanceof PluginFault)) throw error;
    fault = error.message;
    setRules(front!.tracker, frontIndex, rules, null, life);
  }
  self.postMessage({ type: "rulesSet", fault });
}

let frontIndex = 0;

async function startFront(message: ToPart & { type: "startFront" }, officePort: MessagePort): Promise<void> {
  frontIndex = message.start.index;
  ({ setRules } = await import("./front/rules.ts"));
  try {
    front = message.kind === "linux"
      ? await startLinux(message.start, officePort)
      : await startPortable(message.start, officePort);
  } catch (error) {
    if (error instanceof BindFault) return self.postMessage({ type: "failed", reason: error.message });
    if (!(error instanceof PluginFault)) throw error;
    return self.postMessage({ type: "failed", reason: `Cannot start: ${error.message}` });
  }
  // Not awaited: if it ever rejects, nobody catches it, and so the part ends.
  void front.running;
  self.postMessage({ type: "started", sockets: front.sockets });
}

async function startKeeper(start: KeeperStart): Promise<void> {
  const { Keeper } = await import("./persist/keeper.ts"), { StateFault } = await import("./persist/state_fault.ts");
  try {
    keeper = Keeper.start(start, console.log, (state) => self.postMessage({ type: "keeper", state }));
  } catch (error) {
    // A keeper that comes back after a failure has nobody to tell: it fails again, and is started again.
    if (!(error instanceof StateFault) || !start.load) throw error;
    return self.postMessage({ type: "failed", reason: `Cannot start: ${error.message}` });
  }
  self.postMessage({ type: "started", sockets: [] });
}

function loadFrontPlugins({ rules }: FrontStart): Promise<LoadedPlugin[]> {
  return rules === undefined ? Promise.resolve([]) : loadPlugins(rules.plugins, frontRow(rules));
}

/** Native calls are bound first and the right to bind more is given back; only then is anything else loaded. */
async function startLinux(start: FrontStart, officePort: MessagePort): Promise<Front> {
  const { bindNative } = await import("./front/linux/native.ts");
  const native = bindNative(start.http.connectionsMax, start.policy.numwantMax);
  permissions.revokeSync({ name: "ffi" });
  assertNoNative();
  const { startLinuxFront } = await import("./front/linux/linux_front.ts");
  return startLinuxFront(start, native, officePort, await loadFrontPlugins(start), life);
}

async function startPortable(start: FrontStart, officePort: MessagePort): Promise<Front> {
  const { startPortableFront } = await import("./front/portable/portable_front.ts");
  return startPortableFront(start, officePort, await loadFrontPlugins(start), life);
}

function assertNoNative(): void {
  try {
    Deno.dlopen("libc.so.6", {}).close();
  } catch {
    return;
  }
  throw new Error("part: native calls can still be bound after their permission was given back");
}
