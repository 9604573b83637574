/**
 * Every difference from opentracker that a client or a script can see, with its reason: the table of
 * docs/opentracker.md, which opentracker_test.ts holds to this one. The suite compares the replies to every probe field
 * by field; a difference that no row here explains fails it, and so does a row that explains nothing.
 */

/** One intended difference. */
export interface Difference {
  /** What it is about. */
  readonly topic: string;
  readonly opentracker: string;
  readonly waggle: string;
  readonly because: string;
  /** What of it the suite sees. */
  readonly seen: readonly Sight[];
}

/** Fields of probes that differ for this reason. */
export interface Sight {
  /** Names of probes. */
  readonly probes: RegExp;
  /** Names of fields. */
  readonly fields: RegExp;
  /** What the two values are; any when left out. A field that is not there is "(none)". */
  readonly theirs?: RegExp;
  readonly ours?: RegExp;
  /** How the two belong together, where that can be said. */
  readonly agree?: (theirs: string, ours: string) => boolean;
}

const ANY = /./;
const NONE = /^\(none\)$/;
const OK = /^HTTP\/1\.1 200 OK$/;
const INVALID = /^HTTP\/1\.0 400 Invalid Request$/;
const REFUSAL_FIELDS = /^(header Content-Type|body|failure reason|interval|retry in|min interval|keys in order)$/;
const COUNT_FIELDS = /^(complete|downloaded|incomplete|min interval|peers|interval|failure reason|retry in)$/;

/** Rows that say no more than that a malformed request is told why. */
const UNDERSTOOD_AS_NONE =
  /^(numwant of letters|compact of letters|port (too high|of letters)|nothing but the path|(short|long|two) info_hash|bad percent in the hash|short peer_id|scrape, short hash|scrape without hash)$/;

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function isAllButOne(all: readonly string[], some: readonly string[]): boolean {
  return some.length === all.length - 1 && some.every((word) => all.includes(word));
}

/** The table. */
export const DIFFERENCES: readonly Difference[] = [
  {
    topic: "Connection",
    opentracker: "closes after one reply and does not say so",
    waggle: "keeps the connection as HTTP/1.1 has it; says `Connection: close` before it closes",
    because:
      "clients and proxies that announce often need not connect anew, and none waits for a reply that never comes",
    seen: [
      { probes: ANY, fields: /^header Connection$/, theirs: NONE, ours: /^(close|keep-alive)$/ },
      {
        probes: /^(connection not mentioned|keep-alive asked for|line feeds only)$/,
        fields: /^connection$/,
        ours: /^open$/,
      },
    ],
  },
  {
    topic: "The asker in its own peer list",
    opentracker: "gives a client its own address back",
    waggle: "leaves the asker out",
    because: "a client cannot download from itself; in small swarms it is most of the reply",
    seen: [{ probes: ANY, fields: /^peers$/, agree: (theirs, ours) => isAllButOne(words(theirs), words(ours)) }],
  },
  {
    topic: "Seeders for seeders",
    opentracker: "gives seeders to seeders",
    waggle: "gives a seeder leechers only",
    because: "two seeders have nothing for each other",
    seen: [{
      probes: /^(second seeder|swarm of five, peer 4)$/,
      fields: /^peers$/,
      agree: (theirs, ours) => words(ours).length < words(theirs).length - 1,
    }],
  },
  {
    topic: "`external ip`",
    opentracker: "not sent",
    waggle: "the client's address as the tracker sees it (BEP 24)",
    because: "a client behind NAT learns its address without asking anyone else",
    seen: [{ probes: ANY, fields: /^external ip$/, theirs: NONE }],
  },
  {
    topic: "`downloaded` in the reply to `stopped`",
    opentracker: "left out",
    waggle: "sent, as in every announce reply",
    because: "one shape of reply; clients that want the key find it",
    seen: [{ probes: /^stopped/, fields: /^downloaded$/, theirs: NONE, ours: /^\d+$/ }],
  },
  {
    topic: "Malformed announce or scrape",
    opentracker: "status 400 with a page of HTML",
    waggle: "status 200 with a bencoded `failure reason`, `interval` and `retry in` (BEP 31)",
    because: 'clients show the text to their user and wait, rather than "invalid data" and an immediate retry',
    seen: [
      { probes: UNDERSTOOD_AS_NONE, fields: /^status line$/, theirs: INVALID, ours: OK },
      { probes: UNDERSTOOD_AS_NONE, fields: REFUSAL_FIELDS },
    ],
  },
  {
    topic: "`interval` and `retry in` of a refusal",
    opentracker: "only `failure reason`",
    waggle: "`interval` and `retry in` as well",
    because: "a refused client comes back after the interval instead of at once",
    seen: [
      { probes: /^(no info_hash|hash not on the list)$/, fields: /^(interval|retry in)$/, theirs: NONE },
    ],
  },
  {
    topic: "`compact=0`",
    opentracker: "status 400",
    waggle: "the list of dictionaries of BEP 3",
    because: "the client asked for it, and BEP 23 lets it",
    seen: [
      { probes: /^compact 0$/, fields: /^status line$/, theirs: INVALID, ours: OK },
      { probes: /^compact 0$/, fields: /^(header Content-Type|body|keys in order)$/ },
      { probes: /^compact 0$/, fields: COUNT_FIELDS, theirs: NONE },
    ],
  },
  {
    topic: "Port 0",
    opentracker: "stored",
    waggle: "given peers, and not stored",
    because:
      "clients behind a proxy send it; nobody can connect to such a peer, and it takes the place of one that works",
    seen: [
      { probes: /^port 0$/, fields: /^(in)?complete$/ },
      { probes: /^udp port 0$/, fields: /^(leechers|seeders)$/ },
    ],
  },
  {
    topic: "Missing port, port below zero",
    opentracker: "stored; −1 becomes 65535",
    waggle: "refused: `port must be 1 to 65535`",
    because: "nobody can connect to such a peer, and it takes the place of one that works",
    seen: [
      { probes: /^(no port|port below zero)$/, fields: COUNT_FIELDS },
    ],
  },
  {
    topic: "`left` that is no number",
    opentracker: "counts as 0: a seeder",
    waggle: "refused: `left must be a whole number`",
    because: "a broken client is not a seeder",
    seen: [{ probes: /^left of letters$/, fields: COUNT_FIELDS }],
  },
  {
    topic: "`left`, `numwant` or `compact` without a value",
    opentracker: "status 400",
    waggle: "as if it were not there: without `left`, a leecher",
    because: "WebTorrent sends `left=` while it has no more than a magnet link",
    seen: [
      { probes: /^empty left$/, fields: /^status line$/, theirs: INVALID, ours: OK },
      { probes: /^empty left$/, fields: /^(header Content-Type|body|keys in order)$/ },
      { probes: /^empty left$/, fields: COUNT_FIELDS, theirs: NONE },
    ],
  },
  {
    topic: "`left` of 4 GiB and its multiples",
    opentracker: "wraps at 32 bits over HTTP: a seeder",
    waggle: "a leecher",
    because: "large torrents begin with such numbers",
    seen: [{ probes: /^left above 32 bits$/, fields: /^(in)?complete$/ }],
  },
  {
    topic: "Unknown hash in a scrape",
    opentracker: "left out",
    waggle: "zeros",
    because: "BEP 48 clients take a missing file for an error; over UDP opentracker sends zeros too",
    seen: [{ probes: /^scrape, unknown hash$/, fields: /^files$/, theirs: /^$/, ours: /"complete":0/ }],
  },
  {
    topic: "Order of the hashes in a scrape over HTTP",
    opentracker: "as asked, repeats included",
    waggle: "sorted, each once",
    because: "BEP 3 wants sorted keys, and strict decoders take nothing else",
    seen: [{
      probes: /^scrape of two$/,
      fields: /^files$/,
      agree: (theirs, ours) => theirs.split("; ").sort().join("; ") === ours,
    }],
  },
  {
    topic: "Refused announce over UDP",
    opentracker: "8 bytes that are no reply",
    waggle: "an error packet with the reason",
    because: "clients parse the short reply as garbage and try again at once",
    seen: [{ probes: /^udp hash not on the list$/, fields: /^(action|bytes|text)$/ }],
  },
  {
    topic: "Requests without `info_hash` and without query",
    opentracker: "status 400 when there is no query at all",
    waggle: "the `failure reason` that opentracker sends when only the hash is missing",
    because: "it is the same mistake",
    seen: [{ probes: /^nothing but the path$/, fields: /^failure reason$/, ours: /forgot to send/ }],
  },
  {
    topic: "Status line of figures computed in the background",
    opentracker: "`HTTP/1.0 200 OK` for some modes and builds, `HTTP/1.1` for others",
    waggle: "`HTTP/1.1 200 OK`",
    because: "later versions of opentracker do the same",
    seen: [
      { probes: /^(stats|full scrape)/, fields: /^status line$/, theirs: /^HTTP\/1\.0 200 OK$/, ours: OK },
    ],
  },
  {
    topic: "Full scrape, `tpbs` and `statedump` in chunks",
    opentracker: "older builds, as Debian's, make the whole reply in memory; later ones send chunks",
    waggle: "chunks, made as the client takes them",
    because: "a slow client costs one chunk of memory, not the whole reply",
    seen: [
      {
        probes: /^(stats (tpbs|statedump)|full scrape)/,
        fields: /^header Transfer-Encoding$/,
        theirs: NONE,
        ours: /^chunked$/,
      },
      { probes: /^(stats (tpbs|statedump)|full scrape)/, fields: /^length is right$/, theirs: /^true$/, ours: NONE },
    ],
  },
  {
    topic: "Content type of full scrape, `tpbs` and `statedump`",
    opentracker: "`text/plain` in older builds, `application/octet-stream` in later ones",
    waggle: "`application/octet-stream`",
    because: "as in later versions",
    seen: [
      {
        probes: /^(stats (tpbs|statedump)|full scrape)/,
        fields: /^header Content-Type$/,
        theirs: /^text\/plain$/,
        ours: /^application\/octet-stream$/,
      },
    ],
  },
  {
    topic: "Compression",
    opentracker: "gzip or zstd where the word stands anywhere in the request; some builds always send gzip",
    waggle: "what `Accept-Encoding` asks for: zstd, then gzip, for full scrape, `tpbs` and `statedump` alike",
    because: "a client that cannot unpack gzip is not sent it",
    seen: [{ probes: /^stats (tpbs|statedump)/, fields: /^header Content-Encoding$/, theirs: /^gzip$/, ours: NONE }],
  },
  {
    topic: "`mode=tpbs` without `format`",
    opentracker: "never answers, and keeps the connection for ever",
    waggle: "status 400",
    because: "it lets anyone exhaust the tracker's connections",
    seen: [{ probes: /^stats tpbs without format$/, fields: ANY }],
  },
  {
    topic: "`mode=busy`",
    opentracker: "always status 500",
    waggle: "the networks that announce most, in the form of `s24s`",
    because: "that is what it was for",
    seen: [{ probes: /^stats busy$/, fields: ANY }],
  },
  {
    topic: "`mode=woodpeckers`, `fulllog`, `numwants`",
    opentracker: "builds without them answer 400, 500 or nothing",
    waggle: "always there",
    because: "no build flags",
    seen: [{ probes: /^stats (woodpeckers|fulllog|numwants)$/, fields: ANY }],
  },
  {
    topic: "`mode=herr`",
    opentracker: "the last three lines carry the figures of other errors",
    waggle: "each line its own figure: 302, 400 parse, 400 parameter, 400 compact, 403, 404, 500",
    because: "the labels are right now; scripts read by position and label as before",
    seen: [{ probes: /^stats herr$/, fields: /^body$/ }],
  },
  {
    topic: "`mode=fscr`",
    opentracker: "always 0",
    waggle: "full scrapes times 1000 and their bytes",
    because: "it counts now",
    seen: [{ probes: /^stats fscr$/, fields: /^body$/ }],
  },
  {
    topic: "`mode=version`, and the version in `everything`",
    opentracker: "the versions of its source files",
    waggle: "`waggle` and its version",
    because: "it is another program",
    seen: [
      { probes: /^stats version$/, fields: /^body$/, ours: /^waggle \d/ },
      { probes: /^stats everything$/, fields: /^body$/, ours: /<version>\nwaggle \d/ },
    ],
  },
  {
    topic: "`mode=top10` and `top100` by leechers",
    opentracker: "only in later versions",
    waggle: "peers, seeds and leechers",
    because: "as in later versions",
    seen: [{ probes: /^stats top/, fields: /^body$/, ours: /by leechers/ }],
  },
  {
    topic: "Statistics asked for with an `info_hash`",
    opentracker: "the statistics in older builds, status 400 in later ones",
    waggle: "status 400",
    because: "as in later versions: a client was given the wrong address, and its user shall see it",
    seen: [
      { probes: /^stats as announce address$/, fields: /^(status line|header Content-Type|body)$/ },
    ],
  },
  {
    topic: "IPv6",
    opentracker:
      "some builds, as Debian's, serve IPv4 only; over HTTP `peers` is left out where there are only IPv6 peers",
    waggle: "both families from one build; `peers` is always there, `peers6` where there are any",
    because: "clients that find no `peers` take the reply for broken",
    seen: [],
  },
  {
    topic: "Two full scrapes of one address",
    opentracker: "no limit, unless built for it: then 300 seconds",
    waggle: "`tracker.fullscrape_seconds`, 300 by default; status 402 before",
    because: "anyone can ask for it, and it is the dearest answer there is",
    seen: [],
  },
  {
    topic: "Many requests of one address",
    opentracker: "no limit",
    waggle: "`tracker.shield`, on by default: 200 a second and 20,000 at once, over UDP and again over HTTP",
    because:
      "a flood of one address costs the others nothing; the loopback, `access.proxy` and `tracker.shield_exempt` are not limited",
    seen: [],
  },
  {
    topic: "Networks that are not served",
    opentracker: "left to the firewall",
    waggle: "`access.deny_networks`, a file read again on SIGHUP",
    because: "it needs no root, and is asked about the client behind a proxy, whom a firewall does not see",
    seen: [],
  },
  {
    topic: "When there is more than can be answered",
    opentracker: "what the kernel has no room for is lost",
    waggle: "`tracker.shedding`, on by default: longer intervals, fewer peers, then connects are left out",
    because: "clients come back later, and those that have a connection id are served",
    seen: [],
  },
  {
    topic: "Minute in a state dump",
    opentracker: "up to 45 minutes too early for torrents without IPv6 peers",
    waggle: "the minute of the last announce",
    because: "a loaded torrent lives as long as it should",
    seen: [],
  },
  {
    topic: "Loading a state dump",
    opentracker: "doubles `downloaded` each time; reads damaged lines as hashes",
    waggle: "keeps the figures; damaged lines are counted and left out",
    because: "figures survive any number of restarts",
    seen: [],
  },
  {
    topic: "Hashes of a loaded dump that the lists forbid",
    opentracker: "left out",
    waggle: "loaded, and refused when they are announced; forgotten after a day",
    because: "lists change while the tracker runs, and a hash that is allowed again has its figures",
    seen: [],
  },
  {
    topic: "Who sees the statistics with `-A`",
    opentracker: "everyone, unless it was built with WANT_RESTRICT_STATS",
    waggle: "those of `-A` and `access.stats` alone; everyone where neither is set",
    because: "who names somebody who may means that others may not",
    seen: [],
  },
  {
    topic: "Words of `mode=peer` and `mode=torr`",
    opentracker: "`have N torrents` and `sakura` in one fork",
    waggle: "`opentracker serving N torrents` and `opentracker`, as in the original",
    because: "scripts were written for the original",
    seen: [],
  },
  {
    topic: "Connection ids",
    opentracker: "the same for an address until the restart, and guessable in some builds",
    waggle: "a keyed MAC over address and time, good for `tracker.connection_id_seconds`",
    because: "nobody can announce under another's address",
    seen: [],
  },
  {
    topic: "Longest UDP reply",
    opentracker: "up to 1352 bytes in some forks",
    waggle: "1232 bytes: 202 IPv4 or 67 IPv6 peers, numwant allowing",
    because: "an IPv6 packet of 1280 bytes arrives whole everywhere",
    seen: [],
  },
];
