/**
 * What the tracker is told to do, and how it is put together from command-line options and config files in the order
 * they come: later values replace earlier ones, repeatable ones add up, listeners take the `listen.udp.workers` in
 * force. Pure: reads no file and prints nothing. An operator's mistake comes back as a `Problem`, never as a throw.
 */
import type { Address } from "./address.ts";
import { type ListenKind, readValue, type Value } from "./kind.ts";
import { type ConfigLine, LINE_CHARS_MAX, parseConfigText } from "./parse.ts";
import { PORT_DEFAULT } from "./row.ts";
import { rowOf, SETTING_KEYS, type SettingKey, type Settings } from "./schema.ts";

/** One address to answer on. */
export interface Listener {
  readonly protocol: "tcp" | "udp";
  /** Textual IP, no brackets. */
  readonly address: string;
  /** 0 = chosen by the kernel. */
  readonly port: number;
  /** `listen.udp.workers` in force where it was named; 0 = not set. */
  readonly udpWorkers: number;
  /** Connections begin with a header of the PROXY protocol. */
  readonly proxyProtocol?: true;
}

/** `plugin.NAME.KEY VALUE`, not yet checked. */
export interface PluginLine {
  readonly plugin: string;
  /** Empty for `plugin.NAME on` and `off`. */
  readonly key: string;
  readonly text: string;
  /** File and line, for messages. */
  readonly place: string;
}

/** Everything a run needs to know. */
export interface Config {
  /** In the order they were named. Empty = the default: [::]:6969, TCP and UDP. */
  readonly listeners: readonly Listener[];
  readonly settings: Settings;
  /** Settings that an option or a file names, and the file and line of it if any; the others have their defaults. */
  readonly given: ReadonlyMap<SettingKey, string | undefined>;
  /** Lines for plugins, in their order. What they may say is known when the plugins are. */
  readonly pluginLines: readonly PluginLine[];
  /** The last config file that was run; null = none. */
  readonly configFile: string | null;
  /** Lines for the operator, to be printed before the start. */
  readonly warnings: readonly string[];
}

/** Why the start has to stop: one sentence that names the setting, its value and the wish. */
export interface Problem {
  readonly sentence: string;
  /** True of one in a line for a plugin: known late, when plugins have been looked at, which may be at fault as well. */
  readonly isMistake?: true;
}

/** Most listeners: each is a socket in every front. */
export const LISTENERS_MAX = 64;

/** Most values of one repeatable setting (opentracker: 64 networks in all, the rest dropped without a word). */
export const REPEATS_MAX = 1024;

/** Most characters of a bad value that are shown. */
const SHOWN_CHARS_MAX = 100;

/** What lines for plugins begin with: opentracker has none, so its patience with lines it does not know is not owed. */
const PLUGIN_LINE_BEGINS = "plugin.";

/** Clients are told an interval up to this much longer than the setting. */
const JITTER_PERCENT = 10;

/** A config in the making: feed it options and files in their order, then `finish()`. */
export class ConfigDraft {
  readonly #values = new Map<SettingKey, Value | readonly Value[] | null>();
  readonly #given = new Map<SettingKey, string | undefined>();
  readonly #listeners: Listener[] = [];
  readonly #warnings: string[] = [];
  readonly #pluginLines: PluginLine[] = [];
  #configFile: string | null = null;
  #defaultAddress: string | null = null;

  /** Starts from the defaults. */
  constructor() {
    for (const key of SETTING_KEYS) {
      const row = rowOf(key);
      if (row.kind !== "listen") this.#values.set(key, row.default);
    }
  }

  /** The warnings so far. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Adds a line for the operator. */
  warn(line: string): void {
    this.#warnings.push(line);
  }

  /** Runs the text of a config file. `file`: its name, for messages. Stops at the first problem. */
  applyFile(file: string, fileText: string): Problem | null {
    this.#configFile = file;
    for (const line of parseConfigText(fileText)) {
      const problem = this.#applyLine(line, `${file} line ${line.lineNumber}`);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Sets every setting that names the command-line option `letter`. */
  applyOption(letter: string, text: string): Problem | null {
    const keys = SETTING_KEYS.filter((key) => rowOf(key).option === letter);
    for (const key of keys) {
      const problem = this.#apply(key, text, `-${letter}`);
      if (problem !== null) return problem;
    }
    if (keys.every((key) => rowOf(key).status === "later")) this.#warnNotYet(`-${letter}`);
    return null;
  }

  /** Opens a listener with the `listen.udp.workers` now in force. `place`: file and line, if any. */
  addListener(
    protocol: "tcp" | "udp",
    { address, port }: Address,
    place?: string,
    proxyProtocol?: true,
  ): Problem | null {
    if (this.#listeners.length === LISTENERS_MAX) {
      const sentence = `Cannot start: there must be at most ${LISTENERS_MAX} listeners, and there are more`;
      return { sentence: sentence + formatPlace(place) };
    }
    const udpWorkers = this.#values.get("listen.udp.workers") as number;
    this.#listeners.push({ protocol, address, port, udpWorkers, ...(proxyProtocol && { proxyProtocol }) });
    return null;
  }

  /** Moves the default listeners, which are opened when no other is, to `address`. */
  setDefaultAddress(address: string): void {
    this.#defaultAddress = address;
  }

  /** What the settings lack of one another, or null. To be asked at the end: the order they come in is free. */
  checkNeeds(): Problem | null {
    if (this.#values.get("tracker.history") !== true || this.#values.get("tracker.state") !== null) return null;
    return { sentence: "Cannot start: tracker.history needs tracker.state, and that is not set" };
  }

  /** The config. Call it once, at the end. */
  finish(): Config {
    if (this.#listeners.length === 0 && this.#defaultAddress !== null) {
      this.addListener("tcp", { address: this.#defaultAddress, port: PORT_DEFAULT });
      this.addListener("udp", { address: this.#defaultAddress, port: PORT_DEFAULT });
    }
    // The map holds every key with a value of its row's kind: the constructor and #apply see to it.
    const given = Object.fromEntries(this.#values) as unknown as Settings;
    const numwant = Math.min(given["tracker.numwant"], given["tracker.numwant_max"]);
    const settings: Settings = { ...given, "tracker.numwant": numwant };
    this.#warnOfShortTimeout(settings);
    const pluginLines = this.#pluginLines, configFile = this.#configFile, warnings = this.#warnings;
    return { listeners: this.#listeners, settings, given: this.#given, pluginLines, configFile, warnings };
  }

  #applyLine(line: ConfigLine, place: string): Problem | null {
    switch (line.kind) {
      case "setting": {
        const problem = this.#apply(line.key, line.text, line.key, place);
        if (problem === null && rowOf(line.key).status === "later") this.#warnNotYet(line.key, place);
        return problem;
      }
      case "plugin":
        this.#pluginLines.push({ plugin: line.plugin, key: line.key, text: line.text, place });
        return null;
      case "unhandled":
        // A plugin that guards the tracker would stay off, and the tracker be open to everybody.
        if (line.text.startsWith(PLUGIN_LINE_BEGINS)) {
          return badValue("a line for a plugin", "plugin.NAME.KEY VALUE, or plugin.NAME on or off", line.text, place);
        }
        this.warn(`Unhandled line in config file: ${line.text} (${place})`);
        return null;
      case "too_long":
        return {
          sentence:
            `Cannot start: a line must be at most ${LINE_CHARS_MAX} characters, and is ${line.chars} (${place})`,
        };
    }
  }

  /** `name`: what the operator called it, a key or an option. */
  #apply(key: SettingKey, text: string, name: string, place?: string): Problem | null {
    const row = rowOf(key);
    const reading = readValue(row, text);
    if ("wish" in reading) return badValue(name, reading.wish, text, place);
    this.#given.set(key, place);
    if (row.kind === "listen") return this.#listen(row, reading.value as Address, place);
    if (row.kind !== "network") {
      this.#values.set(key, reading.value);
      return null;
    }
    const values = this.#values.get(key) as readonly Value[];
    if (values.length === REPEATS_MAX) return badValue(name, `given at most ${REPEATS_MAX} times`, text, place);
    this.#values.set(key, [...values, reading.value]);
    return null;
  }

  #listen({ protocols, proxyProtocol }: ListenKind, address: Address, place?: string): Problem | null {
    for (const protocol of protocols) {
      const problem = this.addListener(protocol, address, place, proxyProtocol);
      if (problem !== null) return problem;
    }
    return null;
  }

  #warnNotYet(name: string, place?: string): void {
    this.warn(`${name} is not yet supported and has no effect${formatPlace(place)}`);
  }

  #warnOfShortTimeout(settings: Settings): void {
    const timeoutMinutes = settings["tracker.peer_timeout"];
    const intervalSeconds = settings["tracker.interval"];
    if (timeoutMinutes * 60 * 100 >= intervalSeconds * (100 + JITTER_PERCENT)) return;
    this.warn(
      `tracker.peer_timeout is ${timeoutMinutes} minutes and tracker.interval ${intervalSeconds} seconds: ` +
        "peers are forgotten before they announce again",
    );
  }
}

/** The problem of a bad value. `name`: setting or option. `wish`: follows "must be". `place`: file and line, if any. */
export function badValue(name: string, wish: string, text: string, place?: string): Problem {
  return { sentence: `Cannot start: ${name} must be ${wish}, and is ${quote(shorten(text))}${formatPlace(place)}` };
}

/** The beginning of a text that an operator wrote, for a sentence. */
export function shorten(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}

// As JSON, and without the control characters that JSON leaves as they are.
function quote(text: string): string {
  return JSON.stringify(text).replace(/\p{Cc}/gu, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
}

/** `(file line 3)` with a blank before it, or nothing. */
export function formatPlace(place: string | undefined): string {
  return place === undefined ? "" : ` (${place})`;
}
