/** The URL of a tracker, taken apart: HTTP (BEP 3), UDP (BEP 15, BEP 41), and the scrape URL that belongs to it (BEP 48). Pure. */

/** Where and how to ask. */
export interface TrackerUrl {
  readonly kind: "http" | "https" | "udp";
  /** Name or address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Path and query, escaped; begins with "/", or is empty where there is none (UDP only). */
  readonly target: string;
  /** `user:password`, for HTTP. */
  readonly auth: string | undefined;
}

/** Why a text is not the URL of a tracker that can be asked: the end of a sentence. */
export interface TrackerUrlFault {
  readonly kind: "fault";
  readonly reason: string;
}

const DEFAULT_PORTS = { http: 80, https: 443 };

/** Takes `text` apart. Never throws. */
export function parseTrackerUrl(text: string): TrackerUrl | TrackerUrlFault {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") return fault("it is not a URL such as udp://tracker.example:6969/announce");
  const kind = url.protocol.slice(0, -1);
  if (kind === "ws" || kind === "wss") return fault("trackers over WebSocket cannot be asked from here");
  if (kind !== "http" && kind !== "https" && kind !== "udp") {
    return fault(`only http, https and udp can be asked, and this is ${kind}`);
  }
  const port = url.port !== "" ? Number(url.port) : kind === "udp" ? 0 : DEFAULT_PORTS[kind];
  if (port === 0) return fault("it names no port");
  const auth = url.username === "" ? undefined : `${unescape(url.username)}:${unescape(url.password)}`;
  // A UDP URL may have a query and no path before it.
  const path = url.pathname === "" && url.search !== "" ? "/" : url.pathname;
  return { kind, host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, target: path + url.search, auth };
}

/**
 * The target that answers scrapes: BEP 48 swaps "announce" for "scrape" where it begins the last part of the path. One
 * that is a scrape target already stays. Null: this tracker has none.
 */
export function scrapeTarget(target: string): string | null {
  const [, folders, page, query] = /^([^?]*\/)([^?/]*)(.*)$/s.exec(target) ?? [];
  if (page?.startsWith("announce")) return `${folders}scrape${page.slice("announce".length)}${query}`;
  return page?.startsWith("scrape") ? target : null;
}

/** Text with its escapes undone; as it is when they are broken. */
function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fault(reason: string): TrackerUrlFault {
  return { kind: "fault", reason };
}
