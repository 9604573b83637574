import assert from "node:assert/strict";
import { orderedTorrents } from "../../src/office/ordered_torrents.ts";
import { addressBatches4, torrentBatches } from "../../src/office/torrent_batches.ts";
import { hashOf, OfficeMemory, rowsOf, UNIX_MINUTE } from "../support/office.ts";

async function collect(batches: AsyncIterable<Parameters<typeof rowsOf>[0]>): Promise<string[]> {
  const rows: string[] = [];
  for await (const batch of batches) rows.push(...rowsOf(batch));
  return rows;
}

/** Torrents whose hashes are `bytes` bytes of chance and zeros behind. */
function newMemory(torrents: number, bytes: number): { memory: OfficeMemory; want: string[] } {
  const memory = new OfficeMemory(64), hashes = new Set<string>();
  while (hashes.size < torrents) {
    const infoHash = new Uint8Array(20);
    crypto.getRandomValues(infoHash.subarray(20 - bytes));
    if (bytes === 20) crypto.getRandomValues(infoHash);
    hashes.add(infoHash.toHex());
    memory.announce({ infoHash, address: "192.0.2.1", port: 1, seeder: true });
  }
  return { memory, want: [...hashes].sort().map((hash) => `${hash} 1 0 0`) };
}

Deno.test("orderedTorrents() gives every torrent once, in ascending order", async () => {
  const rows: [torrents: number, bytes: number, passTorrents: number][] = [
    [0, 20, 100],
    [1, 20, 100],
    [20_000, 20, 1 << 20],
    // Several passes, and hashes of one prefix that no pass can part.
    [5000, 20, 512],
    [5000, 2, 512],
  ];
  for (const [torrents, bytes, passTorrents] of rows) {
    const { memory, want } = newMemory(torrents, bytes);
    assert.deepEqual(await collect(orderedTorrents(memory.source, passTorrents)), want, `${torrents} ${bytes}`);
  }
});

Deno.test("two full scrapes at once do not disturb each other", async () => {
  const { memory, want } = newMemory(3000, 20);
  const both = await Promise.all([collect(orderedTorrents(memory.source)), collect(orderedTorrents(memory.source))]);
  assert.deepEqual(both, [want, want]);
  assert.deepEqual(await collect(orderedTorrents(memory.source)), want);
});

Deno.test("torrentBatches() counts both families and gives minutes since 1970", async () => {
  const memory = new OfficeMemory();
  memory.announce({ infoHash: hashOf(1), address: "192.0.2.1", port: 1, seeder: true, completed: true });
  memory.announce({ infoHash: hashOf(1), address: "2001:db8::1", port: 2 });
  memory.second = 600;
  const minutes: number[] = [], rows: string[] = [];
  for await (const batch of torrentBatches(memory.source)) {
    minutes.push(...batch.minutes.subarray(0, batch.length));
    rows.push(...rowsOf(batch));
  }
  assert.deepEqual(rows, [`${"01".repeat(20)} 1 1 1`]);
  assert.deepEqual(minutes, [UNIX_MINUTE - 10]);
});

Deno.test("addressBatches4() gives every IPv4 peer of small and large swarms", async () => {
  const memory = new OfficeMemory(), want: number[] = [];
  for (let i = 0; i < 500; i++) {
    memory.announce({ infoHash: hashOf(7), address: `10.0.${i >> 8}.${i & 255}`, port: 1000 });
    want.push(0x0a000000 + i);
  }
  memory.announce({ infoHash: hashOf(8), address: "255.1.2.3", port: 1 });
  memory.announce({ infoHash: hashOf(8), address: "2001:db8::1", port: 1 });
  want.push(0xff010203);
  const found: number[] = [];
  for await (const batch of addressBatches4(memory.source)) found.push(...batch);
  assert.deepEqual(found.sort((a, b) => a - b), want);
});
