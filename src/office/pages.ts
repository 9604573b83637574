/**
 * Every page that is neither announce nor scrape, as a Hono app: a Request in, a Response out, no socket anywhere. The
 * client's address comes with the request, in a variable, because nothing here knows of connections.
 */
import { type Context, Hono } from "hono";
import { COUNTER, HTTP_ERROR } from "../stats/counters.ts";
import { STATS_MODES, type StatsSnapshot } from "./opentracker_stats.ts";

/** What the pages need of the tracker. */
export interface PagesSettings {
  /** Path of the stats without its first slash. */
  readonly statsPath: string;
  /** Where `/` sends a browser; null = nowhere. */
  readonly redirectUrl: string | null;
}

/** What the pages are handed. */
export interface PagesRim {
  /** A snapshot of now. */
  readonly snapshot: () => StatsSnapshot;
  /** The office's own counters. */
  readonly counters: Float64Array;
}

/** The tracker's pages. */
export function createPages(settings: PagesSettings, rim: PagesRim): Hono {
  const pages = new Hono();
  const refuse = (context: Context, error: number, status: 400 | 404 | 500, title: string) => {
    rim.counters[COUNTER.httpErrors + error]!++;
    return context.html(`<title>${title}</title>\n`, status);
  };
  pages.get("/", (context) => {
    if (settings.redirectUrl === null || context.req.url.includes("?")) {
      return refuse(context, HTTP_ERROR.notFound, 404, "Not Found");
    }
    rim.counters[COUNTER.httpErrors + HTTP_ERROR.redirect]!++;
    return context.redirect(settings.redirectUrl);
  });
  pages.get(`/${settings.statsPath}`, (context) => {
    const mode = context.req.query("mode") ?? "peer";
    // People put the stats address where the announce address belongs; opentracker tells them so.
    const isAnnounce = context.req.query("info_hash") !== undefined;
    if (isAnnounce || !Object.hasOwn(STATS_MODES, mode)) {
      return refuse(context, HTTP_ERROR.parameter, 400, "Invalid Request");
    }
    return context.text(STATS_MODES[mode]!(rim.snapshot()), 200, { "content-type": "text/plain" });
  });
  pages.notFound((context) => refuse(context, HTTP_ERROR.notFound, 404, "Not Found"));
  pages.onError((error, context) => {
    console.error("office: a page failed", error);
    rim.counters[COUNTER.faults]!++;
    return refuse(context, HTTP_ERROR.internal, 500, "Internal Server Error");
  });
  return pages;
}
