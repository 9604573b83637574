/** The tables of docs/operating.md say what the code says: limits by their names, faults by the tests that make them. */
import assert from "node:assert/strict";
import { SETTINGS } from "../../src/config/schema.ts";
import { ARENA_MIB_MAX, ARENA_MIB_MIN } from "../../src/swarm/arena.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGE = Deno.readTextFileSync(new URL("docs/operating.md", ROOT));

/** What one of a unit is in the units that constants are in. */
const UNITS: Readonly<Record<string, readonly number[]>> = {
  "KiB": [1024],
  "MiB": [1, 1024 * 1024],
  "s": [1, 1000],
  "%": [0.01],
};

/** Folders of the tools, which read what their user gives them and end. */
const TOOLS = /^src\/(cli|client|doctor|newtrackon|torrent)\//;

/** Constants named as limits that are no rows, by the reason: `NAME` with the path of its file. */
const NO_ROWS: Readonly<Record<string, readonly string[]>> = {
  "a number of the protocol, the system or a format": [
    "plugins/addresses/ip_text.ts IPV6_CHARS_MAX",
    "src/access/network_lines.ts BITS_DIGITS_MAX",
    "src/config/address.ts NAME_CHARS_MAX",
    "src/config/address.ts PORT_MAX",
    "src/front/linux/successor.ts COMMAND_LINE_BYTES_MAX",
    "src/lines/output.ts WRITE_BYTES_MAX",
    "src/persist/history_minutes.ts FIGURE_MAX",
    "src/persist/json_lines.ts AGE_MAX",
    "src/persist/json_lines.ts TOUCHED_MAX",
    "src/persist/state_file.ts PAGES_MAX",
    "src/privileges/user.ts ID_MAX",
    "src/sd_notify.ts PATH_BYTES_MAX",
    "src/swarm/layout.ts COMPLETED_MAX",
    "src/swarm/minutes.ts AHEAD_MINUTES_MAX",
    "src/swarm/minutes.ts IDLE_MINUTES_MAX",
    "src/swarm/minutes.ts PEER_AGE_MINUTES_MAX",
    "src/wire/connection_id.ts UNITS_AHEAD_MAX",
    "src/wire/query.ts NUMBER_MAX",
  ],
  "the length of the longest that we write, for its buffer": [
    "plugins/stats/torrent_formats.ts TORRENT_BYTES_MAX",
    "src/front/linux/native.ts ANSWER_BYTES_MAX",
    "src/tracker/udp_door.ts PEERS4_MAX",
    "src/tracker/udp_door.ts PEERS6_MAX",
    "src/wire/http_reply.ts DICTIONARY_PEER_BYTES_MAX",
    "src/wire/http_reply.ts HTTP_HEAD_BYTES_MAX",
    "src/wire/http_reply.ts SCRAPE_ENTRY_BYTES_MAX",
  ],
  "a piece of work, after which the rest goes on": [
    "src/front/linux/native.ts EVENTS_MAX",
    "src/office/torrent_batches.ts SLICE_TORRENTS_MAX",
    "src/swarm/lock.ts SPINS_MAX",
    "src/swarm/torrent_reader.ts RESIZES_MAX",
    "src/swarm/torrent_reader.ts RESTARTS_MAX",
    "src/swarm/torrent_reader.ts SLICE_BUCKETS_MAX",
    "src/swarm/torrent_reader.ts SLICE_RECORDS_MAX",
    "src/swarm/torrent_reader.ts SLICE_SLOTS_MAX",
  ],
  "where one way of storing or doing it becomes another": [
    "src/access/hash_set.ts LOAD_MAX",
    "src/access/hash_set.ts REUSE_MAX",
    "src/front/linux/gathering.ts TURN_MS_MAX",
    "src/office/ordered_torrents.ts INSERTION_MAX",
    "src/office/piece_buffers.ts SPARE_MAX",
    "src/persist/keeper.ts OFTEN_PEERS_MAX",
    "src/plugin_exclusions.ts UNKNOWN_MAX",
    "src/shield/shed_steps.ts ANSWERING_STEP_MAX",
    "src/swarm/large_list.ts BUCKET_WORDS_MAX",
    "src/swarm/layout.ts RUN_ORDER_MAX",
    "src/swarm/layout.ts SMALL_PEERS_MAX",
    "src/swarm/slabs.ts SLAB_WORDS_MAX",
  ],
  "how much is shown, told apart or said at the end": [
    "src/config/config.ts SHOWN_CHARS_MAX",
    "src/lines/output.ts FLUSH_MS_MAX",
    "src/sd_notify.ts SEND_SECONDS_MAX",
    "src/stats/counters.ts REFUSALS_MAX",
    "src/stats/counters.ts RENEW_MINUTES_MAX",
    "src/stats/network_counts.ts HASTY_MINUTES_MAX",
  ],
  "of what the kernel says of itself": ["src/system_files.ts FILE_BYTES_MAX"],
};

/** The cells of the table of the section `heading`, without its head. */
function rowsOf(heading: string): string[][] {
  const from = PAGE.indexOf(`\n## ${heading}\n`);
  assert.ok(from >= 0, `docs/operating.md has no section ${heading}`);
  const to = PAGE.indexOf("\n## ", from + 1), section = PAGE.slice(from, to < 0 ? undefined : to);
  const lines = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

/** The value of constant `name` in the file at `path`: a number, or sums and products of numbers. */
function constantOf(name: string, path: string): number {
  const source = Deno.readTextFileSync(new URL(path, ROOT));
  const [, expression] = new RegExp(`\\b${name}(?:: number)? = ([^,;]+)[,;]`).exec(source) ?? [];
  assert.ok(expression !== undefined, `${path} has no constant ${name}`);
  assert.match(expression, /^[\d_ .*+()<-]+$/, `${name} in ${path} is not made of numbers`);
  return new Function(`return ${expression}`)();
}

function valueOf(where: string): number {
  const constant = /^`([A-Z0-9_]+)` \((\S+\.ts)\)$/.exec(where);
  if (constant !== null) return constantOf(constant[1]!, constant[2]!);
  const [, setting] = /^`([a-z_.]+)`$/.exec(where) ?? [];
  assert.ok(setting !== undefined && setting in SETTINGS, `${where} is neither a constant with its file nor a setting`);
  return Number(SETTINGS[setting as keyof typeof SETTINGS].default);
}

Deno.test("docs/operating.md: every limit is what the code says", () => {
  const rows = rowsOf("Limits");
  assert.ok(rows.length > 50);
  for (const [what, limit, where] of rows) {
    const [, digits, unit] = /^([\d,.]+) (.+)$/.exec(limit!) ?? [];
    assert.ok(digits !== undefined, `${what}: ${limit} is not a number with its unit`);
    const number = Number(digits.replaceAll(",", "")), value = valueOf(where!);
    const said = (UNITS[unit!] ?? [1]).map((factor) => number * factor);
    assert.ok(said.some((one) => Math.abs(one - value) < 1e-9), `${what}: ${limit} is said, ${where} is ${value}`);
  }
});

Deno.test("docs/operating.md: every constant that is named as a limit is a row, or has a reason to be none", () => {
  const rows = rowsOf("Limits").map(([, , where]) => /^`([A-Z0-9_]+)` \((\S+)\)$/.exec(where!) ?? []);
  const said = new Set(rows.map(([, name, path]) => `${path} ${name}`)), excepted = Object.values(NO_ROWS).flat();
  const named = ["src", "plugins"].flatMap(sourcesIn).filter((path) => !TOOLS.test(path)).flatMap((path) => {
    const source = Deno.readTextFileSync(new URL(path, ROOT));
    return [...source.matchAll(/\b([A-Z][A-Z0-9_]*_MAX)(?:: number)? = /g)].map(([, name]) => `${path} ${name}`);
  });
  assert.ok(named.length > 100);
  assert.deepEqual(named.filter((limit) => !said.has(limit) && !excepted.includes(limit)), [], "without a row");
  assert.deepEqual(excepted.filter((limit) => !named.includes(limit) || said.has(limit)), [], "no exceptions any more");
});

// Paths of the files of TypeScript in a folder, and in those below it.
function sourcesIn(folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, ROOT))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? sourcesIn(path) : name.endsWith(".ts") ? [path] : [];
  });
}

Deno.test("docs/operating.md: every fault names the tests that make it, or says that none does", () => {
  const rows = rowsOf("Faults");
  assert.ok(rows.length > 15);
  for (const [fault, , , held] of rows) {
    const files = [...held!.matchAll(/test\/\S+\.ts/g)].map(([path]) => path);
    assert.ok(files.length > 0 || held!.startsWith("by hand"), `${fault}: ${held}`);
    for (const path of files) assert.ok(Deno.statSync(new URL(path, ROOT)).isFile);
  }
});

Deno.test("tracker.memory goes as far as the store does", () => {
  const { min, max } = SETTINGS["tracker.memory"];
  assert.deepEqual([min, max], [ARENA_MIB_MIN, ARENA_MIB_MAX]);
});
