/**
 * BEP 12's tiers of trackers as an operator writes them, BitTornado's grammar: `url[,url...][|url[,url...]...]`. The
 * bar stands between tiers, tried in order; the comma between trackers of one tier, tried at random. There is no
 * escape: a URL with a comma or a bar in it cannot be written. Pure.
 */

/** Tiers in order, and the trackers of each. */
export type AnnounceTiers = readonly (readonly string[])[];

/** Why a text is not a list, or not the URL of a tracker: the end of a sentence. */
export interface AnnounceListFault {
  readonly fault: string;
}

/** Schemes that some client knows: BEP 3, BEP 15, and the WebSocket trackers of browsers. */
const KNOWN_SCHEMES = ["http", "https", "udp", "ws", "wss"];

/** Parses `text`; spaces around a URL are dropped. Returns at least one tier, none empty, or the fault. */
export function parseAnnounceList(text: string): AnnounceTiers | AnnounceListFault {
  const tiers = text.split("|").map((tier) => tier.split(",").map((url) => url.trim()));
  for (const [index, tier] of tiers.entries()) {
    for (const url of tier) {
      if (url === "") return { fault: `tier ${index + 1} has an empty place where a URL should be` };
      const fault = trackerUrlFault(url);
      if (fault !== null) return { fault };
    }
  }
  return tiers;
}

/** Formats tiers in the same grammar. */
export function formatAnnounceList(tiers: AnnounceTiers): string {
  return tiers.map((tier) => tier.join(",")).join("|");
}

/** Says why `url` cannot be the URL of a tracker, or null. An unknown scheme is not a fault: see `adviseTrackers`. */
export function trackerUrlFault(url: string): string | null {
  const parsed = URL.parse(url);
  const hasHost = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(url);
  if (parsed !== null && hasHost && !/[\s\p{Cc}]/u.test(url)) return null;
  return `${JSON.stringify(url)} is not the URL of a tracker, such as http://tracker.example:6969/announce`;
}

/**
 * What an operator should know about trackers as they are, or are about to be, in a torrent: one sentence each.
 * `announce`: the standard entry, if any. `tiers`: undefined when there is no list.
 */
export function adviseTrackers(announce: string | undefined, tiers: AnnounceTiers | undefined): string[] {
  const advice: string[] = [];
  const all = tiers?.flat() ?? [];
  if (tiers !== undefined && announce !== undefined && !tiers[0]?.includes(announce)) {
    const where = all.includes(announce) ? "is not in the first tier" : "is in no tier";
    const outcome = all.includes(announce) ? "ask other trackers before it" : "will never ask it";
    advice.push(`the standard announce ${announce} ${where}: programs that read tiers ${outcome}`);
  }
  for (const [index, tier] of (tiers ?? []).entries()) {
    if (tier.length > 1) {
      advice.push(`tier ${index + 1} holds ${tier.length} trackers, asked at random: right only if they share peers`);
    }
  }
  const urls = new Set(announce === undefined ? all : [announce, ...all]), times = new Map<string, number>();
  for (const url of all) times.set(url, (times.get(url) ?? 0) + 1);
  for (const url of urls) {
    const scheme = url.slice(0, Math.max(0, url.indexOf("://"))).toLowerCase();
    if (!KNOWN_SCHEMES.includes(scheme)) {
      advice.push(
        `${url} is of an unknown kind: trackers begin with ${KNOWN_SCHEMES.map((s) => `${s}://`).join(", ")}`,
      );
    }
    const listed = times.get(url) ?? 0;
    if (listed > 1) advice.push(`${url} is in the list ${listed} times`);
  }
  return advice;
}
