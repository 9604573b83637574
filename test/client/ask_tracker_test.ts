import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { askAnnounce, askScrape } from "../../src/client/ask_tracker.ts";
import type { AnnounceQuestion, AskOptions } from "../../src/client/question.ts";
import { actionOf, reply, withHttp, withText, withUdp } from "../support/fake_trackers.ts";
import { RefusingPort } from "../support/refusing_port.ts";

const QUESTION: AnnounceQuestion = {
  infoHash: new Uint8Array(20).fill(0x41),
  peerId: new Uint8Array(20).fill(0x61),
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 0,
  event: "",
  numwant: undefined,
  key: 1,
};

const OPTIONS: AskOptions = { timeoutSeconds: 20, family: undefined, userAgent: "Test/1" };

/** For trackers that never answer: long enough for a loopback. */
const SHORT: AskOptions = { ...OPTIONS, timeoutSeconds: 0.3 };

Deno.test("askAnnounce() over HTTP sends the target byte for byte and names itself", async () => {
  let seen = "";
  await withHttp((request) => {
    seen = `${new URL(request.url).pathname}${new URL(request.url).search.slice(0, 60)} ${
      request.headers.get("user-agent")
    }`;
    return new Response("d8:intervali60e5:peers6:\x0a\x00\x00\x01\x00\x50e");
  }, async (url) => {
    const asked = await askAnnounce(`${url}/pass/announce?x=%2F`, QUESTION, OPTIONS);
    assert(asked.outcome.kind === "answer");
    assert.deepEqual(asked.outcome.peers, [{ address: "10.0.0.1", port: 80 }]);
    assert.equal(asked.answeredBy, url.slice("http://".length));
    assert.equal(seen, `/pass/announce?x=%2F&info_hash=${"A".repeat(20)}&peer_id=${"a".repeat(14)} Test/1`);
  });
});

Deno.test("askAnnounce() over HTTP says what came instead of an answer", async () => {
  const rows: { name: string; answer: (request: Request) => Response; want: unknown }[] = [
    {
      name: "a refusal with status 400",
      answer: () => new Response("d14:failure reason2:noe", { status: 400 }),
      want: { kind: "refusal", reason: "no", retryIn: undefined },
    },
    {
      name: "a page with status 404",
      answer: () => new Response("<html>", { status: 404 }),
      want: { kind: "noAnswer", reason: "it answers with HTTP 404 Not Found" },
    },
    {
      name: "packed without being asked",
      answer: () =>
        new Response(new Uint8Array(gzipSync("d14:failure reason2:noe")), { headers: { "content-encoding": "gzip" } }),
      want: { kind: "refusal", reason: "no", retryIn: undefined },
    },
    {
      name: "a packed bomb",
      answer: () =>
        new Response(new Uint8Array(gzipSync(new Uint8Array(5_000_000))), { headers: { "content-encoding": "gzip" } }),
      want: { kind: "noAnswer", reason: "its answer has more than 2097152 bytes" },
    },
    {
      name: "broken packing",
      answer: () => new Response("plain", { headers: { "content-encoding": "gzip" } }),
      want: { kind: "noAnswer", reason: "its answer is not valid gzip" },
    },
    {
      name: "without end",
      answer: () => new Response(new ReadableStream({ pull: (sink) => sink.enqueue(new Uint8Array(65536)) })),
      want: { kind: "noAnswer", reason: "its answer has more than 2097152 bytes" },
    },
    {
      name: "a redirect, followed",
      answer: ({ url }) =>
        url.includes("/moved")
          ? new Response("d14:failure reason5:movede")
          : new Response(null, { status: 302, headers: { location: `/moved?${new URL(url).search.slice(1)}` } }),
      want: { kind: "refusal", reason: "moved", retryIn: undefined },
    },
    {
      name: "redirects in a circle",
      answer: () => new Response(null, { status: 301, headers: { location: "/announce" } }),
      want: { kind: "noAnswer", reason: "it redirects more than 5 times" },
    },
    {
      name: "a redirect out of HTTP",
      answer: () => new Response(null, { status: 301, headers: { location: "file:///etc/passwd" } }),
      want: { kind: "noAnswer", reason: 'it redirects to "file:///etc/passwd", which cannot be asked' },
    },
  ];
  for (const { name, answer, want } of rows) {
    await withHttp(answer, async (url) => {
      assert.deepEqual((await askAnnounce(`${url}/announce`, QUESTION, OPTIONS)).outcome, want, name);
    });
  }
});

Deno.test("askAnnounce() takes HTTP/1.0 without a length, and says what is no HTTP", async () => {
  await withText("HTTP/1.0 200 OK\r\n\r\nd8:intervali60ee", async (url) => {
    assert.equal((await askAnnounce(`${url}/announce`, QUESTION, OPTIONS)).outcome.kind, "answer");
  });
  const rows: { text: string; want: string }[] = [
    { text: "220 mail ready\r\n", want: "what answers there does not speak HTTP" },
    { text: "", want: "it closed the connection without an answer" },
    { text: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd8:", want: "its answer was cut off" },
  ];
  for (const { text, want } of rows) {
    await withText(text, async (url) => {
      const { outcome } = await askAnnounce(`${url}/announce`, QUESTION, OPTIONS);
      assert.deepEqual(outcome, { kind: "noAnswer", reason: want });
    });
  }
});

Deno.test("askAnnounce() gives up on the silent, the absent and the unknown", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<Response>();
  await withHttp(() => held, async (url) => {
    const { outcome } = await askAnnounce(`${url}/announce`, QUESTION, SHORT);
    assert.deepEqual(outcome, { kind: "noAnswer", reason: "it did not answer within 0.3 s" });
    release(new Response());
  });
  await withUdp(() => [], async (url) => {
    const { outcome } = await askAnnounce(url, QUESTION, SHORT);
    assert.deepEqual(outcome, { kind: "noAnswer", reason: "it did not answer within 0.3 s" });
  });
  using refusing = new RefusingPort();
  const rows: { url: string; options?: AskOptions; want: RegExp }[] = [
    { url: `http://127.0.0.1:${refusing.port}/announce`, want: /refuses connections: nothing listens there$/ },
    { url: "http://no-such-name.invalid/announce", want: /^the name no-such-name.invalid cannot be resolved$/ },
    { url: "udp://no-such-name.invalid:1", want: /^the name no-such-name.invalid cannot be resolved$/ },
    { url: "udp://127.0.0.1:1", options: { ...OPTIONS, family: 6 }, want: /^127.0.0.1 is not an IPv6 address$/ },
    { url: "wss://a/announce", want: /^trackers over WebSocket cannot be asked/ },
  ];
  for (const { url, options, want } of rows) {
    const { outcome, answeredBy } = await askAnnounce(url, QUESTION, options ?? OPTIONS);
    assert(outcome.kind === "noAnswer", url);
    assert.match(outcome.reason, want);
    assert.equal(answeredBy, undefined);
  }
});

Deno.test("askAnnounce() over UDP sends again what is lost, and takes only its own answer", async () => {
  const connectionId = [0x01020304, 0x05060708];
  await withUdp((packet, number) => {
    // The first connect is lost; answers to others come first.
    if (number === 0) return [];
    const foreign = reply(packet, 3, 0x62616400);
    foreign[7] ^= 1;
    if (actionOf(packet) === 0) return [foreign, new Uint8Array(3), reply(packet, 0, ...connectionId)];
    assert.deepEqual([...packet.subarray(0, 8)], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(new TextDecoder().decode(packet.subarray(100)), "/announce");
    return [foreign, reply(packet, 1, 1800, 3, 4)];
  }, async (url) => {
    const { outcome, answeredBy } = await askAnnounce(`${url}/announce`, QUESTION, OPTIONS);
    assert(outcome.kind === "answer");
    assert.deepEqual([outcome.interval, outcome.incomplete, outcome.complete], [1800, 3, 4]);
    assert.equal(answeredBy, url.slice("udp://".length));
  });
});

Deno.test("askAnnounce() over UDP hands on a refusal, of the connect and of the announce", async () => {
  for (const refused of [0, 1]) {
    await withUdp((packet) => [
      actionOf(packet) === refused ? reply(packet, 3, 0x6e6f7065) : reply(packet, 0, 0, 1),
    ], async (url) => {
      const { outcome } = await askAnnounce(url, QUESTION, OPTIONS);
      assert.deepEqual(outcome, { kind: "refusal", reason: "nope", retryIn: undefined });
    });
  }
});

Deno.test("askScrape() asks for many info hashes in batches, in order", async () => {
  const infoHashes = Array.from({ length: 160 }, (_, i) => new Uint8Array(20).fill(i));
  const sizes: number[] = [];
  await withUdp((packet) => {
    if (actionOf(packet) === 0) return [reply(packet, 0, 0, 1)];
    const count = (packet.length - 16) / 20;
    sizes.push(count);
    return [reply(packet, 2, ...Array.from({ length: count }, (_, i) => [packet[16 + 20 * i], 1, 2]).flat())];
  }, async (url) => {
    const { outcome } = await askScrape(url, infoHashes, OPTIONS);
    assert(outcome.kind === "answer");
    assert.deepEqual(outcome.swarms.map(({ counts }) => counts?.complete), infoHashes.map((_, i) => i));
    assert.deepEqual(sizes, [74, 74, 12]);
  });

  let requests = 0;
  await withHttp(({ url }) => {
    requests++;
    assert(url.length < 4096);
    return new Response(`d5:filesd20:${"A".repeat(20)}d8:completei5eeee`);
  }, async (url) => {
    const asked = await askScrape(`${url}/announce`, infoHashes, OPTIONS);
    assert(asked.outcome.kind === "answer");
    assert.deepEqual(asked.outcome.swarms.flatMap(({ counts }, i) => counts === undefined ? [] : [i]), [0x41]);
    assert.equal(requests, 4);
    const { outcome } = await askScrape(`${url}/page`, infoHashes, OPTIONS);
    assert(outcome.kind === "noAnswer");
    assert.match(outcome.reason, /^it cannot be scraped/);
  });
});
