/**
 * The office: answers what the fronts hand it, from counters and the store in shared memory. It has no socket, no file
 * and no permission; each front talks to it over a port of its own.
 */
import { type NetworkRange, NetworkSet } from "../access/networks.ts";
import { officeThread, pluginRow } from "../plugin/counters.ts";
import { type Life, markOf } from "../plugin/life.ts";
import type { PluginSet } from "../plugin/plugin_set.ts";
import { Clock } from "../stats/clock.ts";
import { COUNTER, counterRow } from "../stats/counters.ts";
import { type Piece, toPieces, toRequest } from "./envelope.ts";
import { TooSlow } from "./full_scrape_pace.ts";
import type { FromOffice, ToOffice } from "./messages.ts";
import { PageSlots } from "./page_slots.ts";
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
  /** What plugins' slots did: plugin/counters.ts. */
  readonly pluginCounters: SharedArrayBuffer;
  /** Every plugin that is on, by its row there. */
  readonly pluginNames: readonly (readonly [name: string, index: number])[];
  /** The number under which it takes locks in the store. */
  readonly storeOwner: number;
  /** Where it shows that it lives: plugin/life.ts. */
  readonly life: SharedArrayBuffer;
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
  /** Told which plugin the office is in. */
  readonly life: Life;
  /** Milliseconds on the monotonic clock. */
  readonly nowMs: () => number;
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
  readonly #breathe: () => Promise<void>;
  readonly #unixSecond: () => number;
  readonly #counters: Float64Array;
  readonly #life: Life;
  /** Answers that have not ended. */
  #open = 0;
  #onAnswered: () => void = () => {};
  /** By front: its port, and what it is being answered there. */
  readonly #fronts = new Map<number, { readonly port: MessagePort; readonly answers: Map<number, Answer> }>();

  constructor(start: OfficeStart, rim: OfficeRim) {
    const clock = new Clock(start.clock), { isFullScrapeOn: isOn, fullScrapeSeconds: seconds } = start;
    this.#unixSecond = rim.unixSecond;
    this.#counters = counterRow(start.counters, start.counterRow);
    this.#life = rim.life;
    this.#breathe = rim.breathe;
    const officeRow = (index: number) => pluginRow(start.pluginCounters, officeThread(start.fronts), index);
    const source = {
      ...start,
      second: () => clock.second,
      minute: () => Math.floor(clock.second / 60),
      unixMinute: () => Math.floor(rim.unixSecond() / 60),
      breathe: rim.breathe,
      takeRequestLog: () => start.statsNetworks.length > 0 ? this.#log.take() : null,
    };
    this.#pages = createPages(start, {
      snapshot: () => takeSnapshot(source),
      second: () => clock.second,
      counters: this.#counters,
      plugins: rim.plugins,
      slots: new PageSlots({
        life: rim.life,
        nowMs: rim.nowMs,
        slots: new Map(
          start.pluginNames.map(([name, index]) => [name, { row: officeRow(index), mark: markOf(index) }]),
        ),
      }),
      statsNetworks: new NetworkSet(start.statsNetworks),
      fullScrape: { isOn, seconds, networks: new NetworkSet(start.fullScrapeNetworks) },
    });
  }

  /**
   * Serves a front over its port. A port does not tell that its other end is gone, but a front comes with a new one when
   * it is started again: whoever was answered over the one before is gone with it.
   */
  serve(port: MessagePort, front: number): void {
    this.#leave(front);
    const answers = new Map<number, Answer>();
    this.#fronts.set(front, { port, answers });
    port.onmessage = async ({ data }: MessageEvent<ToOffice>) => {
      if (data.type === "log") {
        this.#log.add({ second: this.#unixSecond(), address: data.address, text: data.text });
        return port.postMessage({ id: data.id, ...end() } satisfies FromOffice);
      }
      if (data.type === "next" && data.spent !== null) this.#buffers.give(data.spent);
      if (data.type === "request") {
        this.#open++;
        answers.set(data.id, new Answer((gone) => this.#answer(data, gone)));
      }
      const answer = answers.get(data.id);
      if (answer === undefined) return;
      if (data.type === "abort") {
        answers.delete(data.id);
        this.#close();
        await answer.end();
        return port.postMessage({ id: data.id, ...end() } satisfies FromOffice);
      }
      const piece = await this.#nextPiece(answer);
      if (piece.last && answers.delete(data.id)) this.#close();
      // Its bytes are given away, not copied.
      port.postMessage({ id: data.id, ...piece } satisfies FromOffice, [piece.bytes.buffer]);
    };
  }

  /** Resolves when all that was begun is answered. For an office that has a successor: it gets no more. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswered = resolve;
      if (this.#open === 0) resolve();
    });
  }

  /** Ends what is not answered yet. Its connections end with it. */
  cutOff(): void {
    for (const { port, answers } of this.#fronts.values()) {
      for (const id of answers.keys()) port.postMessage({ id, ...end() } satisfies FromOffice);
      this.#drop(answers);
    }
  }

  #leave(front: number): void {
    const before = this.#fronts.get(front);
    if (before === undefined) return;
    before.port.close();
    this.#drop(before.answers);
  }

  #drop(answers: Map<number, Answer>): void {
    for (const [id, answer] of answers) {
      answers.delete(id);
      this.#close();
      void answer.end();
    }
  }

  // A body that fails while it is sent ends there, and with it the connection: its client sees that something is missing.
  async #nextPiece(answer: Answer): Promise<Piece> {
    try {
      return await answer.next() ?? end();
    } catch (error) {
      if (error instanceof TooSlow) this.#counters[COUNTER.tcpTimeouts]!++;
      else {
        console.error("office: a page failed while it was sent", error);
        this.#counters[COUNTER.faults]!++;
      }
      return end();
    }
  }

  #close(): void {
    if (--this.#open > 0) return;
    this.#life.end();
    this.#onAnswered();
  }

  async *#answer(message: ToOffice & { type: "request" }, gone: AbortSignal): AsyncGenerator<Piece> {
    const response = await this.#pages.fetch(toRequest(message), { address: message.address });
    yield* toPieces(response, message, { buffers: this.#buffers, breathe: this.#breathe, gone });
  }
}

// What ends an answer before its own last piece, and what needs none.
function end(): Piece {
  return { bytes: new Uint8Array(0), last: true, keepAlive: false };
}

/** One answer. Its next piece is made while the last is sent, no more. */
class Answer {
  readonly #pieces: AsyncGenerator<Piece>;
  readonly #gone = new AbortController();
  #ahead: Promise<IteratorResult<Piece, void>> | undefined;

  /** `make`: the pieces, and no more when nobody wants them. */
  constructor(make: (gone: AbortSignal) => AsyncGenerator<Piece>) {
    this.#pieces = make(this.#gone.signal);
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
    // A piece that is being made would be waited for.
    this.#gone.abort();
    try {
      await this.#pieces.return(undefined);
    } catch {
      // A body that fails as it is given up fails nobody.
    }
  }
}
