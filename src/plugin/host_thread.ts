/**
 * The thread a plugin's slow slots run in, or one that looks at plugins to say what they are, or tries to load them.
 * Started by host.ts, which watches it: a message has to be answered within the time it allows.
 */
import { workerData } from "node:worker_threads";
import { ListWriter } from "../access/list_writer.ts";
import { limitLines, takeConsole } from "../lines/console_lines.ts";
import { TellReader, type Told } from "../stats/tell_ring.ts";
import type { AccessLists, Announced, HostContext } from "./api.ts";
import { confine } from "./confine.ts";
import { PLUGIN_COUNTER, pluginRow } from "./counters.ts";
import { makeEndable } from "./endable.ts";
import { wasHeapFull } from "./heap_limit.ts";
import { findReach } from "../reach.ts";
import type { FromHost, HostJob, HostThreadStart, ToHost } from "./host_messages.ts";
import { describePlugin, enter, type LoadedPlugin, loadPlugins, preload, toFault } from "./load.ts";
import { Life } from "./life.ts";
import { loadNodeModules } from "./modules.ts";
import { PluginFault, type PluginManifest, type SlotName } from "./plugin_set.ts";

/** How often what was announced is told. */
const TELL_MS = 100;
/** Most announces told at once. */
const TELL_MAX = 4096;
/** Events by their number in BEP 15, and BEP 21's. */
const EVENTS = ["", "completed", "started", "stopped", "paused"] as const;

const { job, modules, port } = workerData as HostThreadStart;
const post = (message: FromHost) => port.postMessage(message);

makeEndable();

let stopPlugin: () => Promise<void> = () => Promise.resolve();
let setInForce: (serial: number) => void = () => {};
let reloadPlugin: () => Promise<void> = () => Promise.resolve();
// Taken now: a thread that loads plugins as fronts do loses it.
const { memoryUsage } = Deno;

port.onmessage = async ({ data }: MessageEvent<ToHost>) => {
  switch (data.type) {
    case "ping":
      return post({ type: "pong", outsideBytes: memoryUsage().external, wasHeapFull: wasHeapFull() });
    case "reach":
      return post({ type: "reaches", reach: await findReach() });
    case "inForce":
      return setInForce(data.serial);
    case "reload":
      // One that still starts may have read what has changed since.
      await begun;
      return await reloadPlugin();
    case "stop":
      await stopPlugin();
      return post({ type: "stopped" });
  }
};

// From here on it is watched.
post({ type: "pong", outsideBytes: 0, wasHeapFull: false });
const begun = begin();

async function begin(): Promise<void> {
  await loadNodeModules(modules);
  confine(job.kind !== "try" || job.isHost);
  try {
    if (job.kind === "describe") await describe(job);
    else if (job.kind === "try") await tryPlugins(job);
    else await run(job);
  } catch (error) {
    post({ type: "fault", sentence: error instanceof PluginFault ? error.message : `plugins: ${error}` });
  }
}

async function describe({ candidates }: HostJob & { kind: "describe" }): Promise<void> {
  // Each thread that runs them says what they say.
  takeConsole(() => {});
  await enter(modules, candidates);
  const manifests: PluginManifest[] = [];
  for (const candidate of candidates) {
    // So that it is known which one never came back.
    post({ type: "log", line: candidate.file });
    manifests.push(await describePlugin(candidate));
  }
  post({ type: "described", manifests });
}

async function tryPlugins({ plugins }: HostJob & { kind: "try" }): Promise<void> {
  // Before this thread imports no more of ours.
  await preload(plugins);
  for (const spec of plugins) {
    post({ type: "log", line: spec.file });
    await loadPlugins({ modules, plugins: [spec] }, new Life());
  }
  post({ type: "tried" });
}

async function run(job: HostJob & { kind: "run" }): Promise<void> {
  const say = limitLines((line) => post({ type: "log", line }));
  takeConsole(say);
  const { spec } = job, readers = job.rings.map((ring) => new TellReader(ring));
  const row = pluginRow(job.counters, job.thread, spec.index);
  const [loaded] = await loadPlugins({ modules, plugins: [spec] }, new Life()) as [LoadedPlugin];
  const { plugin } = loaded;
  const context: HostContext = {
    ...loaded.context,
    get announcesLost() {
      return readers.reduce((sum, { lost }) => sum + lost, 0);
    },
    log: (line) => say(String(line), false),
  };
  const writer = new ListWriter(
    job.listKey,
    (lists, serial) => post({ type: "published", lists, serial }),
    // A plugin that was started again counts on from above.
    Date.now(),
  );
  const lists = writer as AccessLists;
  setInForce = (serial) => writer.setInForce(serial);
  const inSlot = async (slot: SlotName, call: () => unknown) => {
    if (spec.slots.includes(slot)) row[PLUGIN_COUNTER.calls]!++;
    try {
      await call();
    } catch (error) {
      row[PLUGIN_COUNTER.faults]!++;
      throw toFault(spec, error, slot);
    }
  };
  const loadLists = () => writer.together(() => inSlot("accessList", () => plugin.accessList?.(lists, context)));
  let timer: ReturnType<typeof setInterval> | undefined;
  stopPlugin = async () => {
    clearInterval(timer);
    await inSlot("stop", () => plugin.stop?.(context)).catch(report);
  };
  const textOf = (error: unknown) => error instanceof Error ? error.message : String(error);
  reloadPlugin = async () => {
    const fault = await loadLists().then(() => null, (error) => `${textOf(error)}; the old lists stay`) ??
      await inSlot("reload", () => plugin.reload?.(context)).then(() => null, textOf);
    post({ type: "reloaded", fault });
  };
  await loadLists();
  await inSlot("start", () => plugin.start?.(context));
  if (plugin.afterAnnounce !== undefined) {
    const lost = () => context.announcesLost;
    timer = tellPlugin(
      readers,
      row,
      lost,
      (told) => inSlot("afterAnnounce", () => plugin.afterAnnounce!(told, context)).catch(report),
    );
  }
  post({ type: "started" });
}

// Tells the plugin in batches. One that waits is not called again meanwhile: what comes stays in the rings while it can.
function tellPlugin(
  readers: readonly TellReader[],
  row: Float64Array,
  lost: () => number,
  tell: (told: readonly Announced[]) => Promise<void>,
): ReturnType<typeof setInterval> {
  let isBusy = false;
  return setInterval(async () => {
    if (isBusy) return;
    isBusy = true;
    const told: Told[] = [];
    for (const reader of readers) reader.drain(told, TELL_MAX);
    row[PLUGIN_COUNTER.lost] = lost();
    if (told.length > 0) await tell(told.map(toAnnounced));
    isBusy = false;
  }, TELL_MS);
}

function report(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error));
}

function toAnnounced({ isUdp, event, ...told }: Told): Announced {
  return { ...told, protocol: isUdp ? "udp" : "http", event: EVENTS[event] ?? "" };
}
