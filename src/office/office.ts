/**
 * The office: answers what the fronts hand it, from counters and the store's totals in shared memory. It has no socket,
 * no file and no permission; each front talks to it over a port of its own.
 */
import { Clock } from "../stats/clock.ts";
import { counterRow, sumCounters } from "../stats/counters.ts";
import { readTotals } from "../swarm/totals.ts";
import { type Piece, toPieces, toRequest } from "./envelope.ts";
import type { FromOffice, ToOffice } from "./messages.ts";
import type { StatsSnapshot } from "./opentracker_stats.ts";
import { createPages, type PagesSettings } from "./pages.ts";

/** What the office is started with. */
export interface OfficeStart extends PagesSettings {
  readonly arena: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  /** The office's own row of counters. */
  readonly counterRow: number;
  readonly clock: SharedArrayBuffer;
  readonly peerAgeMinutesMax: number;
  readonly trackerId: number;
  readonly version: string;
}

type Pages = { fetch(request: Request): Response | Promise<Response> };

/** The office of one tracker. */
export class Office {
  readonly #pages: Pages;

  constructor(start: OfficeStart) {
    const words = new Int32Array(start.arena), clock = new Clock(start.clock);
    const snapshot = (): StatsSnapshot => ({
      counters: sumCounters(start.counters),
      totals: readTotals(words),
      uptimeSeconds: clock.second,
      peerAgeMinutesMax: start.peerAgeMinutesMax,
      trackerId: start.trackerId,
      version: start.version,
    });
    this.#pages = createPages(start, { snapshot, counters: counterRow(start.counters, start.counterRow) });
  }

  /** Serves one front over its port. */
  serve(port: MessagePort): void {
    const answers = new Map<number, AsyncGenerator<Piece>>();
    port.onmessage = async ({ data }: MessageEvent<ToOffice>) => {
      if (data.type === "request") answers.set(data.id, this.#answer(data));
      const answer = answers.get(data.id);
      if (answer === undefined) return;
      if (data.type === "abort") {
        answers.delete(data.id);
        await answer.return(undefined);
        return;
      }
      const { value, done } = await answer.next();
      if (done || value.last) answers.delete(data.id);
      if (!done) port.postMessage({ id: data.id, ...value } satisfies FromOffice);
    };
  }

  async *#answer(message: ToOffice & { type: "request" }): AsyncGenerator<Piece> {
    const request = toRequest(message);
    const response = request === null
      ? new Response("<title>Invalid Request</title>\n", { status: 400, headers: { "content-type": "text/html" } })
      : await this.#pages.fetch(request);
    yield* toPieces(response, message);
  }
}
