import assert from "node:assert/strict";
import fc from "fast-check";
import {
  adviseTrackers,
  type AnnounceTiers,
  formatAnnounceList,
  parseAnnounceList,
  trackerUrlFault,
} from "../../src/torrent/announce_list.ts";

Deno.test("parseAnnounceList() reads BitTornado's grammar", () => {
  const rows: { input: string; want: AnnounceTiers }[] = [
    { input: "http://a/announce", want: [["http://a/announce"]] },
    { input: "http://1|http://2|http://3", want: [["http://1"], ["http://2"], ["http://3"]] },
    { input: "http://1,http://2,http://3", want: [["http://1", "http://2", "http://3"]] },
    { input: "http://t|udp://b:1,wss://b2", want: [["http://t"], ["udp://b:1", "wss://b2"]] },
    { input: " http://t | http://b , http://c ", want: [["http://t"], ["http://b", "http://c"]] },
    { input: "http://[2001:db8::1]:6969/announce", want: [["http://[2001:db8::1]:6969/announce"]] },
    { input: "foo://t/announce", want: [["foo://t/announce"]] },
  ];
  for (const { input, want } of rows) assert.deepEqual(parseAnnounceList(input), want, input);
});

Deno.test("parseAnnounceList() refuses what would be no list", () => {
  const rows: { input: string; want: RegExp }[] = [
    { input: "", want: /^tier 1 has an empty place/ },
    { input: "http://a|", want: /^tier 2 has an empty place/ },
    { input: "http://a||http://b", want: /^tier 2 has an empty place/ },
    { input: "http://a,,http://b", want: /^tier 1 has an empty place/ },
    { input: "http://a/x?list=1,2", want: /^"2" is not the URL of a tracker/ },
    { input: "http://", want: /^"http:\/\/" is not the URL/ },
    { input: "http:/a", want: /^"http:\/a" is not the URL/ },
    { input: "tracker.example:6969", want: /is not the URL/ },
    { input: "http://a b/", want: /is not the URL/ },
    { input: "http://a/\u001b[2J", want: /^"http:\/\/a\/\\u001b\[2J" is not the URL/ },
  ];
  for (const { input, want } of rows) {
    const tiers = parseAnnounceList(input);
    assert("fault" in tiers, input);
    assert.match(tiers.fault, want, input);
  }
});

Deno.test("parseAnnounceList() after formatAnnounceList() is the identity", () => {
  const url = fc.tuple(fc.constantFrom("http", "udp", "wss"), fc.domain(), fc.nat(65535))
    .map(([scheme, host, port]) => `${scheme}://${host}:${port}/announce`);
  const tiers = fc.array(fc.array(url, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(tiers, (tiers) => assert.deepEqual(parseAnnounceList(formatAnnounceList(tiers)), tiers)));
});

Deno.test("trackerUrlFault() never throws", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void trackerUrlFault(text)));
});

Deno.test("adviseTrackers() says what an operator should know", () => {
  const A = "http://a/announce", B = "http://b/announce", C = "http://c/announce";
  const rows: { announce?: string; tiers?: AnnounceTiers; want: string[] }[] = [
    { announce: A, want: [] },
    { want: [] },
    { announce: A, tiers: [[A], [B]], want: [] },
    {
      announce: A,
      tiers: [[B], [C]],
      want: [`the standard announce ${A} is in no tier: programs that read tiers will never ask it`],
    },
    {
      announce: A,
      tiers: [[B], [A]],
      want: [
        `the standard announce ${A} is not in the first tier: programs that read tiers ask other trackers before it`,
      ],
    },
    {
      announce: A,
      tiers: [[A, B], [C]],
      want: ["tier 1 holds 2 trackers, asked at random: right only if they share peers"],
    },
    { announce: A, tiers: [[A], [B], [B]], want: [`${B} is in the list 2 times`] },
    {
      announce: "htp://a",
      want: ["htp://a is of an unknown kind: trackers begin with http://, https://, udp://, ws://, wss://"],
    },
    {
      tiers: [["nonsense"]],
      want: ["nonsense is of an unknown kind: trackers begin with http://, https://, udp://, ws://, wss://"],
    },
  ];
  for (const { announce, tiers, want } of rows) assert.deepEqual(adviseTrackers(announce, tiers), want);
});
