/**
 * What every front must be able to talk about, over every protocol: clients come, meet, finish, are counted and go, and
 * bad ones are refused. Written once; front_conversation_test.ts has it with each front over each kind of socket.
 */
import assert from "node:assert/strict";
import type { Announced, Client, Talk } from "./talk.ts";

/** Ports of the clients. */
const ALICE = 20_001, BOB = 20_002, CAROL = 20_003;

/** Has the conversation about the torrent `infoHash`, which nobody has spoken of before. */
export async function converse(talk: Talk, infoHash: Uint8Array): Promise<void> {
  const say = (client: Client) => announce(talk, infoHash, client), peer = (port: number) => `${talk.address} ${port}`;

  const first = await say({ port: ALICE, left: 1000, event: "started" });
  assert.deepEqual([first.seeders, first.leechers, first.peers], [0, 1, []], "the first client is alone");
  assert.ok(first.intervalSeconds >= 1620 && first.intervalSeconds < 1980, `interval ${first.intervalSeconds}`);

  const second = await say({ port: BOB, left: 500, event: "started" });
  assert.deepEqual([second.seeders, second.leechers], [0, 2]);
  assert.deepEqual(second.peers, [peer(ALICE)], "the second client meets the first");
  assert.deepEqual((await say({ port: ALICE, left: 900 })).peers, [peer(BOB)], "and the first the second");
  assert.deepEqual(await counts(talk, infoHash), [0, 0, 2]);

  const finished = await say({ port: BOB, left: 0, event: "completed" });
  assert.deepEqual([finished.seeders, finished.leechers], [1, 1]);
  await say({ port: BOB, left: 0, event: "completed" });
  assert.deepEqual(await counts(talk, infoHash), [1, 1, 1], "a download is counted once");

  const seeder = await say({ port: CAROL, left: 0, event: "started" });
  assert.deepEqual(seeder.peers, [peer(ALICE)], "a seeder is given no seeder");
  assert.deepEqual((await say({ port: ALICE, left: 900, numwant: 0 })).peers, []);
  assert.equal((await say({ port: ALICE, left: 900, numwant: 1 })).peers.length, 1);
  assert.deepEqual((await say({ port: ALICE, left: 900 })).peers, [peer(BOB), peer(CAROL)]);

  const stopped = await say({ port: BOB, left: 0, event: "stopped" });
  assert.deepEqual([stopped.seeders, stopped.leechers, stopped.peers], [1, 1, []]);
  assert.deepEqual((await say({ port: ALICE, left: 900 })).peers, [peer(CAROL)], "who has left is not met");

  await refuse(talk, infoHash);
  for (const port of [ALICE, CAROL]) await say({ port, left: 1, event: "stopped" });
  assert.deepEqual(await counts(talk, infoHash), [0, 1, 0], "the download is remembered");
}

async function refuse(talk: Talk, infoHash: Uint8Array): Promise<void> {
  const before = await counts(talk, infoHash);
  for (const event of ["started", "completed", "stopped"] as const) {
    const portless = await announce(talk, infoHash, { port: 0, left: 0, event });
    assert.equal(portless.peers.length, event === "stopped" ? 0 : 1, "port 0 is given the leecher, and not stored");
  }
  for (const { asked, heard, wanted } of await talk.misbehave(infoHash)) assert.equal(heard, wanted, asked);
  assert.deepEqual(await counts(talk, infoHash), before, "refusals change nothing");
}

async function announce(talk: Talk, infoHash: Uint8Array, client: Client): Promise<Announced> {
  const answer = await talk.announce(infoHash, client);
  assert.ok(!("refusal" in answer), `${JSON.stringify(client)} was refused: ${JSON.stringify(answer)}`);
  return answer;
}

// Seeders, completed and leechers; asked for together with an unknown torrent, whose counts are zeros.
async function counts(talk: Talk, infoHash: Uint8Array): Promise<number[]> {
  const unknown = infoHash.map((byte) => byte ^ 0xff), scraped = await talk.scrape([unknown, infoHash, unknown]);
  for (const i of [0, 2]) assert.deepEqual(scraped[i], { seeders: 0, completed: 0, leechers: 0 });
  const { seeders, completed, leechers } = scraped[1]!;
  return [seeders, completed, leechers];
}
