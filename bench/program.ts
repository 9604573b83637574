/**
 * The programs the benchmark starts: held to a core, watched through /proc, and stopped whatever happens. Linux only.
 */

/** How a program is run. */
export interface ProgramOptions {
  /** Cores it may run on, as taskset takes them ("0", "0,1"); every core if left out. */
  readonly cores?: string;
  readonly cwd?: string;
}

/** Clock ticks a second in /proc/PID/stat; the same on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;
const STOP_MS_MAX = 2000;
/** How much of what a program printed is kept, to show when it fails. */
const OUTPUT_CHARS_KEPT = 4000;

const running = new Set<Program>();

/** A started program. */
export class Program {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  #ended = false;
  #output = "";
  readonly #drained: Promise<unknown>;

  private constructor(name: string, child: Deno.ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#drained = Promise.all([this.#keepOutput(child.stdout), this.#keepOutput(child.stderr)]);
    child.status.then(() => {
      this.#ended = true;
      running.delete(this);
    });
    running.add(this);
  }

  /** Starts `command` (a path or a name on PATH), which is called `name` in errors. */
  static start(name: string, command: string, args: readonly string[], options: ProgramOptions = {}): Program {
    const pinned = options.cores === undefined ? [] : ["taskset", "-c", options.cores];
    const [program, ...rest] = [...pinned, command, ...args];
    const child = new Deno.Command(program, {
      args: rest,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    }).spawn();
    return new Program(name, child);
  }

  /** The end of what it printed so far. */
  get output(): string {
    return this.#output;
  }

  /** CPU time of all its threads since it was started, to 10 ms. Throws if it is gone. */
  cpuSeconds(): number {
    const stat = this.#readProc("stat");
    // After the name in brackets, which may hold spaces: state is field 3, utime 14 and stime 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Bytes it has written to files so far: what goes through sockets in messages is not among them. Throws if it is gone. */
  writtenBytes(): number {
    return Number(/^wchar: (\d+)$/m.exec(this.#readProc("io"))?.[1]);
  }

  /** Memory it has in RAM now. Throws if it is gone. */
  residentBytes(): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(this.#readProc("status"))?.[1]) * 1024;
  }

  /** Throws, with what it printed, if the program has ended. */
  checkRunning(): void {
    if (this.#ended) throw new Error(`${this.name} ended by itself. It printed:\n${this.#output}`);
  }

  /** Waits for its end. Returns the exit code; `output` is complete then. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#drained;
    return code;
  }

  /** SIGTERM, and SIGKILL if it does not go. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#child.status;
    clearTimeout(timer);
  }

  #readProc(file: string): string {
    this.checkRunning();
    return Deno.readTextFileSync(`/proc/${this.#child.pid}/${file}`);
  }

  async #keepOutput(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_KEPT);
    }
  }
}

/** Stops every program that still runs. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

/** Runs `command` to its end. Returns what it printed; throws that if it fails. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> {
  const program = Program.start(command, command, args, options);
  const code = await program.ended();
  if (code !== 0) throw new Error(`${command} failed with exit code ${code}:\n${program.output}`);
  return program.output;
}

/** Where on PATH `command` is; undefined if nowhere. */
export function findProgram(command: string): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.map((folder) => `${folder}/${command}`).find((path) => isFile(path));
}

/** Whether a file is at `path`. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
