/**
 * Reads the options of `serve` strictly from left to right, as opentracker does: `-i` counts for the `-p`, `-P` and
 * `-s` after it, `-f` runs the file where it stands, a later value replaces an earlier one. Prints nothing; files come
 * from the function handed in.
 */
import { formatAddress, parseIp, parsePort, PORT_MAX } from "../config/address.ts";
import { badValue, type Config, ConfigDraft, type Problem } from "../config/config.ts";
import { CONFIG_FILE_BYTES_MAX, type ConfigFile } from "../config/read.ts";

/** One option as it stood on the command line. */
export interface Step {
  readonly letter: string;
  /** Its argument; empty when it takes none. */
  readonly text: string;
}

/** What a command line comes to. */
export type Outcome =
  | { readonly kind: "serve"; readonly config: Config }
  | { readonly kind: "help" | "version" }
  /** usage: an option is at fault. refused: a config file is. */
  | { readonly kind: "usage" | "refused"; readonly sentence: string };

/** Gives the text of a config file. */
export type ReadFile = (path: string) => ConfigFile;

/** opentracker's `-i` before the first one: every address of the machine. */
const ANY_ADDRESS = "::";

/** Reads `steps` up to the first that ends it: a problem, `-h` or `-v`. `warnings`: lines for the operator. */
export function readSteps(
  steps: readonly Step[],
  readFile: ReadFile,
): { readonly outcome: Outcome; readonly warnings: readonly string[] } {
  const reader = new StepReader(readFile);
  for (const step of steps) {
    const outcome = reader.read(step);
    if (outcome !== null) return { outcome, warnings: reader.draft.warnings };
  }
  const { draft } = reader, refusal = refuse("refused", draft.checkNeeds());
  return { outcome: refusal ?? { kind: "serve", config: draft.finish() }, warnings: draft.warnings };
}

class StepReader {
  readonly draft = new ConfigDraft();
  readonly #readFile: ReadFile;
  #listenAddress = ANY_ADDRESS;

  constructor(readFile: ReadFile) {
    this.#readFile = readFile;
  }

  /** Returns an outcome when the step ends the reading. */
  read({ letter, text }: Step): Outcome | null {
    switch (letter) {
      case "h":
        return { kind: "help" };
      case "v":
        return { kind: "version" };
      case "f":
        return refuse("refused", this.#runFile(text));
      case "i":
        return refuse("usage", this.#setListenAddress(text));
      case "p":
      case "P":
      case "s":
        return refuse("usage", this.#usePort(letter, text));
      case "state-repair":
        return refuse("usage", this.draft.applyOption(letter, "on"));
      default:
        return refuse("usage", this.draft.applyOption(letter, text));
    }
  }

  #runFile(path: string): Problem | null {
    const file = this.#readFile(path);
    switch (file.kind) {
      case "text":
        return this.draft.applyFile(path, file.text);
      case "unreadable":
        this.draft.warn(`Warning: Can't open config file: ${path}.`);
        return null;
      case "forbidden":
        // Without its config it would serve everybody, which nobody has asked for.
        return badValue("-f", "a file outside of /dev, /proc and /sys, which this program may not touch", path);
      case "too_big":
        return { sentence: `Cannot start: a config file must be at most ${CONFIG_FILE_BYTES_MAX} bytes (${path})` };
    }
  }

  #setListenAddress(text: string): Problem | null {
    const ip = parseIp(text);
    if (ip === null) return badValue("-i", "an IP address", text);
    this.#listenAddress = ip;
    this.draft.setDefaultAddress(ip);
    return null;
  }

  #usePort(letter: "p" | "P" | "s", text: string): Problem | null {
    const port = parsePort(text);
    if (port === null) return badValue(`-${letter}`, `a port from 0 to ${PORT_MAX}`, text);
    const address = { address: this.#listenAddress, port };
    if (letter === "s") return this.draft.applyOption(letter, formatAddress(address));
    return this.draft.addListener(letter === "p" ? "tcp" : "udp", address);
  }
}

function refuse(kind: "usage" | "refused", problem: Problem | null): Outcome | null {
  return problem === null ? null : { kind, sentence: problem.sentence };
}
