/** An office without a tracker, and the side of a front that asks it. */
import { type FromOffice, STREAM_PIECE_BYTES, type ToOffice } from "../../src/office/messages.ts";
import { Office } from "../../src/office/office.ts";
import type { OfficePlugin } from "../../src/office/pages.ts";
import { Turn } from "../../src/office/turn.ts";
import { createPluginCounters } from "../../src/plugin/counters.ts";
import { createLife, Life } from "../../src/plugin/life.ts";
import { openSettings } from "../../src/plugin/settings.ts";
import { createClock } from "../../src/stats/clock.ts";
import { OfficeMemory } from "./office.ts";

/** A front's side of its port to an office. */
export class TestFront {
  readonly memory = new OfficeMemory(64);
  readonly clock = createClock();
  readonly #office: Office;
  #channel = new MessageChannel();
  readonly #turn = new Turn();
  readonly #pieces: FromOffice[] = [];
  #news: () => void = () => {};

  constructor(plugins: readonly OfficePlugin["plugin"][]) {
    const { memory } = this;
    this.#office = new Office({
      ...memory.source,
      counterRow: 1,
      clock: this.clock,
      statsPath: "stats",
      redirectUrl: null,
      plugins: { modules: new Map(), plugins: [] },
      statsNetworks: [],
      isFullScrapeOn: true,
      fullScrapeSeconds: 0,
      fullScrapeNetworks: [],
      pluginCounters: createPluginCounters(2),
      pluginNames: [],
      life: createLife(),
    }, {
      plugins: plugins.map((plugin) => ({
        plugin,
        context: { settings: openSettings({}) },
      })),
      life: new Life(),
      nowMs: () => 0,
      unixSecond: () => 1_700_000_000,
      breathe: this.#turn.breathe,
    });
    this.begin();
  }

  /** Is a front that has just been started, the first or one after it. The one before it says nothing more. */
  begin(): void {
    this.#channel = new MessageChannel();
    this.#office.serve(this.#channel.port1, 0);
    this.#channel.port2.onmessage = ({ data }) => {
      this.#pieces.push(data);
      this.#news();
    };
  }

  post(message: ToOffice, transfer: ArrayBuffer[] = []): void {
    this.#channel.port2.postMessage(message, transfer);
  }

  request(
    id: number,
    target: string,
    more: { keepAlive?: boolean; oldVersion?: boolean; address?: string; headers?: string } = {},
  ): void {
    const wish = { keepAlive: true, oldVersion: false, address: "192.0.2.1", headers: "", ...more };
    this.post({ type: "request", id, target, ...wish });
  }

  async piece(): Promise<FromOffice> {
    while (this.#pieces.length === 0) await new Promise<void>((resolve) => this.#news = resolve);
    return this.#pieces.shift()!;
  }

  /** Takes every piece of an answer, giving large buffers back as a front does. */
  async pieces(id: number): Promise<FromOffice[]> {
    const pieces = [await this.piece()];
    while (!pieces.at(-1)!.last) {
      const { buffer } = pieces.at(-1)!.bytes, isLarge = buffer.byteLength > STREAM_PIECE_BYTES;
      pieces[pieces.length - 1] = { ...pieces.at(-1)!, bytes: pieces.at(-1)!.bytes.slice() };
      this.post({ type: "next", id, spent: isLarge ? buffer : null }, isLarge ? [buffer] : []);
      pieces.push(await this.piece());
    }
    return pieces;
  }

  /** The office has a successor. Whether it has finished when it is asked a turn later. */
  async finishes(): Promise<boolean> {
    let hasFinished = false;
    void this.#office.finish().then(() => hasFinished = true);
    await this.idle();
    return hasFinished;
  }

  cutOff(): void {
    this.#office.cutOff();
  }

  /** Lets the office do whatever it would do unasked. */
  async idle(): Promise<number> {
    for (let i = 0; i < 200; i++) await this.#turn.breathe();
    return this.#pieces.length;
  }

  close(): void {
    this.#turn.close();
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
