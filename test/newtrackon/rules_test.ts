import assert from "node:assert/strict";
import { parseTrackerUrl } from "../../src/client/tracker_url.ts";
import type { AnnounceAnswer } from "../../src/client/question.ts";
import {
  ASKER,
  candidatesOf,
  isPublicAddress,
  judgeHttp,
  judgeUdp,
  namedPort,
  readPreferences,
  refuseInterval,
  refuseUrl,
} from "../../src/newtrackon/rules.ts";

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

Deno.test("judgeHttp() takes what newTrackon takes, and says why not", () => {
  const asker = String.fromCharCode(10, 0, 0, 1, ASKER.httpPort >> 8, ASKER.httpPort & 255);
  const peers = (count: number) => `5:peers${6 * count}:${"\x0a\x00\x00\x01\x00\x50".repeat(count)}`;
  const rows: { body: string; status?: string; want: unknown }[] = [
    {
      body: "d8:completei1e10:incompletei2e8:intervali1800e5:peers0:e",
      want: { interval: 1800, seeders: 1, leechers: 2, peers: 0, hasAsker: false },
    },
    {
      body: `d8:intervali1800e5:peers6:${asker}6:peers618:${"\0".repeat(18)}e trailing`,
      want: { interval: 1800, seeders: 0, leechers: 0, peers: 2, hasAsker: true },
    },
    {
      body: "d8:intervali1800e5:peersld2:ip9:192.0.2.74:porti6881eeee",
      want: { interval: 1800, seeders: 0, leechers: 0, peers: 1, hasAsker: true },
    },
    { body: "d6:peers60:e", want: { interval: undefined, seeders: 0, leechers: 0, peers: 0, hasAsker: false } },
    { body: "", want: "its answer is empty" },
    { body: "<html>", want: "its answer is not bencode: at byte 0 no value begins with this byte" },
    { body: "d8:intervali1800e5:peers", want: /^its answer is not bencode: / },
    { body: "i1800e", want: "its answer is not a dictionary" },
    { body: "d8:intervali1800ee", want: "its answer has neither peers nor peers6" },
    { body: "d8:intervali1800e5:peersi0ee", want: "its peers are no list" },
    { body: "d8:completei-1e8:intervali1800e5:peers0:e", want: "its complete is no count" },
    { body: "d8:complete1:18:intervali1800e5:peers0:e", want: "its complete is no count" },
    { body: "d11:external ip5:\x01\x02\x03\x04\x058:intervali1800e5:peers0:e", want: /^its external ip has 5 bytes/ },
    { body: "d8:intervali1800e5:peers0:10:tracker id2:\xff\xfee", want: 'its "tracker id" is not UTF-8' },
    { body: `d8:intervali1800e${peers(11)}e`, want: /^it makes up peers: 11 peers and counts/ },
    { body: `d8:completei5e10:incompletei5e8:intervali1800e${peers(1)}e`, want: /^it makes up peers: 11 / },
    { body: "d14:failure reason2:noe", want: "no" },
    { body: "d8:intervali1800e5:peers0:e", status: "404 Not Found", want: "it answers with HTTP 404 Not Found" },
    { body: "d14:failure reason2:noe", status: "400 Bad Request", want: "it answers with HTTP 400 Bad Request" },
  ];
  for (const { body, status = "200 OK", want } of rows) {
    const judged = judgeHttp(status, latin1(body));
    if (want instanceof RegExp) assert.match("kind" in judged ? judged.reason : "taken", want);
    else assert.deepEqual("kind" in judged ? judged.reason : judged, want, body);
  }
  const failure = judgeHttp("200 OK", latin1("d14:failure reason2:noe"));
  assert.equal("kind" in failure && failure.kind, "refused");
});

Deno.test("judgeUdp() reads signed counts", () => {
  const answer = (interval: number, complete: number, incomplete: number, peers: AnnounceAnswer["peers"] = []) =>
    judgeUdp({
      kind: "answer",
      interval,
      complete,
      incomplete,
      peers,
      minInterval: undefined,
      downloaded: undefined,
      warning: undefined,
      trackerId: undefined,
      externalIp: undefined,
    });
  const self = [{ address: "192.0.2.1", port: ASKER.udpPort }];
  assert.deepEqual(answer(1800, 1, 0, self), { interval: 1800, seeders: 1, leechers: 0, peers: 1, hasAsker: true });
  assert.deepEqual(answer(1800, 2 ** 32 - 1, 0), { kind: "bad", reason: "it counts -1 seeders and 0 leechers" });
  assert.match((answer(1800, 8, 3) as { reason: string }).reason, /^it makes up peers: 11 /);
  assert.deepEqual(answer(2 ** 32 - 1, 0, 0), { interval: -1, seeders: 0, leechers: 0, peers: 0, hasAsker: false });
});

Deno.test("refuseInterval() takes five minutes to three hours", () => {
  for (const interval of [300, 1800, 10_800]) assert.equal(refuseInterval(interval), null);
  for (const interval of [-1, 1, 299, 10_801]) assert.match(refuseInterval(interval)!, /300 to 10800 s are taken$/);
  assert.match(refuseInterval(undefined)!, /has no interval$/);
  assert.match(refuseInterval(0)!, /counts as none$/);
});

Deno.test("readPreferences() reads a BEP 34 record as newTrackon does", () => {
  const rows: { records: string[][]; want: string | null }[] = [
    { records: [], want: null },
    { records: [["v=spf1 -all"], ["bittorrent UDP:1"]], want: null },
    { records: [["v=spf1 -all"], ["BITTORRENT DENY ALL"]], want: "" },
    { records: [["BITTORRENT"]], want: "" },
    { records: [["BITTORRENT UDP:6969 TCP:443"]], want: "udp:6969 https:443 http:443" },
    { records: [["BITTORRENT udp:1 UDP:x UDP: TCP:80"]], want: "https:80 http:80" },
    { records: [[`BITTORRENT ${"UDP:1 ".repeat(20)}`]], want: "udp:1 ".repeat(10).trim() },
  ];
  for (const { records, want } of rows) {
    const read = readPreferences(records)?.map(({ kind, port }) => `${kind}:${port}`).join(" ") ?? null;
    assert.equal(read, want, JSON.stringify(records));
  }
});

Deno.test("candidatesOf() tries UDP first where a port is named", () => {
  const rows: { url: string; want: string }[] = [
    { url: "udp://t.example:6969/announce", want: "udp:6969 https:6969 http:6969" },
    { url: "https://t.example:443", want: "udp:443 https:443 http:443" },
    { url: "http://t.example/announce?at=:80", want: "https:443 http:80" },
    { url: "https://t.example", want: "https:443 http:80" },
  ];
  for (const { url, want } of rows) {
    assert.equal(candidatesOf(namedPort(url), null).map(({ kind, port }) => `${kind}:${port}`).join(" "), want, url);
  }
  assert.deepEqual(candidatesOf(80, [{ kind: "udp", port: 1 }]), [{ kind: "udp", port: 1 }]);
});

Deno.test("refuseUrl() takes names and ports only", () => {
  const rows: { url: string; isTaken: boolean }[] = [
    { url: "udp://tracker_1.example-a.org:6969/announce", isTaken: true },
    { url: "http://t.example/a@b", isTaken: true },
    { url: "http://me:secret@t.example/announce", isTaken: false },
    { url: "http://@t.example/announce", isTaken: false },
  ];
  for (const { url, isTaken } of rows) {
    const tracker = parseTrackerUrl(url);
    assert(tracker.kind !== "fault");
    assert.equal(refuseUrl(url, tracker) === null, isTaken, url);
  }
});

Deno.test("isPublicAddress() knows what the internet cannot reach", () => {
  const inside = "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.1.1 172.16.0.1 192.0.2.1 192.168.1.1 198.18.0.1 " +
    "203.0.113.9 224.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 fc00::1 fe80::1 fec0::1 ff02::1 2001:db8::1 2001::1";
  for (const address of inside.split(" ")) assert.equal(isPublicAddress(address), false, address);
  for (const address of ["1.1.1.1", "9.9.9.9", "223.255.255.1", "2606:4700::1", "2a00:1450::1"]) {
    assert.equal(isPublicAddress(address), true, address);
  }
});
