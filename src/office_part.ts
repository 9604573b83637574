/** The office as a part of the supervisor's: what it is started with. */
import type { Settings } from "./config/schema.ts";
import { type PartEnd, PartThread } from "./part_thread.ts";
import { OFFICE_PERMISSIONS } from "./permissions.ts";
import { OFFICE_SLOTS } from "./plugin/plugin_set.ts";
import { OFFICE_NAME, type PluginParts } from "./plugin_parts.ts";
import { officeRow, type SharedMemory } from "./shared_memory.ts";
import { releaseLocksOf } from "./swarm/arena.ts";
import { officeOwner } from "./swarm/owners.ts";
import { VERSION_LINE } from "./version.ts";

/** What the office is started with beside its settings. */
export interface OfficePlan {
  readonly settings: Settings;
  readonly memory: SharedMemory;
  /** Number of this tracker's run, for pages that show one. */
  readonly trackerId: number;
  /** The plugins with pages, as they are when the office starts. */
  readonly plugins: PluginParts;
  /** It has been told to start: the fronts are to be linked to it. */
  readonly onBegun: (office: PartThread) => void;
  /** It failed and is started again. */
  readonly onFailure: (name: string, end: PartEnd) => void;
}

/** Offices started so far. */
let generation = 0;

/** The office's thread, not yet started. */
export function createOffice({ settings, memory, trackerId, plugins, onBegun, onFailure }: OfficePlan): PartThread {
  const { arena, counters, clock, networks, fronts } = memory, storeOwner = officeOwner(generation++);
  return new PartThread({
    name: OFFICE_NAME,
    permissions: OFFICE_PERMISSIONS,
    watch: { silentMsMax: plugins.silentMsMax, needsCell: () => plugins.needsCell(OFFICE_SLOTS), hasPages: true },
    onGone: () => {
      const locks = releaseLocksOf(new Int32Array(arena), storeOwner);
      if (locks > 0) console.error(`office: died inside the store; ${locks} locks were released`);
    },
    onFailure: (end) => onFailure(OFFICE_NAME, end),
    begin: (thread) => {
      const start = {
        arena,
        counters,
        counterRow: officeRow(memory),
        clock,
        networks,
        fronts,
        statsNetworks: settings["access.stats"],
        isFullScrapeOn: settings["tracker.fullscrape"],
        fullScrapeSeconds: settings["tracker.fullscrape_seconds"],
        fullScrapeNetworks: settings["access.fullscrape"],
        statsPath: settings["access.stats_path"],
        redirectUrl: settings["tracker.redirect_url"],
        peerAgeMinutesMax: settings["tracker.peer_timeout"],
        trackerId,
        version: VERSION_LINE,
        plugins: plugins.officeSet(),
        pluginCounters: plugins.counters,
        pluginNames: plugins.names,
        storeOwner,
        life: thread.life,
      };
      thread.post({ type: "startOffice", start });
      onBegun(thread);
    },
  });
}
