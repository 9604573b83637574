import assert from "node:assert/strict";
import type { AnnounceAnswer, AnnounceQuestion, Asked, ScrapeAnswer } from "../../src/client/question.ts";
import { put, runTool, withFolder } from "../support/tool_world.ts";

const URL_A = "udp://a.example:6969/announce";
const HASH = "0123456789abcdef0123456789abcdef01234567";

const ANSWER: AnnounceAnswer = {
  kind: "answer",
  interval: 1800,
  minInterval: undefined,
  complete: 3,
  incomplete: 0,
  downloaded: undefined,
  peers: [{ address: "192.0.2.7", port: 6881 }, { address: "2001:db8::7", port: 6882 }],
  warning: "old\u001b[m client",
  trackerId: undefined,
  externalIp: undefined,
};

/** A world whose tracker answers `outcome`, and the questions it was asked. */
function announceWorld(outcome: Asked<AnnounceAnswer>["outcome"]) {
  const questions: AnnounceQuestion[] = [];
  return {
    questions,
    askAnnounce: (_url: string, question: AnnounceQuestion) => {
      questions.push(question);
      return Promise.resolve({ outcome, milliseconds: 3.6, answeredBy: "192.0.2.1:6969" });
    },
  };
}

Deno.test("announce prints the answer, and leaves the swarm again", async () => {
  const world = announceWorld(ANSWER);
  const { exitCode, out, err } = await runTool(["announce", URL_A, HASH], world);
  assert.deepEqual([exitCode, err], [0, []]);
  assert.deepEqual(out, [
    `${URL_A}: 192.0.2.1:6969 answers in 4 ms`,
    "  interval      1800 s",
    "  seeders       3",
    "  leechers      0",
    "  warning       old\\u{1b}[m client",
    "  peers         2",
    "    192.0.2.7:6881",
    "    [2001:db8::7]:6882",
  ]);
  assert.deepEqual(world.questions.map(({ event, left }) => [event, left]), [["", 1], ["stopped", 1]]);
  assert.equal(world.questions[0].infoHash.toHex(), HASH);
  assert.equal(new TextDecoder().decode(world.questions[0].peerId), "-WG0100-aaaaaaaaaaaa");
});

Deno.test("announce sends what its options say, once", async () => {
  const rows: { args: string[]; events: string[] }[] = [
    { args: ["--stay"], events: [""] },
    { args: ["--event", "completed"], events: ["completed"] },
  ];
  for (const { args, events } of rows) {
    const world = announceWorld(ANSWER);
    const peer = ["--port", "80", "--left", "0", "--uploaded", "7", "--downloaded", "9", "--numwant", "5"];
    await runTool(["announce", URL_A, HASH, ...args, ...peer, "--peer-id", "-XX0000-bbbbbbbbbbbb"], world);
    assert.deepEqual(world.questions.map(({ event }) => event), events);
    const [{ port, left, uploaded, downloaded, numwant, peerId }] = world.questions;
    assert.deepEqual([port, left, uploaded, downloaded, numwant], [80, 0, 7, 9, 5]);
    assert.equal(new TextDecoder().decode(peerId), "-XX0000-bbbbbbbbbbbb");
  }
});

Deno.test("announce ends with 1 when there is no answer", async () => {
  const refused = announceWorld({ kind: "refusal", reason: "no", retryIn: "never" });
  assert.deepEqual(await runTool(["announce", URL_A, HASH], refused), {
    exitCode: 1,
    out: [`${URL_A}: refuses: "no", never ask again`],
    err: [],
  });
  assert.equal(refused.questions.length, 1, "nobody to leave");
  const silent = announceWorld({ kind: "noAnswer", reason: "it did not answer within 10 s" });
  const { exitCode, out: [json] } = await runTool(["announce", URL_A, HASH, "--json"], silent);
  assert.equal(exitCode, 1);
  assert.deepEqual(JSON.parse(json), {
    url: URL_A,
    infoHash: HASH,
    milliseconds: 4,
    answeredBy: "192.0.2.1:6969",
    outcome: "noAnswer",
    reason: "it did not answer within 10 s",
  });
});

Deno.test("announce and scrape take info hashes in every form", () =>
  withFolder(async (folder) => {
    put(`${folder}/a`, "a");
    await runTool(["torrent", "make", `${folder}/a`, "http://a/announce"]);
    const { out: [made] } = await runTool(["torrent", "show", "--json", `${folder}/a.torrent`]);
    const rows: { hash: string; want: string }[] = [
      { hash: HASH.toUpperCase(), want: HASH },
      { hash: HASH + "f".repeat(24), want: HASH },
      { hash: `urn:btih:${HASH}`, want: HASH },
      { hash: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa7", want: `${"0".repeat(38)}1f` },
      { hash: `${folder}/a.torrent`, want: JSON.parse(made).infoHashV1 },
    ];
    for (const { hash, want } of rows) {
      const world = announceWorld(ANSWER);
      await runTool(["announce", URL_A, hash, "--stay"], world);
      assert.equal(world.questions[0].infoHash.toHex(), want, hash);
    }
  }));

Deno.test("announce refuses what it cannot ask, in one sentence", async () => {
  const rows: { args: string[]; want: RegExp }[] = [
    { args: [], want: /^Cannot start: missing required argument 'url'$/ },
    {
      args: [URL_A, "xyz"],
      want: /^Cannot start: "xyz" is no info hash \(40 hex letters\), and as a file: no such file/,
    },
    { args: [URL_A, HASH, "--port", "65536"], want: /^Cannot start: --port must be 0 to 65535, and is "65536"$/ },
    {
      args: [URL_A, HASH, "--event", "begun"],
      want: /^Cannot start: --event must be one of started, .*, and is "begun"$/,
    },
    { args: [URL_A, HASH, "--peer-id", "short"], want: /^Cannot start: --peer-id must be 20 bytes, and "short" is 5$/ },
    { args: [URL_A, HASH, "-4", "-6"], want: /^Cannot start: of -4 and -6 only one/ },
    { args: [URL_A, HASH, "--timeout", "0"], want: /^Cannot start: --timeout must be 1 to 600, and is "0"$/ },
  ];
  for (const { args, want } of rows) {
    const { exitCode, out, err } = await runTool(["announce", ...args]);
    assert.equal(exitCode, 1);
    assert.match(err[0], want);
    assert.deepEqual([err.length, out], [1, []]);
  }
});

Deno.test("scrape prints a row for each info hash", async () => {
  const outcome: ScrapeAnswer = {
    kind: "answer",
    swarms: [
      { infoHash: Uint8Array.fromHex(HASH), counts: { complete: 12, downloaded: 345, incomplete: 6 } },
      { infoHash: new Uint8Array(20), counts: undefined },
    ],
  };
  const world = { askScrape: () => Promise.resolve({ outcome, milliseconds: 5, answeredBy: "192.0.2.1:6969" }) };
  const args = ["scrape", URL_A, HASH, "0".repeat(40)];
  const { exitCode, out } = await runTool(args, world);
  assert.equal(exitCode, 0);
  assert.deepEqual(out, [
    `${URL_A}: answers in 5 ms (192.0.2.1:6969)`,
    "  info hash                                 seeders leechers downloads",
    `  ${HASH}       12        6       345`,
    `  ${"0".repeat(40)}  not in the answer`,
  ]);
  const { out: [json] } = await runTool([...args, "--json"], world);
  assert.deepEqual(JSON.parse(json).swarms[0], {
    infoHash: HASH,
    counts: { complete: 12, downloaded: 345, incomplete: 6 },
  });
});
