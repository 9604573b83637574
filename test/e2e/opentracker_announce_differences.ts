/** Differences from opentracker in announces, scrapes and their connections. */
import { ANY, type Difference, INVALID, NONE, OK } from "./opentracker_difference.ts";

const REFUSAL_FIELDS = /^(header Content-Type|body|failure reason|interval|retry in|min interval|keys in order)$/;
const COUNT_FIELDS = /^(complete|downloaded|incomplete|min interval|peers|interval|failure reason|retry in)$/;

/** Rows that say no more than that a malformed request is told why. */
const UNDERSTOOD_AS_NONE =
  /^(numwant of letters|compact of letters|port (too high|of letters)|nothing but the path|(short|long|two) info_hash|bad percent in the hash|short peer_id|scrape, short hash|scrape without hash)$/;

/** Announces and others in which something that is not read is malformed. */
const MALFORMED_UNREAD =
  /^(bad percent behind the a|question mark encoded|quotes in a parameter|braces in a name|scrape with quotes|stats with (quotes|a tab))$/;

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function isAllButOne(all: readonly string[], some: readonly string[]): boolean {
  return some.length === all.length - 1 && some.every((word) => all.includes(word));
}

/** Rows of the table, in their order. */
export const ANNOUNCE_DIFFERENCES: readonly Difference[] = [
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
    topic: "`compact6`",
    opentracker: "status 400 for `0`, and for what is no number",
    waggle: "not read",
    because: "`compact` says how peers are written, and no client sends the other",
    seen: [
      { probes: /^compact6 /, fields: /^status line$/, theirs: INVALID, ours: OK },
      { probes: /^compact6 /, fields: /^(header Content-Type|body|keys in order)$/ },
      { probes: /^compact6 /, fields: COUNT_FIELDS, theirs: NONE },
    ],
  },
  {
    topic: "Letters that a URL has not, and bad percent signs",
    opentracker: "status 404 in a path, 400 in a query",
    waggle: "passed over where nothing is read",
    because: "clients write keys and names of theirs as they like, and what is needed of the request is there",
    seen: [
      { probes: MALFORMED_UNREAD, fields: /^status line$/, theirs: /^HTTP\/1\.0 40[04] /, ours: OK },
      { probes: MALFORMED_UNREAD, fields: /^(header Content-Type|body|keys in order|files)$/ },
      { probes: MALFORMED_UNREAD, fields: COUNT_FIELDS, theirs: NONE },
    ],
  },
  {
    topic: "Percent-encoded letters in the query of an announce or scrape",
    opentracker: "are what they mean, in names and numbers too",
    waggle: "in `info_hash` and `peer_id` only",
    because: "no client encodes others, and every announce would pay for it",
    seen: [{ probes: /^(name|port) encoded$/, fields: COUNT_FIELDS }],
  },
  {
    topic: "`event` given twice",
    opentracker: "each is done",
    waggle: "the last one counts",
    because: "a client is in one state",
    seen: [{ probes: /^event twice$/, fields: COUNT_FIELDS }],
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
    topic: "Missing port, port below zero or above 32 bits",
    opentracker: "stored; −1 becomes 65535, 4294967297 becomes 1",
    waggle: "refused: `port must be 1 to 65535`",
    because: "nobody can connect to such a peer, and it takes the place of one that works",
    seen: [
      { probes: /^(no port|port below zero|port above 32 bits)$/, fields: COUNT_FIELDS },
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
];
