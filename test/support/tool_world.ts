/** A world for the tools of the command line: what they print is kept, no tracker is asked, clocks stand still. */
import { run } from "../../src/cli/run.ts";
import { registerAnnounce } from "../../src/cli/announce.ts";
import { registerScrape } from "../../src/cli/scrape.ts";
import type { ToolRim } from "../../src/cli/tool_rim.ts";
import { registerTorrent } from "../../src/cli/torrent.ts";

/** What a command did. */
export interface ToolRun {
  readonly exitCode: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** Runs `args` as the program would, in a world of which `world` replaces parts. */
export async function runTool(args: readonly string[], world: Partial<ToolRim> = {}): Promise<ToolRun> {
  const out: string[] = [];
  const err: string[] = [];
  const noTracker = () => Promise.reject(new Error("this test asks no tracker"));
  const rim: ToolRim = {
    print: (line) => out.push(line),
    printError: (line) => err.push(line),
    redraw: null,
    now: () => 0,
    unixSeconds: () => 1_795_219_200,
    workers: 2,
    randomBytes: (length) => new Uint8Array(length).fill(0x61),
    askAnnounce: noTracker,
    askScrape: noTracker,
    catchStop: () => ({ signal: new AbortController().signal, exitCode: () => 130, release: () => {} }),
    ...world,
  };
  const entry = (register: ReturnType<typeof registerTorrent>) => ({
    summary: "",
    load: () => Promise.resolve({ register }),
  });
  const exitCode = await run(args, {
    torrent: entry(registerTorrent(rim)),
    announce: entry(registerAnnounce(rim)),
    scrape: entry(registerScrape(rim)),
  });
  return { exitCode, out: out.flatMap((text) => text.split("\n")), err: err.flatMap((text) => text.split("\n")) };
}

/** Runs `use` with a new folder, which is removed afterwards. */
export async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "tracker_test_" }));
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Writes a file, and the folders it is in. A text is written as UTF-8. */
export function put(path: string, content: string | Uint8Array): void {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeFileSync(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
}
