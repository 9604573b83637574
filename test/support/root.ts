/** Trackers that are started as root and give it up: programs and folders that another user can read. */
import assert from "node:assert/strict";
import { runProgram } from "./programs.ts";
import { commandFromSource, freePort } from "./tracker_process.ts";

/** Why nothing can be given up here; null = the tests run as root on Linux. */
export const NOT_ROOT: string | null = Deno.build.os !== "linux"
  ? `this machine is ${Deno.build.os}`
  : Deno.uid() !== 0
  ? "needs root"
  : null;

/** The user these trackers become: `nobody`, whose number is the same everywhere. */
export const NOBODY = 65534;

/** Ports that only root may bind, above those of well-known programs. */
const LOW_PORT_MIN = 600, LOW_PORT_END = 1024;

/** A test for root alone; elsewhere it is skipped and says why. */
export function testAsRoot(name: string, test: (context: Deno.TestContext) => Promise<void>): void {
  if (NOT_ROOT === null) Deno.test(name, test);
  else Deno.test.ignore(`${name} (${NOT_ROOT})`, test);
}

/** A folder of `mode` that others may enter, as root's own temporary folders are not. */
export function makeOpenFolder(prefix: string, mode = 0o755): string {
  const folder = Deno.makeTempDirSync({ prefix });
  Deno.chmodSync(folder, mode);
  return Deno.realPathSync(folder);
}

/**
 * `command`, an executable, as a user that is not root, who is given `folder` and what is in it: one that root starts is
 * confined to the folder it runs in. Unchanged where nobody is root, and for trackers from source, which stay root.
 */
export function asOrdinaryUser(command: readonly string[], folder?: string): readonly string[] {
  if (NOT_ROOT !== null || command[0] === Deno.execPath()) return command;
  const paths = folder === undefined
    ? []
    : [folder, ...[...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)];
  for (const path of paths) Deno.chownSync(path, NOBODY, NOBODY);
  return asNobody(command);
}

/** `command` as `nobody`, for root. */
export function asNobody(command: readonly string[]): readonly string[] {
  return ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--", ...command];
}

/** The program's sources and the packages it needs, copied where everybody can read them. */
export class OpenSources implements Disposable {
  readonly folder = makeOpenFolder("waggle_sources_");

  /** Copies them. */
  static async copy(): Promise<OpenSources> {
    const sources = new OpenSources(), { folder } = sources;
    const root = new URL("../../", import.meta.url).pathname, program = `${folder}/program`, cache = `${folder}/cache`;
    const names = ["main.ts", "src", "plugins", "deno.json", "deno.lock"].map((name) => `${root}${name}`);
    const lock = JSON.parse(Deno.readTextFileSync(`${root}deno.lock`)) as { npm: Readonly<Record<string, unknown>> };
    // `name@version`, where a name may begin with @.
    const packages = Object.keys(lock.npm).map((key) => key.slice(0, key.indexOf("@", 1)));
    const { npmCache } = JSON.parse((await run(Deno.execPath(), "info", "--json")).text) as { npmCache: string };
    const [registry] = [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory);
    const from = `${npmCache}/${registry!.name}`, to = `${cache}/npm/${registry!.name}`;
    for (const path of [program, to]) Deno.mkdirSync(path, { recursive: true });
    await run("cp", "-r", ...names, program);
    await run("cp", "-r", ...packages.map((name) => `${from}/${name}`), to);
    await run("chmod", "-R", "a+rX", folder);
    return sources;
  }

  /** What starts the tracker from these sources. */
  get command(): readonly string[] {
    const root = new URL("../../", import.meta.url).pathname;
    return commandFromSource().map((word) => word.replace(root, `${this.folder}/program/`));
  }

  /** What it needs in its environment. */
  get env(): Readonly<Record<string, string>> {
    return { DENO_DIR: `${this.folder}/cache` };
  }

  /** Makes the sources readable at the same paths inside `jail`, as the same files. */
  async putInto(jail: string): Promise<void> {
    Deno.mkdirSync(`${jail}${this.folder}`, { recursive: true });
    await run("cp", "-al", `${this.folder}/.`, `${jail}${this.folder}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** What the system says of every thread of process `pid`: `uid gid groups capabilities no_new_privs`, each once. */
export function privilegesOf(pid: number): string[] {
  const threads = readEach(`/proc/${pid}/task`, (thread) => {
    const status = Deno.readTextFileSync(`${thread}/status`);
    const field = (key: string) =>
      new RegExp(`^${key}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(status)![1]!.replaceAll("\t", ",");
    const capabilities = BigInt(`0x${field("CapPrm")}`) | BigInt(`0x${field("CapEff")}`);
    return `${field("Uid")} ${field("Gid")} groups=${field("Groups")} ${capabilities} ${field("NoNewPrivs")}`;
  });
  assert.ok(threads.length > 3, `${threads.length} threads`);
  return [...new Set(threads)];
}

/** Every thread of a tracker that has become `uid` of group `gid`, in the form of privilegesOf(). */
export function onlyUser(uid: number, gid = uid): string[] {
  const four = (id: number) => Array(4).fill(id).join(",");
  return [`${four(uid)} ${four(gid)} groups= 0 1`];
}

/** A port that only root may bind, and that nobody has; another one each time, as tests run beside each other. */
export function freeLowPort(): number {
  return freePort(LOW_PORT_MIN, LOW_PORT_END);
}

/** Folders that process `pid` has open. */
export function openFolders(pid: number): string[] {
  return readEach(`/proc/${pid}/fd`, Deno.readLinkSync).filter((path) => path.startsWith("/") && isFolder(path));
}

// What `read` makes of each path in `folder` of /proc. Threads may end and files be closed while they are looked through.
function readEach(folder: string, read: (path: string) => string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name }) => {
    try {
      return [read(`${folder}/${name}`)];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || String(error).includes("No such process")) return [];
      throw error;
    }
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function run(command: string, ...args: string[]): Promise<{ text: string }> {
  const { code, text } = await runProgram(command, args);
  assert.equal(code, 0, text);
  return { text };
}
