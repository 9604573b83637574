/**
 * Every page that is neither announce nor scrape, as a Hono app: a Request in, a Response out, no socket anywhere. What
 * the pages show comes from plugins; here is who may see it, and what is counted. The client's address comes with the
 * request, because nothing here knows of connections.
 */
import { type Context, Hono } from "hono";
import type { NetworkSet } from "../access/networks.ts";
import type { PageBody, Plugin, PluginContext, StatsSnapshot } from "../plugin/api.ts";
import { COUNTER, HTTP_ERROR } from "../stats/counters.ts";
import { chooseEncoding, compress } from "./compress.ts";
import { FullScrapeGate, type FullScrapeRules } from "./full_scrape_gate.ts";
import { watchFullScrape } from "./full_scrape_pace.ts";
import { PageFault, PageSlots } from "./page_slots.ts";

/** What the pages need of the tracker. */
export interface PagesSettings {
  /** Path of the stats without its first slash. */
  readonly statsPath: string;
  /** Where `/` sends a browser; null = nowhere. */
  readonly redirectUrl: string | null;
}

/** A plugin that the office serves. */
export interface OfficePlugin {
  readonly plugin: Pick<Plugin, "name" | "stats" | "routes">;
  readonly context: PluginContext;
}

/** What the pages are handed. */
export interface PagesRim {
  /** A snapshot of now. */
  readonly snapshot: () => StatsSnapshot;
  /** Seconds since the start. */
  readonly second: () => number;
  /** The office's own counters. */
  readonly counters: Float64Array;
  readonly plugins: readonly OfficePlugin[];
  /** What counts and watches the plugins' pages; absent: nobody does. */
  readonly slots?: PageSlots;
  /** Who may see figures; empty = everyone. */
  readonly statsNetworks: NetworkSet;
  readonly fullScrape: FullScrapeRules;
}

/** A request with the client's address, as Hono hands it on. */
export interface PagesEnv {
  Bindings: { readonly address: string };
}

type PageContext = Context<PagesEnv>;

/** A mode of the stats and the plugin it is of. */
interface Mode {
  readonly plugin: string;
  readonly make: NonNullable<Plugin["stats"]>[string];
}

/** Where everybody looks for the statistics. */
const STATS_PATH = "stats";
/** Modes that list every torrent. */
const FULL_MODES = ["tpbs", "statedump"];
/** The page that lists every torrent. */
const FULL_SCRAPE_PATH = "/scrape";
/** Statuses of plugins' answers and the errors they count as. */
const ERROR_OF_STATUS: Readonly<Record<number, number>> = {
  400: HTTP_ERROR.parameter,
  402: HTTP_ERROR.notModest,
  403: HTTP_ERROR.accessDenied,
  404: HTTP_ERROR.notFound,
  500: HTTP_ERROR.internal,
};
const TITLES: Readonly<Record<number, string>> = {
  400: "Invalid Request",
  402: "Payment Required",
  403: "Access Denied",
  404: "Not Found",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** The tracker's pages. Ask them with the address as the second argument: `pages.fetch(request, { address })`. */
export function createPages(settings: PagesSettings, rim: PagesRim): Hono<PagesEnv> {
  const pages = new Hono<PagesEnv>(), slots = rim.slots ?? PageSlots.uncounted, answers = new Answers(rim, slots);
  pages.get("/", (context) => {
    if (settings.redirectUrl === null || context.req.url.includes("?")) return answers.error(404);
    rim.counters[COUNTER.httpErrors + HTTP_ERROR.redirect]!++;
    return context.redirect(settings.redirectUrl);
  });
  pages.get(`/${settings.statsPath}`, (context) => answers.stats(context));
  // Statistics under a path that only some are told are nowhere else, unless those who may read them are listed.
  const isFound = settings.statsPath === STATS_PATH || rim.statsNetworks.size > 0;
  for (const { plugin, context: pluginContext } of rim.plugins) {
    for (const [path, page] of Object.entries(plugin.routes ?? {})) {
      const whole = path.startsWith("/") ? path : `/plugin/${plugin.name}/${path}`;
      pages.get(whole, (context) => {
        const mayReadStats = isFound && answers.mayReadStats(context);
        const make = () =>
          slots.run(plugin.name, () => {
            return page(context.req.raw, { ...pluginContext, snapshot: rim.snapshot, mayReadStats });
          });
        return whole === FULL_SCRAPE_PATH ? answers.fullScrape(context, make, true) : answers.make(context, make);
      });
    }
  }
  // opentracker takes every path that begins so for a scrape, and this one has no query.
  pages.get("/:path{sc.*}", () => answers.error(400));
  pages.notFound(() => answers.error(404));
  pages.onError((error) => answers.fault(error));
  return pages;
}

/** Makes answers of what plugins give. */
class Answers {
  readonly #rim: PagesRim;
  readonly #slots: PageSlots;
  readonly #gate: FullScrapeGate;
  readonly #modes = new Map<string, Mode>();

  constructor(rim: PagesRim, slots: PageSlots) {
    this.#rim = rim;
    this.#slots = slots;
    this.#gate = new FullScrapeGate(rim.fullScrape);
    for (const { plugin } of rim.plugins) {
      for (const [mode, make] of Object.entries(plugin.stats ?? {})) {
        if (!this.#modes.has(mode)) this.#modes.set(mode, { plugin: plugin.name, make });
      }
    }
  }

  mayReadStats(context: PageContext): boolean {
    const { statsNetworks } = this.#rim;
    return statsNetworks.size === 0 || statsNetworks.hasText(context.env.address);
  }

  stats(context: PageContext): Response | Promise<Response> {
    if (!this.mayReadStats(context)) return this.error(403);
    // The last of several counts, as in opentracker.
    const mode = context.req.queries("mode")?.at(-1) ?? "peer", known = this.#modes.get(mode);
    // People put the stats address where the announce address belongs; opentracker tells them so.
    if (known === undefined || context.req.query("info_hash") !== undefined) return this.error(400);
    const make = () => this.#slots.run(known.plugin, () => known.make(this.#rim.snapshot(), context.req.raw));
    return FULL_MODES.includes(mode) ? this.fullScrape(context, make, false) : this.make(context, make);
  }

  // `waits`: whether the client must wait between two. Figures are for the operator's scripts, which need not.
  async fullScrape(
    context: PageContext,
    make: () => PageBody | Promise<PageBody>,
    waits: boolean,
  ): Promise<Response> {
    const { address } = context.env, { counters, second } = this.#rim;
    const place = this.#gate.ask(address, second(), waits);
    switch (place) {
      case "off":
        return this.error(400);
      case "denied":
        return this.error(403);
      case "not modest":
        return this.error(402);
      case "busy":
        return this.error(503);
    }
    let response: Response;
    try {
      response = await this.make(context, make);
    } catch (error) {
      place.end();
      throw error;
    }
    const { body } = response;
    if (response.status !== 200 || body === null) {
      place.end();
      return response;
    }
    counters[COUNTER.fullScrapes]!++;
    const watched = watchFullScrape(body.getReader(), {
      second,
      onBytes: (count) => counters[COUNTER.fullScrapeBytes]! += count,
      onEnd: place.end,
    });
    place.sent = watched;
    return new Response(watched.bytes, response);
  }

  async make(context: PageContext, make: () => PageBody | Promise<PageBody>): Promise<Response> {
    const body = await make();
    if (!(body instanceof Response)) {
      const type = typeof body === "string" ? "text/plain" : "application/octet-stream";
      return new Response(body as BodyInit, { headers: { "content-type": type } });
    }
    const error = ERROR_OF_STATUS[body.status];
    if (error !== undefined) this.#rim.counters[COUNTER.httpErrors + error]!++;
    return this.#compressed(body, context.req.header("accept-encoding") ?? null);
  }

  // `sentence`: plain text without `<`.
  error(status: 400 | 402 | 403 | 404 | 500 | 503, sentence = ""): Response {
    const error = ERROR_OF_STATUS[status];
    if (error !== undefined) this.#rim.counters[COUNTER.httpErrors + error]!++;
    const headers = { "content-type": "text/html" };
    return new Response(`<title>${TITLES[status]}</title>\n${sentence}`, { status, headers });
  }

  fault(error: unknown): Response {
    const isPlugin = error instanceof PageFault;
    console.error(`office: ${isPlugin ? error.message : "a page failed"}`, isPlugin ? error.cause : error);
    this.#rim.counters[COUNTER.faults]!++;
    return this.error(500, isPlugin ? `The plugin ${error.plugin} failed at this page. The log says how.\n` : "");
  }

  // Only what is streamed is worth it.
  #compressed(response: Response, acceptEncoding: string | null): Response {
    const encoding = chooseEncoding(acceptEncoding), { body, headers } = response;
    if (body === null || encoding === null || !headers.has("transfer-encoding")) return response;
    const encoded = new Response(compress(body, encoding), response);
    encoded.headers.set("content-encoding", encoding);
    encoded.headers.append("vary", "accept-encoding");
    return encoded;
  }
}
