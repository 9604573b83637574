/** Trackers on the loopback, good and hostile, under names that seem to lie on the internet. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { gzipSync } from "node:zlib";
import { type CheckOptions, checkTracker } from "../../src/newtrackon/check_tracker.ts";
import { type Names, readTxtRecords, SYSTEM_NAMES } from "../../src/newtrackon/names.ts";
import { actionOf, reply, withBoth, withHttp, withUdp } from "../support/fake_trackers.ts";

/** Long enough for a loopback on a machine that is busy; and where silence is waited for, no longer than need be. */
const TIMEOUT_SECONDS = 3, SILENCE_SECONDS = 0.3;

const GOOD = "d8:completei1e10:incompletei0e8:intervali1800e5:peers0:e";

/** What is asked at localhost looks as if it were asked at a public address. */
function world(names: Partial<Names> = {}): CheckOptions {
  return {
    timeoutSeconds: TIMEOUT_SECONDS,
    family: undefined,
    isLocal: false,
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    names: {
      addresses: () => Promise.resolve([{ address: "1.1.1.1", family: 4 }]),
      txtRecords: () => Promise.resolve([]),
      leadsTo: () => true,
      ...names,
    },
  };
}

const named = (url: string) => `${url.replace("127.0.0.1", "localhost")}/announce`;

Deno.test("checkTracker() over UDP says what is wrong with the first packet that comes", async () => {
  const stray = (packet: Uint8Array) => {
    const other = reply(packet, 0, 0, 1);
    other[7]! ^= 1;
    return other;
  };
  const rows: { name: string; answer: (packet: Uint8Array, number: number) => Uint8Array[]; want: RegExp | null }[] = [
    {
      name: "good",
      answer: (packet) => [actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 1800, 0, 1)],
      want: null,
    },
    {
      name: "another transaction id",
      answer: (packet) => [stray(packet)],
      want: /^its answer has another transaction id/,
    },
    {
      name: "too short to connect",
      answer: (packet) => [reply(packet, 0, 1)],
      want: /^its answer of 12 bytes with action 0 is too short/,
    },
    { name: "hardly a packet", answer: () => [new Uint8Array(3)], want: /^its answer has 3 bytes/ },
    {
      name: "too short an announce",
      answer: (packet) => [actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 1800)],
      want: /^its answer of 12 bytes with action 1 is too short/,
    },
    {
      name: "a connect that is answered twice",
      answer: (packet) =>
        actionOf(packet) === 0 ? [reply(packet, 0, 0, 1), reply(packet, 0, 0, 1)] : [reply(packet, 1, 1800, 0, 1)],
      want: null,
    },
    {
      name: "interval 0",
      answer: (packet) => [actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 0, 0, 1)],
      want: /^its answer has no interval, or one of 0/,
    },
    {
      name: "peers made up",
      answer: (packet) => [actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 1800, 500, 700)],
      want: /^it makes up peers: 1200 /,
    },
    {
      name: "more peers than a packet should have",
      answer: (
        packet,
      ) => [
        actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 1800, 0, 0, ...new Array(15_000).fill(1)),
      ],
      want: /^it makes up peers: 10000 /,
    },
    {
      name: "a refusal",
      answer: (packet) => [reply(packet, 3, 0x6e6f7065)],
      want: /^it refuses .*: "nope"\. That counts as down; .*access\.unknown empty/,
    },
    { name: "silence", answer: () => [], want: /^it did not answer within 0\.3 s$/ },
  ];
  for (const { name, answer, want } of rows) {
    await withUdp(answer, async (url) => {
      // With a record that names UDP alone nothing else is tried.
      const txtRecords = () => Promise.resolve([[`BITTORRENT UDP:${url.split(":")[2]}`]]);
      const timeoutSeconds = name === "silence" ? SILENCE_SECONDS : TIMEOUT_SECONDS;
      const checked = await checkTracker(named(url), { ...world({ txtRecords }), timeoutSeconds });
      assert.equal(checked.passes, want === null, `${name}: ${checked.why}`);
      if (want === null) assert.deepEqual([checked.why, checked.listedAs], [null, named(url)], name);
      else assert.match(checked.why!, want, name);
    });
  }
});

Deno.test("checkTracker() over HTTP follows nothing, reads a megabyte, and goes by the whole answer", async () => {
  const rows: { name: string; answer: (request: Request) => Response; want: RegExp | null }[] = [
    { name: "good", answer: () => new Response(GOOD), want: null },
    {
      name: "good and packed",
      answer: ({ headers }) =>
        new Response(new Uint8Array(gzipSync(GOOD)), {
          headers: { "content-encoding": headers.get("accept-encoding") ?? "none" },
        }),
      want: null,
    },
    {
      name: "a redirect",
      answer: () => new Response(null, { status: 302, headers: { location: "/there" } }),
      want: /^it redirects to "\/there"$/,
    },
    { name: "a page", answer: () => new Response("<html>"), want: /^its answer is not bencode/ },
    {
      name: "too much",
      answer: () => new Response(new Uint8Array(1_100_000)),
      want: /^its answer has more than 1048576 bytes$/,
    },
    {
      name: "too much when unpacked",
      answer: () =>
        new Response(new Uint8Array(gzipSync(new Uint8Array(1_100_000))), { headers: { "content-encoding": "gzip" } }),
      want: /^its answer has more than 1048576 bytes$/,
    },
    {
      name: "an interval of a minute",
      answer: () => new Response("d8:intervali60e5:peers0:e"),
      want: /^its interval is 60 s/,
    },
    {
      name: "a private tracker",
      answer: () => new Response("d14:failure reason15:unknown passkeye"),
      want: /^it refuses .*"unknown passkey"/,
    },
  ];
  for (const { name, answer, want } of rows) {
    const targets: string[] = [];
    await withHttp((request) => {
      targets.push(new URL(request.url).pathname);
      return answer(request);
    }, async (url) => {
      const txtRecords = () => Promise.resolve([[`BITTORRENT TCP:${url.split(":")[2]}`]]);
      const checked = await checkTracker(named(url).replace("/announce", "/passkey/announce"), world({ txtRecords }));
      assert.equal(checked.passes, want === null, `${name}: ${checked.why}`);
      if (want !== null) assert.match(checked.why!, want, name);
      assert.deepEqual(targets, ["/announce"], name);
      assert.deepEqual(checked.findings.find(({ rule }) => rule === "url")?.state, "note");
    });
  }
});

Deno.test("checkTracker() says which of the protocols would be listed", async () => {
  await withBoth(
    (packet) => [actionOf(packet) === 0 ? reply(packet, 0, 0, 1) : reply(packet, 1, 1800, 0, 1)],
    () => new Response(GOOD),
    async (port) => {
      const both = await checkTracker(`http://localhost:${port}/announce`, world());
      assert.deepEqual([both.passes, both.listedAs], [true, `udp://localhost:${port}/announce`]);
      assert.match(both.findings.at(-1)!.says, /^udp:.* is tried as well, answers, and would be listed instead$/);
      const tls = await checkTracker(`https://localhost:${port}/announce`, world());
      assert.deepEqual([tls.passes, tls.listedAs], [false, `udp://localhost:${port}/announce`]);
      const told = await checkTracker(
        `udp://localhost:${port}/announce`,
        world({ txtRecords: () => Promise.resolve([[`BITTORRENT TCP:${port}`]]) }),
      );
      assert.deepEqual([told.passes, told.listedAs], [false, `http://localhost:${port}/announce`]);
      assert.equal(told.why, "its BEP 34 record sends newTrackon elsewhere");
    },
  );
});

Deno.test("checkTracker() looks at names and addresses", async () => {
  await withHttp(() => new Response(GOOD), async (url) => {
    const addresses = (...list: string[]) => () =>
      Promise.resolve(list.map((address) => ({ address, family: address.includes(":") ? 6 as const : 4 as const })));
    const only = () => Promise.resolve([[`BITTORRENT TCP:${url.split(":")[2]}`]]);
    const rows: { name: string; url?: string; options: Partial<CheckOptions>; want: RegExp | null }[] = [
      {
        name: "an address inside",
        options: { names: world({ addresses: addresses("10.0.0.1"), txtRecords: only }).names },
        want: /^its address 10\.0\.0\.1 cannot be reached from the internet$/,
      },
      {
        name: "no address",
        options: { names: world({ addresses: addresses() }).names },
        want: /^the name localhost cannot be resolved$/,
      },
      {
        name: "an address for a name",
        url: `${url}/announce`,
        options: { names: world({ txtRecords: only }).names },
        want: /^the host must be a name, and is an address$/,
      },
      {
        name: "a host that denies",
        options: { names: world({ txtRecords: () => Promise.resolve([["BITTORRENT DENY ALL"]]) }).names },
        want: /^its BEP 34 record says that there is no tracker$/,
      },
      { name: "no such URL", url: "wss://t.example", options: {}, want: /^trackers over WebSocket/ },
      {
        name: "a family that the host lacks",
        options: { family: 6, names: world({ txtRecords: only }).names },
        want: /^the host has no IPv6 address$/,
      },
      {
        name: "a family this machine lacks, beside one that answers",
        options: {
          names: world({
            addresses: addresses("1.1.1.1", "2606:4700::1"),
            txtRecords: only,
            leadsTo: ({ family }) => family === 4,
          }).names,
        },
        want: null,
      },
      {
        name: "a family that does not answer",
        options: { names: world({ addresses: addresses("1.1.1.1", "2606:4700::1"), txtRecords: only }).names },
        want: /./,
      },
      {
        name: "DNS that is silent",
        options: { names: world({ txtRecords: () => Promise.resolve(null) }).names },
        want: null,
      },
      { name: "an address where that is all right", url: `${url}/announce`, options: { isLocal: true }, want: null },
    ];
    for (const { name, url: at = named(url), options, want } of rows) {
      const checked = await checkTracker(at, { ...world(), ...options });
      assert.equal(checked.passes, want === null, `${name}: ${checked.why}`);
      if (want !== null) assert.match(checked.why!, want, name);
    }
  });
});

Deno.test("readTxtRecords() asks DNS", async () => {
  for (const [texts, want] of [[["BITTORRENT ", "UDP:6969"], [["BITTORRENT ", "UDP:6969"]]], [[], []]] as const) {
    const server = dgram.createSocket("udp4");
    server.on("message", (query: Uint8Array, { port, address }: { port: number; address: string }) => {
      server.send(dnsAnswer(query, texts), port, address);
    });
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    const records = await readTxtRecords("tracker.example", 5, { ipAddr: "127.0.0.1", port: server.address().port });
    server.close();
    assert.deepEqual(records, want);
  }
  const mute = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => mute.bind(0, "127.0.0.1", resolve));
  assert.equal(
    await readTxtRecords("tracker.example", TIMEOUT_SECONDS, { ipAddr: "127.0.0.1", port: mute.address().port }),
    null,
  );
  mute.close();
});

Deno.test("the system's names lead to the loopback", async () => {
  const addresses = await SYSTEM_NAMES.addresses("localhost");
  assert.ok(addresses.length > 0 && addresses.every((address) => SYSTEM_NAMES.leadsTo(address)));
  assert.deepEqual(await SYSTEM_NAMES.addresses("no-such-name.invalid"), []);
});

/** One TXT record of `texts` for the question in `query`; without texts, that there is no such name. */
function dnsAnswer(query: Uint8Array, texts: readonly string[]): Uint8Array {
  // The question ends with the zero of its name, its type and its class; what follows is EDNS.
  const question = query.slice(12, query.indexOf(0, 12) + 5);
  const data = texts.flatMap((text) => [text.length, ...new TextEncoder().encode(text)]);
  const record = [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, data.length, ...data];
  const flags = texts.length > 0 ? [0x81, 0x80] : [0x81, 0x83];
  const counts = [0, 1, 0, texts.length > 0 ? 1 : 0, 0, 0, 0, 0];
  return Uint8Array.from([
    ...query.subarray(0, 2),
    ...flags,
    ...counts,
    ...question,
    ...(texts.length > 0 ? record : []),
  ]);
}
