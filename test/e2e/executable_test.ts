/**
 * The compiled executable, made by compile.sh and run as it is. Deno's own runtime for executables comes from its
 * download host; where that cannot be reached, DENORT_BIN names one (and DENO a compiler that fits it), or the script
 * DENORT_SCRIPT, beside the project, provides both.
 */
import assert from "node:assert/strict";
import { tryConfinement } from "../contract/confinement.ts";
import { converse } from "../contract/front_conversation.ts";
import { HttpTalk } from "../contract/http_talk.ts";
import { UdpTalk } from "../contract/udp_talk.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { HttpClient } from "../support/http_client.ts";
import { runProgram } from "../support/programs.ts";
import { asOrdinaryUser, makeOpenFolder, NOBODY, NOT_ROOT } from "../support/root.ts";
import { seededRandom } from "../support/random.ts";
import { parseSource } from "../support/source_file.ts";
import { startTracker, writeConfig } from "../support/tracker_process.ts";
import { latin1Text } from "../support/vectors.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DENORT_SCRIPT = `${ROOT}../shared/tools/denort.sh`;
const EXECUTABLE = `${ROOT}tracker`;
/** Longest wait for a pass of the keeper, which comes once a second. */
const KEPT_MS_MAX = 30_000;

const obstacle = findObstacle();
if (obstacle === null) Deno.test("the executable compiles, answers over HTTP and UDP, and stops", testExecutable);
else Deno.test.ignore(`the executable compiles, answers over HTTP and UDP, and stops (${obstacle})`, () => {});

// Why it cannot be made here, or null.
function findObstacle(): string | null {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") return `this machine is ${Deno.build.target}`;
  if (Deno.env.has("DENORT_BIN") || isFile(DENORT_SCRIPT)) return null;
  return "no DENORT_BIN, and no ../shared/tools/denort.sh";
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function testExecutable(t: Deno.TestContext): Promise<void> {
  await t.step("compile.sh makes it", async () => {
    const { code, text } = await runProgram("sh", [`${ROOT}compile.sh`], { env: await compiler() });
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`^compiled \\./tracker for ${Deno.build.target}$`, "m"));
  });
  // Started as root, the executable becomes nobody and is confined to the folder it runs in.
  const folder = makeOpenFolder("waggle_executable_"), random = seededRandom("executable");
  if (NOT_ROOT === null) Deno.chownSync(folder, NOBODY, NOBODY);
  await t.step("it knows its version", async () => {
    const { code, text } = await runProgram(EXECUTABLE, ["-v"], { cwd: folder });
    assert.deepEqual([code, text.startsWith("waggle ")], [0, true], text);
  });
  for (const front of ["linux", "portable"]) {
    await t.step(`${front} fronts answer over HTTP and UDP, and stop`, async () => {
      const config = writeConfig(folder, { "tracker.front": front, "tracker.memory": 32, "tracker.workers": 2 });
      await using tracker = await startTracker(["-f", config], folder, [EXECUTABLE]);
      using http = await HttpTalk.connect("127.0.0.1", tracker.httpPort);
      await converse(http, random.bytes(20));
      using udp = new UdpTalk("127.0.0.1", tracker.udpPort);
      await converse(udp, random.bytes(20));
      const stats = await fetch(`http://127.0.0.1:${tracker.httpPort}/stats?mode=torr`);
      assert.match(await stats.text(), /^2\n0\nopentracker serving 2 torrents\nopentracker$/);
      assert.equal(await tracker.stop("SIGTERM"), 0);
      assert.doesNotMatch(tracker.errors(), /fail|fault|error/i);
    });
  }
  await t.step(
    "a plugin dropped beside its config works in every thread, or is refused by name",
    () => testPlugins(folder),
  );
  await t.step("it keeps its state over a stop and over a crash", () => testState(folder));
  await t.step("it restarts without a gap as the executable that has taken its place", testReload);
  await t.step({
    name: `root is confined to a folder${NOT_ROOT === null ? "" : ` (${NOT_ROOT})`}`,
    ignore: NOT_ROOT !== null,
    fn: () => tryConfinement({ command: [EXECUTABLE] }),
  });
  await t.step("its threads are all inside", async () => {
    // Parts have just run; hashing has threads of its own.
    const path = `${folder}/shared.bin`;
    Deno.writeFileSync(path, random.bytes(300_000));
    const { code, text } = await runProgram(EXECUTABLE, ["torrent", "make", path, "http://127.0.0.1/announce"], {
      cwd: folder,
    });
    assert.equal(code, 0, text);
    assert.match(latin1Text(Deno.readFileSync(`${path}.torrent`)), /6:pieces40:/);
  });
  Deno.removeSync(folder, { recursive: true });
}

/** A plugin in the fronts, the office and its host: JavaScript everywhere, TypeScript from Deno 2.8 on. */
async function testPlugins(folder: string): Promise<void> {
  const plugins = `${folder}/plugins`, config = writeConfig(folder, { "tracker.memory": 32, "tracker.workers": 2 });
  const plugin = (name: string, type = "") =>
    `export default { name: "${name}",
      admitAnnounce: ({ infoHash }${type}) => infoHash[0] === 0x31 ? "no ones from ${name}" : undefined,
      stats: { ${name}: (snapshot${type}) => "torrents: " + snapshot.torrents },
      start: (context${type}) => context.log("Deno " + Deno.version.deno) };`;
  const run = async (name: string) => {
    await using tracker = await startTracker(["-f", config], folder, [EXECUTABLE]);
    const version = /^plugin \w+: Deno (\d+)\.(\d+)/m.exec(tracker.printed()),
      client = await HttpClient.connect(tracker.httpPort);
    const announce = (letter: number) =>
      client.announce({ infoHash: new Uint8Array(20).fill(letter), port: 1, left: 0 });
    assert.match(await announce(0x31), new RegExp(`:no ones from ${name}8:`));
    assert.match(await announce(0x61), /8:intervali/);
    client.close();
    const stats = await fetch(`http://127.0.0.1:${tracker.httpPort}/stats?mode=${name}`);
    assert.equal(await stats.text(), "torrents: 1");
    return { major: Number(version?.[1]), minor: Number(version?.[2]) };
  };
  const refusal = async () => {
    const { code, text } = await runProgram(EXECUTABLE, ["-f", config, "-p", "0", "-P", "0"], { cwd: folder });
    return `${code} ${text}`;
  };
  Deno.mkdirSync(plugins);
  try {
    Deno.writeTextFileSync(`${plugins}/dropped.js`, plugin("dropped"));
    const { major, minor } = await run("dropped"), hasHooks = major > 2 || minor >= 8;
    Deno.writeTextFileSync(`${plugins}/dropped.js`, "export default {\n  name: ;\n};");
    assert.match(await refusal(), /^111 [^]*^Cannot start: \S*plugins\/dropped\.js:2: Unexpected token ';'$/m);
    Deno.writeTextFileSync(`${plugins}/dropped.js`, `import "./_part.js";\n${plugin("dropped")}`);
    Deno.writeTextFileSync(`${plugins}/_part.js`, "");
    if (hasHooks) await run("dropped");
    else {assert.match(
        await refusal(),
        /^111 [^]*plugins\/dropped\.js:1: with Deno \S+ a plugin can import nothing: use /,
      );}
    Deno.removeSync(`${plugins}/dropped.js`);
    Deno.writeTextFileSync(`${plugins}/typed.ts`, plugin("typed", ": any"));
    if (hasHooks) await run("typed");
    else assert.match(await refusal(), /^111 [^]*plugins\/typed\.ts: Deno \S+ reads no TypeScript plugins: use /);
  } finally {
    Deno.removeSync(plugins, { recursive: true });
  }
}

/** A peer announces, the tracker ends by each signal in turn, and the next run knows all peers so far. */
async function testState(folder: string): Promise<void> {
  const name = "tracker.sqlite", path = `${folder}/${name}`, infoHash = new Uint8Array(20).fill(0x61);
  const settings = { "tracker.state": name, "tracker.state_seconds": 1, "tracker.history": "on", "tracker.memory": 32 };
  const config = writeConfig(folder, settings), ends = ["SIGTERM", "SIGKILL", "SIGTERM"] as const;
  for (const [before, end] of ends.entries()) {
    await using tracker = await startTracker(["-f", config], folder, [EXECUTABLE]);
    assert.match(
      tracker.printed(),
      before === 0 ? /is new: no torrents/ : /^state: 1 torrents and \d peers loaded from /m,
    );
    const client = await HttpClient.connect(tracker.httpPort);
    const answer = await client.announce({ infoHash, port: 1000 + before, left: 0 });
    client.close();
    assert.match(answer, new RegExp(`8:completei${before + 1}e`), `after ${before} runs`);
    // What a kill leaves is what has been written.
    if (end === "SIGKILL") await untilKept(path, infoHash, before + 1);
    const code = await tracker.stop(end);
    assert.equal(code === 0, end === "SIGTERM", `exit code ${code} by ${end}`);
    assert.doesNotMatch(tracker.errors(), /fail|fault|error/i);
  }
  const copy = `${path}.copy`,
    tool = (...args: string[]) => runProgram(EXECUTABLE, ["state", ...args], { cwd: folder });
  assert.deepEqual(await tool("backup", path, copy), { code: 0, text: "" });
  const { code, text } = await tool("info", copy);
  assert.equal(code, 0, text);
  assert.match(text, /^IPv4 peers: +3$[^]*^history: +\d+ minutes since [^]*^integrity: +ok$/m);
}

/** An installer puts another file there, SIGUSR2 comes, and the other process knows what this one knew. */
async function testReload(): Promise<void> {
  const folder = makeOpenFolder("waggle_reload_"), program = `${folder}/program`, path = `${folder}/tracker.sqlite`;
  const install = () => {
    Deno.copyFileSync(EXECUTABLE, `${program}.new`);
    Deno.renameSync(`${program}.new`, program);
  };
  install();
  const config = writeConfig(folder, { "tracker.state": path, "tracker.state_seconds": 1, "tracker.memory": 32 });
  // Started as root it could not.
  await using tracker = await startTracker(["-f", config], folder, asOrdinaryUser([program], folder));
  const announce = async (port: number) => {
    const client = await HttpClient.connect(tracker.httpPort);
    const answer = await client.announce({ infoHash: new Uint8Array(20).fill(0x62), port, left: 0 });
    client.close();
    return answer;
  };
  await announce(1);
  install();
  Deno.kill(tracker.pid, "SIGUSR2");
  const successor = Number(await tracker.waitFor(/process (\d+) takes over/));
  await tracker.waitFor(/^state: the other process has left$/m);
  assert.match(await announce(2), /8:completei2e/);
  Deno.kill(successor, "SIGTERM");
  await tracker.stop();
  Deno.removeSync(folder, { recursive: true });
}

async function untilKept(path: string, infoHash: Uint8Array, peers: number): Promise<void> {
  const endMs = performance.now() + KEPT_MS_MAX;
  for (;;) {
    const file = StateFile.open(path, { readOnly: true }), kept = file.row(infoHash)?.seeders4 ?? 0;
    file.close();
    if (kept === peers) return;
    assert.ok(performance.now() < endMs, `${kept} of ${peers} peers have been written`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// The environment compile.sh needs to find compiler and runtime.
async function compiler(): Promise<Record<string, string>> {
  const denort = Deno.env.get("DENORT_BIN");
  if (denort !== undefined) return { DENO: Deno.env.get("DENO") ?? Deno.execPath() };
  const { code, text } = await runProgram("bash", [DENORT_SCRIPT, `${ROOT}.cache/denort`]);
  assert.equal(code, 0, text);
  return Object.fromEntries([...text.matchAll(/^(DENO|DENORT_BIN)=(.+)$/gm)].map(([, name, path]) => [name!, path!]));
}

Deno.test(
  { name: "compile.sh compiles for the processor it runs on", ignore: Deno.build.os === "windows" },
  async () => {
    const bin = Deno.makeTempDirSync({ prefix: "waggle_bin_" }), deno = `${bin}/deno`;
    const write = (path: string, text: string) => Deno.writeTextFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    // Compiles nothing.
    write(deno, 'echo "$*"');
    const compile = async (machine: string, ...targets: string[]) => {
      write(`${bin}/uname`, `echo ${machine}`);
      const env = { DENO: deno, PATH: `${bin}:${Deno.env.get("PATH")}` };
      const { code, text } = await runProgram("sh", [`${ROOT}compile.sh`, ...targets], { env });
      return [code, /--target (\S+) --output (\S+) main\.ts$/m.exec(text)?.slice(1).join(" ")];
    };
    const x86 = "x86_64-unknown-linux-gnu", arm = "aarch64-unknown-linux-gnu";
    assert.deepEqual(await compile("x86_64"), [0, `${x86} tracker`]);
    assert.deepEqual(await compile("aarch64"), [0, `${arm} tracker`]);
    assert.deepEqual(await compile("x86_64", arm), [0, `${arm} tracker-${arm}`]);
    assert.deepEqual(await compile("riscv64"), [1, undefined]);
    Deno.removeSync(bin, { recursive: true });
  },
);

Deno.test("compile.sh embeds every file a thread starts from", async () => {
  const script = Deno.readTextFileSync(`${ROOT}compile.sh`), start = script.indexOf("threads=");
  const find = script.slice(start, script.indexOf("sort -u)", start) + "sort -u)".length);
  const { text } = await runProgram("sh", ["-c", `${find}; echo "$threads"`], { cwd: ROOT });
  const started = sourceFiles(`${ROOT}src`).flatMap((path) => {
    const { imports } = parseSource(path, Deno.readTextFileSync(path));
    return imports
      .filter(({ kind, specifier }) => kind === "url" && specifier.endsWith(".ts"))
      .map(({ specifier }) => new URL(specifier, `file://${path}`).pathname.slice(ROOT.length));
  });
  assert.deepEqual(text.trim().split("\n"), [...new Set(started)].sort());
});

function sourceFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? sourceFiles(`${folder}/${name}`) : name.endsWith(".ts") ? [`${folder}/${name}`] : []
  );
}
