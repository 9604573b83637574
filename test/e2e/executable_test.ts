/**
 * The compiled executable, made by compile.sh and run as it is. Deno's own runtime for executables comes from its
 * download host; where that cannot be reached, DENORT_BIN names one (and DENO a compiler that fits it), or the script
 * DENORT_SCRIPT, beside the project, provides both.
 */
import assert from "node:assert/strict";
import { converse } from "../contract/front_conversation.ts";
import { HttpTalk } from "../contract/http_talk.ts";
import { UdpTalk } from "../contract/udp_talk.ts";
import { runProgram } from "../support/programs.ts";
import { seededRandom } from "../support/random.ts";
import { parseSource } from "../support/source_file.ts";
import { startTracker, writeConfig } from "../support/tracker_process.ts";
import { latin1Text } from "../support/vectors.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const DENORT_SCRIPT = `${ROOT}../shared/tools/denort.sh`;
const EXECUTABLE = `${ROOT}tracker`;

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
    assert.match(text, /^compiled \.\/tracker for x86_64-unknown-linux-gnu$/m);
  });
  const folder = Deno.makeTempDirSync(), random = seededRandom("executable");
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
      const stopMs = performance.now();
      assert.equal(await tracker.stop("SIGTERM"), 0);
      assert.ok(performance.now() - stopMs < 2000, "it stops within two seconds");
      assert.doesNotMatch(tracker.errors(), /fail|fault|error/i);
    });
  }
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

// The environment compile.sh needs to find compiler and runtime.
async function compiler(): Promise<Record<string, string>> {
  const denort = Deno.env.get("DENORT_BIN");
  if (denort !== undefined) return { DENO: Deno.env.get("DENO") ?? Deno.execPath() };
  const { code, text } = await runProgram("bash", [DENORT_SCRIPT, `${ROOT}.cache/denort`]);
  assert.equal(code, 0, text);
  return Object.fromEntries([...text.matchAll(/^(DENO|DENORT_BIN)=(.+)$/gm)].map(([, name, path]) => [name!, path!]));
}

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
