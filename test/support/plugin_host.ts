/**
 * Runs a plugin's slots in a test: a whole tracker without sockets or threads, so that what is asked is a request and
 * what is checked is the reply a client gets.
 */
import type { AccessListBuilder, AccessLists, HostContext, Plugin } from "../../src/plugin/api.ts";
import { AccessSets } from "../../src/access/access_sets.ts";
import { ListWriter } from "../../src/access/list_writer.ts";
import { ConfigDraft } from "../../src/config/config.ts";
import { choosePlugin } from "../../src/config/plugin_settings.ts";
import { createPluginCounters, PLUGIN_COUNTER, pluginRow } from "../../src/plugin/counters.ts";
import { openSettings } from "../../src/plugin/settings.ts";
import { Gate } from "../../src/tracker/gate.ts";
import { HttpCounter, newTracker, UdpCounter } from "./tracker.ts";

/** A plugin with a tracker around it. */
export class PluginUnderTest {
  readonly tracker = newTracker();
  readonly gate: Gate;
  readonly http: HttpCounter;
  readonly udp: UdpCounter;
  readonly row = pluginRow(createPluginCounters(1), 0, 0);
  readonly context: HostContext;
  /** What the plugin logged. */
  readonly logged: string[] = [];
  /** Milliseconds of the clock that times slots; a slot may move it. */
  nowMs = 0;
  readonly #plugin: Plugin;
  readonly #published = new Map<"allow" | "deny", SharedArrayBuffer>();

  /** `config`: lines as in a config file. Throws the sentence an operator would read. */
  constructor(plugin: Plugin, config = "") {
    const draft = new ConfigDraft(), problem = draft.applyFile("test.conf", config);
    if (problem !== null) throw new Error(problem.sentence);
    const { pluginLines, settings } = draft.finish();
    const { name, settings: schema = {} } = plugin;
    const choice = choosePlugin({ name, origin: "folder", settings: schema }, pluginLines, settings);
    if ("sentence" in choice) throw new Error(choice.sentence);
    this.context = {
      settings: openSettings(choice.values),
      announcesLost: 0,
      log: (line) => this.logged.push(line),
    };
    plugin.prepare?.(this.context);
    this.#plugin = plugin;
    this.gate = new Gate(this.tracker, () => this.nowMs);
    this.gate.swap([{ plugin, row: this.row, mark: 1 }]);
    this.tracker.gate = this.gate;
    this.http = new HttpCounter(this.tracker);
    this.udp = new UdpCounter(this.tracker);
  }

  /** The reply to a GET of `target`, one character a byte. */
  get(target: string, { address = "192.0.2.1", headers = "" } = {}): string {
    const request = Uint8Array.from(`GET ${target} HTTP/1.1\r\n${headers}\r\n`, (c) => c.charCodeAt(0));
    return new TextDecoder("latin1").decode(this.http.ask(request, address).reply);
  }

  /** The reply to an announce of the torrent whose hash is 20 times `letter`. */
  announce(letter: string, rest = "", from: { address?: string; headers?: string; path?: string } = {}): string {
    return this.get(`${from.path ?? "/announce"}?info_hash=${letter.repeat(20)}&port=6881&left=1${rest}`, from);
  }

  /** The reply to a UDP announce with BEP 41 URL data, as bytes. */
  announceUdp(letter: string, urlData = "", address = "192.0.2.1"): Uint8Array {
    const packet = new Uint8Array(100 + urlData.length), view = new DataView(packet.buffer);
    packet.set(this.udp.connect(address));
    view.setUint32(8, 1);
    packet.fill(letter.charCodeAt(0), 16, 36);
    view.setUint32(92, -1);
    view.setUint16(96, 6881);
    packet.set([2, urlData.length], 98);
    packet.set(new TextEncoder().encode(urlData), 100);
    return this.udp.ask(packet, address);
  }

  /** Has the plugin load its lists, and puts them into force. */
  async loadLists(): Promise<void> {
    await this.#writer.together(() => this.#plugin.accessList?.(this.lists, this.context));
  }

  readonly #writer = new ListWriter(Int32Array.of(1, 2), (lists) => {
    for (const { kind, memory } of lists) this.#published.set(kind, memory);
    const of = (wanted: "allow" | "deny") => [this.#published.get(wanted) ?? []].flat();
    this.gate.access.swap({ allow: of("allow"), deny: of("deny") });
  });
  /** The lists as the plugin's host hands them. */
  readonly lists: AccessLists = this.#writer satisfies { begin(kind: "allow", expected: number): AccessListBuilder };

  /** Numbers of the plugin by name. */
  count(name: keyof typeof PLUGIN_COUNTER): number {
    return this.row[PLUGIN_COUNTER[name]]!;
  }

  /** A view of the lists in force. */
  get access(): AccessSets {
    return this.gate.access;
  }
}
