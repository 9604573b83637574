/**
 * The office: answers what the fronts hand it, from counters and the store in shared memory. It has no socket, no file
 * and no permission; each front talks to it over a port of its own.
 */
import { type NetworkRange, NetworkSet } from "../access/networks.ts";
import type { PluginSet } from "../plugin/plugin_set.ts";
import { Clock } from "../stats/clock.ts";
import { counterRow } from "../stats/counters.ts";
import { type Piece, toPieces, toRequest } from "./envelope.ts";
import type { FromOffice, ToOffice } from "./messages.ts";
import { createPages, type OfficePlugin, type PagesSettings } from "./pages.ts";
import { PieceBuffers } from "./piece_buffers.ts";
import { RequestLog } from "./request_log.ts";
import { takeSnapshot } from "./snapshot.ts";

/** What the office is started with. */
export interface OfficeStart extends PagesSettings {
  readonly arena: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** The office's own row of counters. */
  readonly counterRow: number;
  readonly clock: SharedArrayBuffer;
  /** Tables of busy networks, and how many fronts write them. */
  readonly networks: SharedArrayBuffer;
  readonly fronts: number;
  readonly peerAgeMinutesMax: number;
  readonly trackerId: number;
  readonly version: string;
  /** Plugins with pages; its thread loads them. */
  readonly plugins: PluginSet;
  /** Who may see figures; none = everyone. */
  readonly statsNetworks: readonly NetworkRange[];
  /** What full_scrape_gate.ts goes by. */
  readonly isFullScrapeOn: boolean;
  readonly fullScrapeSeconds: number;
  readonly fullScrapeNetworks: readonly NetworkRange[];
}

/** What the office is handed by its thread. */
export interface OfficeRim {
  readonly plugins: readonly OfficePlugin[];
  /** Seconds since 1970. */
  readonly unixSecond: () => number;
  /** Lets messages that have come be handled. */
  readonly breathe: () => Promise<void>;
}

/** The office of one tracker. */
export class Office {
  readonly #pages: ReturnType<typeof createPages>;
  readonly #log = new RequestLog();
  readonly #buffers = new PieceBuffers();
  readonly #unixSecond: () => number;

  constructor(start: OfficeStart, rim: OfficeRim) {
    const clock = new Clock(start.clock), { isFullScrapeOn: isOn, fullScrapeSeconds: seconds } = start;
    this.#unixSecond = rim.unixSecond;
    const source = {
      ...start,
      second: () => clock.second,
      minute: () => Math.floor(clock.second / 60),
      unixMinute: () => Math.floor(rim.unixSecond() / 60),
      breathe: rim.breathe,
      takeRequestLog: () => this.#log.take(),
    };
    this.#pages = createPages(start, {
      snapshot: () => takeSnapshot(source),
      second: () => clock.second,
      counters: counterRow(start.counters, start.counterRow),
      plugins: rim.plugins,
      statsNetworks: new NetworkSet(start.statsNetworks),
      fullScrape: { isOn, seconds, networks: new NetworkSet(start.fullScrapeNetworks) },
    });
  }

  /** Serves one front over its port. */
  serve(port: MessagePort): void {
    const answers = new Map<number, Answer>();
    port.onmessage = async ({ data }: MessageEvent<ToOffice>) => {
      if (data.type === "log") {
        this.#log.add({ second: this.#unixSecond(), address: data.address, text: data.text });
        return;
      }
      if (data.type === "next" && data.spent !== null) this.#buffers.give(data.spent);
      if (data.type === "request") answers.set(data.id, new Answer(this.#answer(data)));
      const answer = answers.get(data.id);
      if (answer === undefined) return;
      if (data.type === "abort") {
        answers.delete(data.id);
        await answer.end();
        return;
      }
      const piece = await answer.next();
      if (piece === null || piece.last) answers.delete(data.id);
      // Its bytes are given away, not copied.
      if (piece !== null) port.postMessage({ id: data.id, ...piece } satisfies FromOffice, [piece.bytes.buffer]);
    };
  }

  async *#answer(message: ToOffice & { type: "request" }): AsyncGenerator<Piece> {
    const request = toRequest(message);
    const response = request === null
      ? new Response("<title>Invalid Request</title>\n", { status: 400, headers: { "content-type": "text/html" } })
      : await this.#pages.fetch(request, { address: message.address });
    yield* toPieces(response, message, this.#buffers);
  }
}

/** One answer. Its next piece is made while the last is sent, no more. */
class Answer {
  readonly #pieces: AsyncGenerator<Piece>;
  #ahead: Promise<IteratorResult<Piece, void>> | undefined;

  constructor(pieces: AsyncGenerator<Piece>) {
    this.#pieces = pieces;
  }

  /** The next piece, or null when there is none. */
  async next(): Promise<Piece | null> {
    const { value, done } = await (this.#ahead ?? this.#pieces.next());
    this.#ahead = undefined;
    if (done) return null;
    if (!value.last) {
      this.#ahead = this.#pieces.next();
      // Whoever asks for the next piece hears of it.
      this.#ahead.catch(() => {});
    }
    return value;
  }

  async end(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}
