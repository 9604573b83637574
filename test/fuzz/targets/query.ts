/** Query strings of announces and scrapes: the decoder against one that splits text. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../../src/bittorrent/announce.ts";
import {
  COMPACT_BAD,
  INFO_HASH_BAD,
  INFO_HASH_MISSING,
  LEFT_BAD,
  NOT_REFUSED,
  NUMWANT_BAD,
  PEER_ID_BAD,
  PERCENT_BAD,
  PORT_BAD,
} from "../../../src/bittorrent/refusal.ts";
import { ScrapeRequest } from "../../../src/bittorrent/scrape.ts";
import { decodeAnnounceQuery, decodeScrapeQuery, HTTP_SCRAPE_HASHES_MAX } from "../../../src/wire/query.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { latin1Text } from "../../support/vectors.ts";
import { AROUND, surrounded } from "./world.ts";

const EVENTS = ["", "completed", "started", "stopped", "paused"];
const NUMBER_MAX = 0x7fffffff;

/** Queries through both decoders. */
export const query: FuzzTarget = {
  name: "query",
  summary: "query strings of announces and scrapes",
  bytesMax: 8192,
  words: ["info_hash=", "&peer_id=", "&port=", "&left=", "&event=", "&numwant=", "&compact=", "&", "=", "%", "%2", "-"],
  open: openQuery,
};

function openQuery(): Check {
  const request = new AnnounceRequest(), scrape = new ScrapeRequest();
  return (bytes, chance) => {
    const before = chance.below(8), whole = surrounded(bytes, AROUND[chance.below(AROUND.length)]!, before);
    const text = latin1Text(bytes), end = before + bytes.length;
    const refusal = decodeAnnounceQuery(whole, before, end, request), naive = announceOf(text);
    assert.equal(refusal, naive.refusal);
    if (refusal === NOT_REFUSED) {
      assert.equal(latin1Text(request.infoHashBytes), naive.infoHash);
      assert.equal((request.portWord & 0xff) << 8 | request.portWord >> 8, naive.port);
      assert.deepEqual(
        // -0 is 0.
        [request.seeder, request.event, request.numwant + 0, request.compact],
        [naive.seeder, naive.event, naive.numwant, naive.compact],
      );
    }
    const hashes = scrapeOf(text), scrapeRefusal = decodeScrapeQuery(whole, before, end, scrape);
    if (typeof hashes === "number") assert.equal(scrapeRefusal, hashes);
    else {
      assert.equal(scrapeRefusal, NOT_REFUSED);
      assert.equal(latin1Text(scrape.bytes.subarray(0, scrape.count * 20)), hashes.join(""));
    }
    return refusal * 1000 + scrapeRefusal * 100 + Math.min(99, scrape.count) + request.event * 100_000;
  };
}

interface Naive {
  refusal: number;
  infoHash: string;
  port: number;
  seeder: boolean;
  event: number;
  numwant: number;
  compact: boolean;
}

function announceOf(text: string): Naive {
  const found: Naive = {
    refusal: NOT_REFUSED,
    infoHash: "",
    port: -1,
    seeder: false,
    event: 0,
    numwant: -1,
    compact: true,
  };
  let hashes = 0;
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const name = pair.slice(0, equals), value = pair.slice(equals + 1);
    if (name === "info_hash") hashes++;
    found.refusal = takeParameter(found, name, value);
    if (found.refusal !== NOT_REFUSED) return found;
  }
  if (hashes === 0) found.refusal = INFO_HASH_MISSING;
  else if (hashes > 1) found.refusal = INFO_HASH_BAD;
  else if (found.port < 0) found.refusal = PORT_BAD;
  return found;
}

function takeParameter(found: Naive, name: string, value: string): number {
  const number = numberOf(value);
  if (value === "" && /^(left|numwant|compact)$/.test(name)) return NOT_REFUSED;
  switch (name) {
    case "info_hash": {
      const hash = twentyOf(value, INFO_HASH_BAD);
      if (typeof hash === "number") return hash;
      found.infoHash = hash;
      return NOT_REFUSED;
    }
    case "peer_id": {
      const id = twentyOf(value, PEER_ID_BAD);
      return typeof id === "number" ? id : NOT_REFUSED;
    }
    case "port":
      found.port = number ?? -1;
      return number !== null && number >= 0 && number <= 65535 ? NOT_REFUSED : PORT_BAD;
    case "left":
      found.seeder = /^0+$/.test(value);
      return number === null ? LEFT_BAD : NOT_REFUSED;
    case "numwant":
      found.numwant = number ?? 0;
      return number === null ? NUMWANT_BAD : NOT_REFUSED;
    case "compact":
      found.compact = number !== 0;
      return number === null ? COMPACT_BAD : NOT_REFUSED;
    case "event":
      found.event = Math.max(0, EVENTS.indexOf(value));
  }
  return NOT_REFUSED;
}

// The hashes of a scrape, or why it is refused.
function scrapeOf(text: string): string[] | number {
  const hashes: string[] = [];
  for (const pair of text.split("&")) {
    if (!pair.startsWith("info_hash=") || hashes.length === HTTP_SCRAPE_HASHES_MAX) continue;
    const hash = twentyOf(pair.slice("info_hash=".length), INFO_HASH_BAD);
    if (typeof hash === "number") return hash;
    hashes.push(hash);
  }
  return hashes.length === 0 ? INFO_HASH_MISSING : hashes;
}

// From some 2,000,000,000 on a number counts as the largest.
function numberOf(text: string): number | null {
  if (!/^-?\d+$/.test(text)) return null;
  const value = Number(text), size = Math.floor(Math.abs(value) / 10) > 200_000_000 ? NUMBER_MAX : Math.abs(value);
  return value < 0 ? -size : size;
}

function twentyOf(text: string, lengthRefusal: number): string | number {
  let decoded = "";
  for (let at = 0; at < text.length;) {
    if (decoded.length === 20) return lengthRefusal;
    if (text[at] !== "%") decoded += text[at++];
    else {
      if (!/^[0-9a-fA-F]{2}$/.test(text.slice(at + 1, at + 3))) return PERCENT_BAD;
      decoded += String.fromCharCode(parseInt(text.slice(at + 1, at + 3), 16));
      at += 3;
    }
  }
  return decoded.length === 20 ? decoded : lengthRefusal;
}
