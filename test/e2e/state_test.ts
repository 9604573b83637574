/** The program and its state file: what an operator sees when the file is at fault, and what a stop and a start keep. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StateFile } from "../../src/persist/state_file.ts";
import { StateLock } from "../../src/persist/state_lock.ts";
import { runProgram } from "../support/programs.ts";
import { HttpClient } from "../support/http_client.ts";
import { asNobody, asOrdinaryUser, makeOpenFolder, NOBODY, OpenSources, testAsRoot } from "../support/root.ts";
import { EXECUTABLE, startKeptTracker, withStatePath } from "../support/state.ts";
import { commandFromSource, Program, writeConfig } from "../support/tracker_process.ts";

const HASH = new Uint8Array(20).fill(0x61);
/** What is said of a file that another program has. */
const KEPT = /is kept by another tracker that runs; stop it, or name another/;
/** opentracker's, of a tracker that cannot run. */
const EXIT_CANNOT_RUN = 111;
/** The tracker gives up saving after two minutes; less than that is a machine whose cores others want. */
const SLOW_STOP_MS_MAX = 115_000;
/** A stop that is slow on purpose: thrice what is thought too long. How fast this machine is, counting so far shows. */
const SLOW_STOP_MS = 6000, COUNT_TRIED = 2_000_000;
/** What is said of root and what becomes of it. */
const ABOUT_ROOT = /^(Running as root|running as |from its sources )/;
/** The program and the arguments it begins with, where it is not started by `startTracker`. */
const PROGRAM: readonly string[] = EXECUTABLE === undefined ? commandFromSource() : [EXECUTABLE];

function configFor(path: string, more: Readonly<Record<string, number>> = {}): string {
  const settings = { "tracker.state": path, "tracker.memory": 64, "tracker.history": "on", ...more };
  return writeConfig(path.replace(/\/[^/]*$/, ""), settings);
}

Deno.test(
  "SIGTERM saves everything, and a start brings it back",
  withStatePath(async (path) => {
    const config = configFor(path), first = await startKeptTracker(config);
    const client = await HttpClient.connect(first.httpPort);
    await client.announce({ infoHash: HASH, port: 1000, left: 0, event: "completed" });
    await client.announce({ infoHash: HASH, port: 1001, left: 1 });
    client.close();
    assert.equal(await first.stop("SIGTERM"), 0);
    assert.match(first.printed(), /^state: 1 torrents saved in \d+\.\d s$/m);
    const second = await startKeptTracker(config);
    assert.match(second.printed(), /^state: 1 torrents and 2 peers loaded from .* in \d+\.\d s, 0 had expired$/m);
    const again = await HttpClient.connect(second.httpPort);
    assert.match(
      await again.announce({ infoHash: HASH, port: 1002, left: 1 }),
      /8:completei1e10:downloadedi1e.*10:incompletei2e/s,
    );
    again.close();
    assert.equal(await second.stop("SIGTERM"), 0);
    // Minutes of both runs.
    const { text } = await runTool("state", "history", "--json", path);
    const minutes: Record<string, number>[] = text.trim().split("\n").map((line) => JSON.parse(line));
    const announces = minutes.reduce((sum, each) => sum + each["tcpAnnounces"]!, 0), last = minutes.at(-1)!;
    assert.deepEqual([announces, last["torrents"], last["seeders4"], last["leechers4"]], [3, 1, 1, 2], text);
  }),
);

Deno.test(
  "a start with a file that is no state file ends with one sentence and 111, and --state-repair gets over it",
  withStatePath(async (path) => {
    const notes = "these are my notes\n".repeat(1000);
    Deno.writeTextFileSync(path, notes);
    const config = configFor(path), refused = await refusedStart(config);
    assert.equal(
      refused,
      `Cannot start: The state file ${JSON.stringify(path)} is not a database; start once with --state-repair to ` +
        "salvage what is readable, or move the file away",
    );
    assert.equal(Deno.readTextFileSync(path), notes, "nothing was touched");
    const tracker = await startKeptTracker(config, "--state-repair");
    assert.match(tracker.printed(), /^state: 0 torrents were salvaged from .*, which is kept as .*\.damaged$/m);
    assert.equal(await tracker.stop("SIGTERM"), 0);
    assert.equal(Deno.readTextFileSync(`${path}.damaged`), notes);
    const file = StateFile.open(path, { readOnly: true });
    assert.deepEqual(file.problems(), []);
    file.close();
  }),
);

Deno.test(
  "a second tracker with the same state file ends with one sentence and 111",
  withStatePath(async (path) => {
    const config = configFor(path), first = await startKeptTracker(config);
    assert.match(await refusedStart(config), KEPT);
    assert.equal(await first.stop("SIGTERM"), 0);
  }),
);

Deno.test(
  "a tracker and a program of another runtime with the same state file see each other's lock, until they are killed",
  withStatePath(async (path) => {
    const config = configFor(path), tracker = await startKeptTracker(config);
    assert.equal(StateLock.keeperOf(path), tracker.pid);
    assert.throws(() => StateLock.open(path, false), KEPT);
    await tracker.stop("SIGKILL");
    assert.equal(StateLock.keeperOf(path), null);
    const lock = StateLock.open(path, false);
    assert.match(await refusedStart(config), KEPT);
    lock.close();
  }),
);

Deno.test(
  "tracker state backup copies the file of a tracker that runs, and a tracker starts with the copy",
  withStatePath(async (path) => {
    const config = configFor(path), first = await startKeptTracker(config), copy = `${path}.copy`;
    const client = await HttpClient.connect(first.httpPort);
    await client.announce({ infoHash: HASH, port: 1000, left: 0 });
    client.close();
    assert.equal(await first.stop("SIGTERM"), 0);
    const second = await startKeptTracker(config);
    assert.deepEqual(await runTool("state", "backup", path, copy), { code: 0, text: "" });
    assert.equal(await second.stop("SIGTERM"), 0);
    const third = await startKeptTracker(configFor(copy));
    assert.match(third.printed(), /^state: 1 torrents and 1 peers loaded from .*\.copy in /m);
    assert.equal(await third.stop("SIGTERM"), 0);
  }),
);

Deno.test(
  "a stop that takes longer than two seconds says so, and saves all the same",
  withStatePath(async (path) => {
    const tracker = await startKeptTracker(configFor(path, { "tracker.state_seconds": 3600 }));
    const client = await HttpClient.connect(tracker.httpPort);
    await client.announce({ infoHash: HASH, port: 1000, left: 0 });
    client.close();
    // The file is slow to write: each torrent counts as far as takes a few seconds here.
    const db = new DatabaseSync(path), begunMs = performance.now();
    db.exec(countTo(COUNT_TRIED));
    const count = Math.ceil(COUNT_TRIED * SLOW_STOP_MS / (performance.now() - begunMs));
    db.exec(`CREATE TRIGGER slow AFTER INSERT ON torrents BEGIN ${countTo(count)}; END`);
    db.close();
    assert.equal(await tracker.stop("SIGTERM", SLOW_STOP_MS_MAX), 0);
    const said = /^state: still saving, which takes longer than it should: please wait\nstate: 1 torrents saved in /m;
    assert.match(tracker.printed(), said);
  }),
);

// Root may write everywhere; what it becomes may not. From source, since an executable confines itself to the folder.
testAsRoot("a path that the tracker's user may not write to ends the start with one sentence and 111", async () => {
  using sources = await OpenSources.copy();
  const folder = makeOpenFolder("waggle_state_"), path = `${folder}/tracker.sqlite`, config = configFor(path);
  const assertNamed = async (denied: string) => {
    const line = await refusedStart(config, [...sources.command, "-u", "nobody"], sources.env);
    assert.equal(
      line,
      `Cannot start: The state file "${denied}" cannot be written; give the tracker the right to write to it and its ` +
        "folder, or name another file in tracker.state",
    );
  };
  await assertNamed(path);
  // What root has made there; SQLite gives its own files to the owner of the file.
  StateFile.open(path).close();
  Deno.chownSync(folder, NOBODY, NOBODY);
  Deno.chownSync(path, NOBODY, NOBODY);
  await assertNamed(`${path}.lock.sqlite`);
  Deno.chownSync(`${path}.lock.sqlite`, NOBODY, NOBODY);
  await assertNamed(`${path}.lock`);
  Deno.chownSync(`${path}.lock`, NOBODY, NOBODY);
  Deno.writeTextFileSync(`${path}-wal`, "", { mode: 0o600 });
  await assertNamed(`${path}-wal`);
  Deno.removeSync(folder, { recursive: true });
});

testAsRoot(
  "a folder that the tracker's user may not enter is refused with one sentence, by a start and an import",
  async () => {
    using sources = await OpenSources.copy();
    const folder = makeOpenFolder("waggle_state_"), closed = makeOpenFolder("waggle_closed_", 0o700);
    const path = `${closed}/tracker.sqlite`,
      said = `The state file "${path}" cannot be written; give the tracker the right`;
    const config = writeConfig(folder, { "tracker.state": path, "tracker.memory": 64 });
    const line = await refusedStart(config, [...sources.command, "-u", "nobody"], sources.env);
    assert.ok(line.startsWith(`Cannot start: ${said}`), line);
    const [program, ...words] = asNobody(sources.command), dump = `${folder}/dump`;
    Deno.writeTextFileSync(dump, "");
    const imported = await runProgram(program!, [...words, "state", "import", path, dump], { env: sources.env });
    assert.equal(imported.code, 1);
    assert.ok(imported.text.startsWith(said) && imported.text.trim().split("\n").length === 1, imported.text);
    for (const each of [folder, closed]) Deno.removeSync(each, { recursive: true });
  },
);

testAsRoot("tools that only look say who may, where another user may not", async () => {
  using sources = await OpenSources.copy();
  const folder = makeOpenFolder("waggle_state_"), path = `${folder}/tracker.sqlite`, file = StateFile.open(path);
  file.sign(Deno.pid);
  const [program, ...words] = asNobody(sources.command);
  for (const tool of [["state", "info"], ["state", "export"], ["state", "history"], ["reload-binary"]]) {
    const { code, text } = await runProgram(program!, [...words, ...tool, path], { env: sources.env });
    const denied = tool.length > 1 ? path : `${path}.lock.sqlite`;
    const want = `The state file "${denied}" cannot be read; run this as the tracker's user\n`;
    assert.deepEqual({ code, text }, { code: 1, text: want }, tool.join(" "));
  }
  file.close();
  Deno.removeSync(folder, { recursive: true });
});

/** SQL that takes the longer the higher `end` is. */
function countTo(end: number): string {
  const numbers = `WITH RECURSIVE count (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM count LIMIT ${end})`;
  return `SELECT max(n) FROM (${numbers} SELECT n FROM count)`;
}

/** Runs a tool of the program, with the rights that the tracker has. */
function runTool(...args: string[]): Promise<{ code: number; text: string }> {
  const [program, ...words] = PROGRAM;
  return runProgram(program!, [...words, ...args]);
}

/** Starts a tracker that cannot run. Resolves to the one line it says about it. */
async function refusedStart(
  config: string,
  command?: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = config.replace(/\/[^/]*$/, ""), [program, ...first] = command ?? asOrdinaryUser(PROGRAM, folder);
  const args = [...first, "-i", "127.0.0.1", "-p", "0", "-f", config];
  const tracker = new Program(program!, args, folder, env);
  assert.equal(await tracker.ended(), EXIT_CANNOT_RUN);
  const lines = tracker.printed().trim().split("\n").filter((line) => !ABOUT_ROOT.test(line));
  assert.equal(lines.length, 1, tracker.printed());
  return lines[0]!;
}
