/**
 * Every difference from opentracker that a client or a script can see, with its reason: the table of
 * docs/opentracker.md, which opentracker_test.ts holds to this one. The suite compares the replies to every probe field
 * by field; a difference that no row here explains fails it, and so does a row that explains nothing.
 */
import { ANNOUNCE_DIFFERENCES } from "./opentracker_announce_differences.ts";
import { ANY, type Difference, NONE, OK } from "./opentracker_difference.ts";

/** The table. */
export const DIFFERENCES: readonly Difference[] = [
  ...ANNOUNCE_DIFFERENCES,
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
    topic: "`mode=woodpeckers`, `numwants`",
    opentracker: "builds without them answer 400, 500 or nothing",
    waggle: "always there",
    because: "no build flags",
    seen: [{ probes: /^stats (woodpeckers|numwants)$/, fields: ANY }],
  },
  {
    topic: "`mode=fulllog`",
    opentracker: "builds without it answer 400, 500 or nothing; in others it is there for everyone",
    waggle: "for those in `access.stats`; status 403 while that is empty",
    because: "requests carry addresses and passkeys, and are given out once",
    seen: [{ probes: /^stats fulllog$/, fields: ANY }],
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
    topic: "Full scrape with percent-encoded letters",
    opentracker: "status 400",
    waggle: "the full scrape",
    because: "in every other path they are what they mean",
    seen: [{ probes: /^scrape of all, a letter encoded$/, fields: ANY }],
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
