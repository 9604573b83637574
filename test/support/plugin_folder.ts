/** A tracker in the test's own process with a folder of plugins, and what it logs. */
import type { HostLimits } from "../../src/plugin/host_messages.ts";
import { type Kind, startApp, type TestApp } from "./app.ts";

/** A running tracker with plugins. */
export interface PluginApp extends TestApp {
  /** Where the plugins' folder and the files of the test are. */
  readonly folder: string;
  /** Lines logged so far. */
  readonly logged: readonly string[];
  /** Writes a file of the folder. */
  write(path: string, text: string): void;
  /** Resolves when a line of the log has matched. */
  untilLogged(pattern: RegExp): Promise<string>;
}

/** Starts a tracker with `files`, by their path from a new folder; plugins lie in `plugins/`. Rejects as startApp(). */
export async function startWithPlugins(
  kind: Kind,
  files: Readonly<Record<string, string>>,
  config: (folder: string) => string = () => "",
  limits?: Partial<HostLimits>,
): Promise<PluginApp> {
  const folder = Deno.makeTempDirSync({ prefix: "waggle_plugins_" });
  Deno.mkdirSync(`${folder}/plugins`);
  const write = (path: string, text: string) => Deno.writeTextFileSync(`${folder}/${path}`, text);
  for (const [path, text] of Object.entries(files)) write(path, text);
  const log = new LogWatch();
  try {
    const tracker = await startApp(kind, `plugins.dir ${folder}/plugins\n${config(folder)}`, undefined, limits);
    return {
      ...tracker,
      folder,
      logged: log.lines,
      write,
      untilLogged: (pattern) => log.until(pattern),
      [Symbol.asyncDispose]: async () => {
        await tracker[Symbol.asyncDispose]();
        log.end();
        Deno.removeSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    log.end();
    Deno.removeSync(folder, { recursive: true });
    throw error;
  }
}

/** Listens to the console. */
class LogWatch {
  readonly lines: string[] = [];
  readonly #log = console.log;
  readonly #error = console.error;
  #waiting: { pattern: RegExp; resolve: (line: string) => void }[] = [];

  constructor() {
    console.log = console.error = (...words: unknown[]) => this.#take(words.join(" "));
  }

  until(pattern: RegExp): Promise<string> {
    const line = this.lines.find((line) => pattern.test(line));
    return line !== undefined
      ? Promise.resolve(line)
      : new Promise((resolve) => this.#waiting.push({ pattern, resolve }));
  }

  end(): void {
    console.log = this.#log;
    console.error = this.#error;
  }

  #take(line: string): void {
    this.lines.push(line);
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      if (!pattern.test(line)) return true;
      resolve(line);
      return false;
    });
  }
}
