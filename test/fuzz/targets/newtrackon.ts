/** What `tracker check` reads of others: DNS records, and answers over HTTP and UDP. */
import assert from "node:assert/strict";
import { decodeAnnounce } from "../../../src/client/udp_packets.ts";
import { type Answer, judgeHttp, judgeUdp, readPreferences, type Rejection } from "../../../src/newtrackon/rules.ts";
import type { FuzzTarget } from "../../support/fuzz.ts";
import { latin1Text } from "../../support/vectors.ts";
import { clientHttp, clientUdp } from "./client_answers.ts";

const PEERS_MAX = 10, CANDIDATES_MAX = 20, PORT_MAX = 65_535, TRANSACTION_ID = 0x01020304;

/** Answers of trackers. */
export const newtrackonHttp: FuzzTarget = {
  name: "newtrackon_http",
  summary: "bodies of HTTP answers, as tracker check judges them",
  bytesMax: 8192,
  words: clientHttp.words,
  seeds: () =>
    [
      "d8:completei1e10:incompletei0e8:intervali1800e5:peers6:abcdefe",
      "d14:failure reason4:none",
      "d5:peersld4:porti1eeee",
    ]
      .map((text) => new TextEncoder().encode(text)),
  open: () => (bytes) => checkJudged(judgeHttp("200 OK", bytes)),
};

/** Packets of trackers. */
export const newtrackonUdp: FuzzTarget = {
  name: "newtrackon_udp",
  summary: "packets of trackers, as tracker check judges them",
  bytesMax: 2048,
  words: clientUdp.words,
  seeds: () => clientUdp.seeds!(),
  open: () => (bytes) => {
    const outcomes = ([4, 6] as const).map((family) => {
      const answer = decodeAnnounce(bytes, TRANSACTION_ID, family);
      return answer?.kind === "answer" ? checkJudged(judgeUdp(answer)) : "none";
    });
    return outcomes.join();
  },
};

/** DNS records of BEP 34. */
export const dnsRecords: FuzzTarget = {
  name: "dns_records",
  summary: "TXT records in which a host names its tracker (BEP 34), one a line",
  bytesMax: 1024,
  words: ["BITTORRENT", " UDP:6969", " TCP:443", " DENY ALL", "\n", "|", ":", "99999999999"],
  seeds: () => ["BITTORRENT UDP:1337 TCP:443", "v=spf1\nBITTORRENT"].map((text) => new TextEncoder().encode(text)),
  open: () => (bytes) => {
    const records = latin1Text(bytes).split("\n").map((record) => record.split("|"));
    const candidates = readPreferences(records);
    assert.equal(candidates === null, !records.some(([first]) => first!.startsWith("BITTORRENT")));
    if (candidates === null) return "none";
    assert.ok(candidates.length <= CANDIDATES_MAX);
    for (const { kind, port } of candidates) {
      assert.ok(
        ["udp", "http", "https"].includes(kind) && Number.isInteger(port) && port <= PORT_MAX,
        `${kind} ${port}`,
      );
    }
    return candidates.map(({ kind }) => kind).join();
  },
};

function checkJudged(judged: Answer | Rejection): string {
  if ("reason" in judged) {
    assert.equal(typeof judged.reason, "string");
    return `${judged.kind} ${judged.reason.replace(/-?\d+|".*"/gs, "").slice(0, 60)}`;
  }
  const { seeders, leechers, peers, interval } = judged;
  assert.ok([seeders, leechers, peers].every((count) => Number.isInteger(count) && count >= 0));
  assert.ok(seeders + leechers + peers <= PEERS_MAX);
  assert.ok(interval === undefined || Number.isFinite(interval));
  return `${seeders} ${leechers} ${peers} ${judged.hasAsker}`;
}
