/**
 * The rules of the code that are not advice. Each is a table below and a test that lists what breaks it. To change a
 * rule, change its table, with the reason.
 */
import assert from "node:assert/strict";
import { parseSource, type SourceFile } from "./support/source_file.ts";

/** What the files of a folder of src, or a file that lies in src itself, may import. */
interface Part {
  /** Other parts of src. Its own files always. */
  readonly imports: readonly string[] | "any";
  /** npm packages. */
  readonly packages?: readonly string[];
}

/** Who may import whom. Parts that may import any are in no other list: nothing below imports them. */
const PARTS: Readonly<Record<string, Part>> = {
  bittorrent: { imports: [] },
  wire: { imports: ["bittorrent"] },
  swarm: { imports: ["bittorrent"] },
  // The keyed hash places its entries too.
  access: { imports: ["bittorrent", "swarm"] },
  stats: { imports: ["bittorrent"] },
  // Its buckets lie where a keyed hash says; who is not limited is a set of networks.
  shield: { imports: ["bittorrent", "swarm", "access"] },
  // Of plugins it knows what their slots look like, and their counters; it loads none.
  tracker: { imports: ["bittorrent", "wire", "swarm", "access", "stats", "plugin", "shield"] },
  // A front puts its tracker together from the store and the counters, and speaks the office's messages.
  front: { imports: ["bittorrent", "wire", "tracker", "swarm", "stats", "office", "access", "plugin", "shield"] },
  // Its pages are plugins'; of src/plugin it sees the types authors see, and the set its thread loads.
  office: { imports: ["bittorrent", "stats", "swarm", "access", "plugin"], packages: ["hono"] },
  // The limit of lines is also that of a plugin's log; a host's thread says what it can reach, as every part does.
  plugin: { imports: ["bittorrent", "access", "stats", "lines", "reach.ts"] },
  // What is printed: it knows lines, not who says them.
  lines: { imports: [] },
  // The keeper goes by the tracker's clock, and counts what it could not write.
  persist: { imports: ["bittorrent", "swarm", "stats"] },
  cluster: { imports: ["bittorrent", "swarm", "wire"] },
  // The types of the settings a plugin declares.
  config: { imports: ["plugin"], packages: ["ipaddr.js"] },
  // Torrent files and the tools for them: a world beside the tracker, which must not start to need it.
  torrent: { imports: ["bittorrent"] },
  // Asks trackers, as clients do: for the tools. The tracker itself asks nobody.
  client: { imports: ["bittorrent", "torrent"] },
  // Asks them as one particular program does, and goes by its rules.
  newtrackon: { imports: ["client", "torrent"], packages: ["ipaddr.js"] },
  // Looks at what the tracker would find here: at its config, its plan for its rights, its sockets, plugins and state.
  doctor: {
    imports: ["bittorrent", "client", "config", "denied_networks.ts", "front", "listeners.ts", "machine.ts", "persist"]
      .concat(["plugin_choice.ts", "privileges", "system_files.ts"]),
  },
  cli: { imports: "any", packages: ["commander"] },
  "app.ts": { imports: "any" },
  "part.ts": { imports: "any" },
  "signals.ts": { imports: [] },
  "version.ts": { imports: [] },
  "fifo.ts": { imports: ["front"] },
  // What becomes of root: a user and a folder out of the config, and the calls that make it so. It looks for the file that
  // threads start from.
  privileges: { imports: ["config", "front", "part.ts", "system_files.ts"] },
  // A socket of its own kind, through the calls the fronts have.
  "sd_notify.ts": { imports: ["front"] },
  "reach.ts": { imports: [] },
  // Which plugins run, and their threads, for the supervisor and `tracker plugins`.
  "plugin_choice.ts": { imports: ["config", "part_thread.ts", "permissions.ts", "plugin"] },
  "plugin_parts.ts": {
    imports: ["access", "config", "fifo.ts", "front", "host_part.ts", "part_thread.ts", "plugin"]
      .concat(["plugin_choice.ts", "plugin_exclusions.ts", "stats"]),
  },
  // One of them, as the supervisor holds it.
  "host_part.ts": { imports: ["config", "part_thread.ts", "permissions.ts", "plugin"] },
  "plugin_exclusions.ts": { imports: ["plugin"] },
  "machine.ts": { imports: ["system_files.ts"] },
  "system_files.ts": { imports: [] },
  // The fronts', the office's and the keeper's threads and what they may touch, for the supervisor.
  "front_parts.ts": {
    imports: [
      "config",
      "front",
      "messages.ts",
      "part_thread.ts",
      "permissions.ts",
      "shield",
      "plugin_parts.ts",
      "shared_memory.ts",
    ]
      .concat(["swarm"]),
  },
  "office_part.ts": {
    imports: ["config", "part_thread.ts", "permissions.ts", "plugin", "plugin_parts.ts", "shared_memory.ts", "swarm"]
      .concat(["version.ts"]),
  },
  "keeper_part.ts": {
    imports: ["messages.ts", "part_thread.ts", "permissions.ts", "persist", "shared_memory.ts", "swarm", "config"],
  },
  // All that is shared, made in one place.
  "shared_memory.ts": { imports: ["config", "machine.ts", "persist", "shield", "stats", "swarm"] },
  // A file of networks for the fronts, and how the fronts keep up: for the supervisor.
  "denied_networks.ts": { imports: ["access"] },
  "overload_watch.ts": { imports: ["front", "shield", "stats"] },
  "listeners.ts": { imports: ["config", "front", "machine.ts", "messages.ts"] },
  // Speaks to the keeper and the fronts, and starts the successor.
  "succession.ts": { imports: ["part_thread.ts", "messages.ts", "persist", "front"] },
  "messages.ts": { imports: ["front", "office", "persist", "plugin", "reach.ts"] },
  // It watches the signs of life of parts that run plugins, and holds those in cells.
  "part_thread.ts": {
    imports: ["messages.ts", "front", "give_way.ts", "life_watch.ts", "lines", "part.ts", "permissions.ts", "plugin"]
      .concat(["reach.ts", "thread_end.ts"]),
  },
  "thread_end.ts": { imports: [] },
  "life_watch.ts": { imports: ["plugin"] },
  "part_channel.ts": { imports: ["messages.ts"] },
  "cell.ts": { imports: ["contained_part.ts", "part_channel.ts", "plugin"] },
  "contained_part.ts": { imports: ["messages.ts", "part.ts", "part_channel.ts", "plugin"] },
  "permissions.ts": { imports: ["messages.ts", "front"] },
};

/** The one file of src that a plugin may import. */
const PLUGIN_API = "src/plugin/api.ts";
/** Its name for plugins, which an author's copy of a shipped one finds too. */
const PLUGIN_API_PACKAGE = "waggle";
/** The table of shipped plugins, and who reads it: to run them, to let them be read, and to write down their settings. */
const SHIPPED_TABLE = "plugins/mod.ts",
  READERS = ["plugin/load.ts", "plugin_choice.ts", "permissions.ts", "config/generate.ts"],
  SHIPPED_TABLE_READERS = READERS.map((path) => `src/${path}`);

/** Files and folders that may use the runtime, timers, clock and chance. Everything else is handed what it needs. */
const RIM = [
  "src/front/",
  "src/persist/",
  "src/cluster/",
  "src/lines/",
  "src/plugin/load.ts",
  "src/plugin/host.ts",
  // The thread that host.ts watches; the folder of plugins; what a thread of plugins may import and name.
  "src/plugin/host_thread.ts",
  "src/plugin/folder.ts",
  "src/plugin/modules.ts",
  "src/plugin/confine.ts",
  "src/plugin/endable.ts",
  "src/plugin/heap_limit.ts",
  // Its slots run in a host, which may read what it was granted.
  "plugins/accesslist.ts",
  "src/config/read.ts",
  // A program of its own that writes the generated files.
  "src/config/generate.ts",
  // Tools that work on the user's files; their formats are pure all the same.
  "src/torrent/",
  "src/client/",
  // Asks DNS and trackers, and reads the clock; its rules are pure all the same.
  "src/newtrackon/",
  "src/doctor/",
  // Reads /proc for the two that need it.
  "src/system_files.ts",
  "src/cli/",
  "src/app.ts",
  "src/machine.ts",
  "src/shared_memory.ts",
  // Reads a file; looks at sockets by a timer.
  "src/denied_networks.ts",
  "src/overload_watch.ts",
  "src/listeners.ts",
  "src/front_parts.ts",
  "src/fifo.ts",
  // Users, folders and rights of the process; the line to systemd; what a thread can reach, tried.
  "src/privileges/",
  "src/sd_notify.ts",
  "src/reach.ts",
  // Timers over threads of plugins, and the random key of their lists.
  "src/plugin_parts.ts",
  "src/part.ts",
  "src/part_thread.ts",
  "src/thread_end.ts",
  "src/give_way.ts",
  // The thread inside a worker, and what it runs first.
  "src/cell.ts",
  "src/contained_part.ts",
  // Makes the random key of connection ids.
  "src/keeper_part.ts",
  "src/succession.ts",
  "src/signals.ts",
  // Names of Deno's permission types only.
  "src/permissions.ts",
  "main.ts",
  // The runtime's compressors: bytes in, bytes out.
  "src/office/compress.ts",
];

/** Files that are started rather than imported. */
const ENTRY_FILES = ["main.ts", "src/part.ts", "src/config/generate.ts"];

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const MAIN_LINES_MAX = 30;

/** Longer files, with the lines they have now: these numbers only fall. */
const LONG_FILES: Readonly<Record<string, number>> = {};

/** Longer functions as `path name`, with the lines they have now: these numbers only fall. */
const LONG_FUNCTIONS: Readonly<Record<string, number>> = {};

/** A name that says nothing. */
const EMPTY_WORDS = /(^|_)(utils?|helpers?|common|misc|managers?|services?)(_|\.)/;

const SNAKE_CASE_PATH = /^([a-z0-9]+(_[a-z0-9]+)*\/)*[a-z0-9]+(_[a-z0-9]+)*\.ts$/;

const ROOT = new URL("../", import.meta.url);
const FILES = new Map(["main.ts", ...["src", "plugins", "test", "bench"].flatMap(listFiles)].map(readSource));
const SHIPPED = [...FILES.values()].filter(({ path }) => /^(main\.ts$|src\/|plugins\/)/.test(path));

check(
  "a part imports only the parts in its list",
  () =>
    SHIPPED.flatMap((file) =>
      targetsOf(file).flatMap(({ target, line }) => {
        const why = refusePart(file.path, target);
        return why === null ? [] : [`${file.path}:${line} imports ${target}: ${why}`];
      })
    ),
);

check("a part imports only the packages in its list", () =>
  SHIPPED.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => !/^(\.|node:|$)/.test(specifier))
      .filter(({ specifier }) => !packagesOf(file.path).includes(/^(@[^/]*\/)?[^/]*/.exec(specifier)?.[0] ?? ""))
      .map(({ specifier, line }) => `${file.path}:${line} imports the package ${specifier}, which its part may not`)
  ));

check("no file imports itself in a circle", () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path)) return;
    done.add(path);
    const file = FILES.get(path);
    if (file === undefined) return;
    // What is imported later, or named by its address, is not part of the circle: the file is complete by then.
    for (const { target } of targetsOf(file, ["static"])) visit(target, [...trail, path]);
  };
  for (const { path } of SHIPPED) visit(path, []);
  return circles;
});

check("every file of src is reached from an entry file", () => {
  const reached = new Set<string>();
  const visit = (path: string) => {
    if (reached.has(path)) return;
    reached.add(path);
    const file = FILES.get(path);
    if (file !== undefined) { for (const { target } of targetsOf(file)) visit(target); }
  };
  ENTRY_FILES.forEach(visit);
  return SHIPPED.map(({ path }) => path)
    .filter((path) => path.startsWith("src/") && !reached.has(path))
    .map((path) => `${path} is imported by nothing that runs: import it, name it in ENTRY_FILES, or remove it`);
});

check(
  "the runtime, timers, clock and chance stay on the rim",
  () =>
    SHIPPED.filter(({ path }) =>
      !RIM.some((place) => path === place || (place.endsWith("/") && path.startsWith(place)))
    )
      .flatMap(({ path, rimUses }) =>
        rimUses.map(({ name, line }) => `${path}:${line} uses ${name}: only the rim may, have it handed in`)
      ),
);

check("functions are short", () =>
  checkLengths(
    [...FILES.values()].filter(({ path }) => !path.startsWith("test/")).flatMap(({ path, functions }) =>
      functions.map(({ name, line, lineCount }) => ({
        key: `${path} ${name}`,
        place: `${path}:${line} ${name}`,
        lineCount,
      }))
    ),
    FUNCTION_LINES_MAX,
    LONG_FUNCTIONS,
    "LONG_FUNCTIONS",
  ));

check("files are short", () =>
  checkLengths(
    [...FILES.values()].map(({ path, lineCount }) => ({ key: path, place: path, lineCount })),
    FILE_LINES_MAX,
    LONG_FILES,
    "LONG_FILES",
  ));

check("main.ts is only a door", () => {
  const lineCount = FILES.get("main.ts")?.lineCount ?? 0;
  return lineCount <= MAIN_LINES_MAX ? [] : [`main.ts has ${lineCount} lines, at most ${MAIN_LINES_MAX} are allowed`];
});

check(
  "every export of src has a doc comment",
  () =>
    SHIPPED.flatMap(({ path, undocumented }) =>
      undocumented.map(({ name, line }) => `${path}:${line} exports ${name} without a doc comment`)
    ),
);

check(
  "every file opens with a comment that says what it holds",
  () =>
    SHIPPED.filter(({ text }) => !text.startsWith("/**")).map(({ path }) => `${path} does not open with a doc comment`),
);

check("no file hands on what another declares", () =>
  SHIPPED.filter(({ path }) => path !== "plugins/mod.ts")
    .flatMap(({ path, reexports }) => reexports.map(({ name, line }) => `${path}:${line} re-exports: ${name}`)));

check("file names are snake_case and say something", () =>
  [...FILES.keys()].flatMap((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!SNAKE_CASE_PATH.test(path)) return [`${path} is not snake_case`];
    if (EMPTY_WORDS.test(name)) return [`${path}: name it after what it holds`];
    return name === "index.ts" || (name === "mod.ts" && path !== "plugins/mod.ts") ? [`${path} is a barrel`] : [];
  }));

/** A test that fails with the list of what breaks a rule. */
function check(rule: string, listViolations: () => string[]): void {
  Deno.test(`tidy: ${rule}`, () => {
    const violations = listViolations();
    if (violations.length > 0) assert.fail(`${rule}:\n  ${violations.join("\n  ")}`);
  });
}

/** Every TypeScript file below `folder`, by its path from the root. */
function listFiles(folder: string): string[] {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(new URL(folder, ROOT))];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return entries.flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(`${folder}/${name}`) : name.endsWith(".ts") ? [`${folder}/${name}`] : []
  );
}

function readSource(path: string): [path: string, file: SourceFile] {
  return [path, parseSource(path, Deno.readTextFileSync(new URL(path, ROOT)))];
}

/** The files of the project that `file` imports. */
function targetsOf(file: SourceFile, kinds = ["static", "dynamic", "url"]): { target: string; line: number }[] {
  return file.imports
    .filter(({ specifier, kind }) => specifier.startsWith(".") && kinds.includes(kind))
    .map(({ specifier, line }) => ({ target: new URL(specifier, `file:///${file.path}`).pathname.slice(1), line }));
}

/** `wire` for src/wire/udp.ts, `app.ts` for src/app.ts. */
function partOf(path: string): string {
  return path.split("/")[1];
}

function packagesOf(path: string): readonly string[] {
  if (path.startsWith("plugins/")) return [PLUGIN_API_PACKAGE];
  return path.startsWith("src/") ? PARTS[partOf(path)]?.packages ?? [] : [];
}

/** Why `path` may not import `target`, or null when it may. */
function refusePart(path: string, target: string): string | null {
  if (path === "main.ts") return null;
  if (path.startsWith("plugins/")) {
    return target === PLUGIN_API || target.startsWith("plugins/") ? null : `a plugin sees only ${PLUGIN_API}`;
  }
  if (target === SHIPPED_TABLE && SHIPPED_TABLE_READERS.includes(path)) return null;
  const part = partOf(path);
  if (PARTS[part] === undefined) return `${part} is not in the table PARTS`;
  if (!target.startsWith("src/")) return "src imports only src";
  const { imports } = PARTS[part];
  if (imports === "any" || partOf(target) === part || imports.includes(partOf(target))) return null;
  return `${part} may import ${imports.length === 0 ? "nothing" : imports.join(", ")}`;
}

/** Holds lengths to `max`, and the exceptions to exactly what they are now, so that they only fall. */
function checkLengths(
  lengths: readonly { key: string; place: string; lineCount: number }[],
  max: number,
  exceptions: Readonly<Record<string, number>>,
  table: string,
): string[] {
  const violations = lengths.flatMap(({ key, place, lineCount }) => {
    const exception = exceptions[key];
    if (exception === undefined) return lineCount <= max ? [] : [`${place} has ${lineCount} lines, at most ${max}`];
    if (lineCount > exception) return [`${place} has ${lineCount} lines and grew from ${exception}`];
    return lineCount < exception ? [`${place} has ${lineCount} lines: lower it in ${table}`] : [];
  });
  const keys = lengths.map(({ key }) => key);
  const gone = Object.keys(exceptions).filter((key) => !keys.includes(key));
  return [...violations, ...gone.map((key) => `${key} is gone: remove it from ${table}`)];
}
