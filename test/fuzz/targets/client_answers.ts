/** What trackers answer to `tracker announce` and `tracker scrape`. */
import assert from "node:assert/strict";
import { readAnnounceBody, readScrapeBody } from "../../../src/client/http_answer.ts";
import type { AnnounceAnswer, NoAnswer, ScrapeAnswer, TrackerRefusal } from "../../../src/client/question.ts";
import { decodeAnnounce, decodeConnect, decodeScrape } from "../../../src/client/udp_packets.ts";
import type { FuzzTarget } from "../../support/fuzz.ts";
import { readVectors } from "../../support/vectors.ts";

const HASHES = [new Uint8Array(20).fill(0x61), new Uint8Array(20).fill(0x62)];
const TRANSACTION_ID = 0x01020304;

/** Bodies of HTTP answers, each as an announce's and as a scrape's. */
export const clientHttp: FuzzTarget = {
  name: "client_http",
  summary: "bodies of HTTP answers, as a client reads them",
  bytesMax: 8192,
  words: [
    "d8:intervali1800e",
    "5:peers6:",
    "6:peers618:",
    "5:peersld2:ip7:1.2.3.44:porti80eee",
    "8:completei1e",
    "14:failure reason4:",
    "8:retry in5:never",
    "5:filesd20:aaaaaaaaaaaaaaaaaaaa",
    "11:external ip4:",
    "e",
    "i-1e",
  ],
  open: () => (bytes) => {
    const announced = readAnnounceBody(bytes), scraped = readScrapeBody(bytes, HASHES);
    return `${checkAnnounce(announced)} ${checkScrape(scraped)}`;
  },
};

/** Packets from a tracker, each as an answer to everything. */
export const clientUdp: FuzzTarget = {
  name: "client_udp",
  summary: "packets from a tracker, as a client reads them",
  bytesMax: 2048,
  words: [
    "\x00\x00\x00\x00\x01\x02\x03\x04",
    "\x00\x00\x00\x01\x01\x02\x03\x04",
    "\x00\x00\x00\x02\x01\x02\x03\x04",
    "\x00\x00\x00\x03\x01\x02\x03\x04",
  ],
  seeds: function* () {
    for (const packet of readVectors("udp_replies.hex").values()) {
      const own = packet.slice();
      if (own.length >= 8) new DataView(own.buffer).setUint32(4, TRANSACTION_ID);
      yield own;
    }
  },
  open: () => (bytes) => {
    const connected = decodeConnect(bytes, TRANSACTION_ID), scraped = decodeScrape(bytes, TRANSACTION_ID, HASHES);
    const [four, six] = [decodeAnnounce(bytes, TRANSACTION_ID, 4), decodeAnnounce(bytes, TRANSACTION_ID, 6)];
    if (four?.kind === "answer") assert.equal(four.peers.length, Math.floor((bytes.length - 20) / 6));
    if (six?.kind === "answer") assert.equal(six.peers.length, Math.floor((bytes.length - 20) / 18));
    const checked = [four, six].map((answer) => answer === null ? "" : checkAnnounce(answer));
    return `${connected?.kind} ${checked} ${scraped === null ? "" : checkScrape(scraped)}`;
  },
};

function checkAnnounce(read: AnnounceAnswer | TrackerRefusal | NoAnswer): string {
  if (read.kind !== "answer") return checkReason(read);
  for (const { address, port } of read.peers) {
    assert.equal(typeof address, "string");
    assert.ok(Number.isInteger(port) && port >= 0 && port <= 65535, `port ${port}`);
  }
  for (const number of [read.interval, read.complete ?? 0, read.incomplete ?? 0, read.downloaded ?? 0]) {
    assert.ok(Number.isFinite(number));
  }
  return `${Math.min(3, read.peers.length)} ${read.warning !== undefined} ${read.externalIp !== undefined}`;
}

function checkScrape(read: ScrapeAnswer | TrackerRefusal | NoAnswer): string {
  if (read.kind !== "answer") return checkReason(read);
  assert.equal(read.swarms.length, HASHES.length);
  return read.swarms.map(({ counts }) => counts !== undefined).join();
}

function checkReason(read: TrackerRefusal | NoAnswer): string {
  assert.equal(typeof read.reason, "string");
  return read.kind === "refusal" ? "refusal" : read.reason.replace(/\d+|".*"/g, "");
}
