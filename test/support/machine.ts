/** Machines for the doctor: /proc and /sys as they were captured (test/doctor/machines), with files put in their place. */
import { ConfigDraft } from "../../src/config/config.ts";
import type { Examined } from "../../src/doctor/examined.ts";
import type { Found } from "../../src/doctor/finding.ts";
import { countFronts, wantedSockets } from "../../src/listeners.ts";
import { SystemFiles } from "../../src/system_files.ts";
import { findHolders } from "../../src/doctor/processes.ts";
import { readSocketTable, socketsAt } from "../../src/doctor/socket_table.ts";
import { put } from "./tool_world.ts";

const MACHINES = new URL("../doctor/machines/", import.meta.url);

/** What differs from the captured machine. */
export interface Changes {
  /** Text of files by their path; null: there is no such file. */
  readonly files?: Readonly<Record<string, string | null>>;
  /** Targets of symbolic links by their path. */
  readonly links?: Readonly<Record<string, string>>;
  /** Text of the config file. */
  readonly config?: string;
  /** What is not a file. */
  readonly examined?: Partial<Examined>;
}

/** Runs `use` with the machine `name`, or with one that says nothing. */
export async function withMachine(
  name: "quiet" | "overrun" | null,
  changes: Changes,
  use: (examined: Examined) => void | Promise<void>,
): Promise<void> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tracker_test_" }));
  try {
    if (name !== null) copyFolder(new URL(`${name}/`, MACHINES).pathname, root);
    for (const [path, text] of Object.entries(changes.files ?? {})) {
      if (text === null) Deno.removeSync(root + path, { recursive: true });
      else put(root + path, text);
    }
    for (const [path, target] of Object.entries(changes.links ?? {})) {
      Deno.mkdirSync(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
      Deno.symlinkSync(target, root + path);
    }
    using files = new SystemFiles(root);
    await use(examineIn(files, changes));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

/** What was found, as `state: says`. */
export function lines(found: readonly Found[]): string[] {
  return found.map(({ state, says }) => `${state}: ${says}`);
}

function examineIn(files: SystemFiles, { config: text = "", examined = {} }: Changes): Examined {
  const draft = new ConfigDraft();
  draft.applyFile("tracker.conf", `listen.tcp_udp [::]:6969\ntracker.workers 2\ntracker.memory 1024\n${text}`);
  const config = draft.finish(), sockets = wantedSockets(config), table = readSocketTable(files);
  const inodes = sockets.flatMap((socket) => socketsAt(table ?? [], socket)).map(({ inode }) => inode);
  const holders = findHolders(files, new Set(inodes));
  return {
    config,
    files,
    sockets,
    fronts: countFronts(config),
    portableBecause: null,
    cores: 2,
    connectionsMax: config.settings["http.connections_max"],
    mebibytes: config.settings["tracker.memory"],
    memoryTotalBytes: 2 ** 34,
    uid: Deno.uid(),
    privileges: { kind: "stay", config, lines: [] },
    hasIpv6: true,
    clock: null,
    runtime: "Deno 0.0.0",
    table,
    holders,
    running: [...holders.values()].find(({ name }) => name === "tracker") ?? null,
    ...examined,
  };
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
