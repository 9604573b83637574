import assert from "node:assert/strict";
import { ScrapeReply } from "../../src/bittorrent/scrape.ts";
import { restoreStateDump, StateDumpReader } from "../../src/persist/statedump_loader.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { LOADER_OWNER } from "../../src/swarm/owners.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";
import { TorrentLoader } from "../../src/swarm/torrent_loader.ts";
import { sweepAll } from "../support/store.ts";
import { latin1 } from "../support/vectors.ts";

const NOW = 29_000_000;
const hash = (byte: number) => byte.toString(16).padStart(2, "0").repeat(20);

function newArena(): SharedArrayBuffer {
  return createArena(16, Int32Array.of(1, 2, 3, 4));
}

function completedOf(arena: SharedArrayBuffer, byte: number): number {
  const store = new SwarmStore(arena, 1, 1, 45), reply = new ScrapeReply();
  sweepAll(store);
  store.scrape(new Int32Array(new Uint8Array(20).fill(byte).buffer), reply, 0);
  return reply.counts[1]!;
}

Deno.test("StateDumpReader loads whole lines and counts the others", () => {
  const rows: [line: string, became: "loaded" | "old" | "empty" | "bad" | null, completed: number][] = [
    [`${hash(0xab)}:${NOW - 10}:7`, "loaded", 7],
    [`${hash(0xab).toUpperCase()}:${NOW}:7`, "loaded", 7],
    [`${hash(0xab)}:${NOW}:7 and more`, "loaded", 7],
    [`${hash(0xab)}:${NOW}:7\r`, "loaded", 7],
    [`${hash(0xab)}:${NOW + 100}:7`, "loaded", 7],
    [`${hash(0xab)}:${NOW - 1439}:7`, "loaded", 7],
    [`${hash(0xab)}:${NOW - 1440}:7`, "old", 0],
    [`${hash(0xab)}:${NOW}:0`, "empty", 0],
    [`${hash(0xab)}:${NOW}:2147483647`, "loaded", 2147483647],
    [`${hash(0xab)}:${NOW}:2147483648`, "bad", 0],
    [`${hash(0xab)}:${NOW}:`, "bad", 0],
    [`${hash(0xab)}::7`, "bad", 0],
    [`${hash(0xab)}:${NOW}`, "bad", 0],
    [`${hash(0xab)}:-5:7`, "bad", 0],
    [`${hash(0xab).slice(1)}:${NOW}:7`, "bad", 0],
    [`z${hash(0xab).slice(1)}:${NOW}:7`, "bad", 0],
    [` ${hash(0xab)}:${NOW}:7`, "bad", 0],
    ["what is this", "bad", 0],
    ["x".repeat(100_000), "bad", 0],
    ["", null, 0],
    ["\r", null, 0],
  ];
  for (const [line, became, completed] of rows) {
    const arena = newArena();
    const reader = new StateDumpReader(new TorrentLoader(arena, LOADER_OWNER, 1), NOW);
    reader.add(latin1(`${line}\n`));
    const want = { loaded: 0, old: 0, empty: 0, bad: 0, firstBadLine: 0 };
    if (became !== null) want[became] = 1;
    if (became === "bad") want.firstBadLine = 1;
    assert.deepEqual(reader.end(), want, line.slice(0, 60));
    assert.equal(completedOf(arena, 0xab), completed, line.slice(0, 60));
  }
});

Deno.test("StateDumpReader takes a file in pieces of any length, and a last line without its end", () => {
  const text = latin1(`${hash(1)}:${NOW}:1\n${hash(2)}:${NOW}:2\nbad\n${hash(3)}:${NOW}:3`);
  for (let size = 1; size <= text.length; size++) {
    const reader = new StateDumpReader(new TorrentLoader(newArena(), LOADER_OWNER, 1), NOW);
    for (let at = 0; at < text.length; at += size) reader.add(text.subarray(at, at + size));
    assert.deepEqual(reader.end(), { loaded: 3, old: 0, empty: 0, bad: 1, firstBadLine: 3 });
  }
});

Deno.test("loading a dump again and again doubles nothing", async () => {
  const arena = newArena(), path = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(path, `${hash(5)}:${NOW}:4\n${hash(6)}:${NOW}:0\nbad line\n`);
    const want = `state dump ${path}: 1 torrents loaded, 1 without completed downloads, ` +
      "1 bad lines, the first is line 3";
    for (let i = 0; i < 3; i++) assert.equal(await restoreStateDump(path, arena, NOW), want);
    assert.equal(completedOf(arena, 5), 4);
  } finally {
    Deno.removeSync(path);
  }
});

Deno.test("a dump that is not there, or a folder, is said and no more", async () => {
  for (const path of ["/nowhere/dump.txt", Deno.cwd()]) {
    const sentence = await restoreStateDump(path, newArena(), NOW);
    assert.ok(sentence.startsWith(`state dump ${path} cannot be read, starting without it: `), sentence);
  }
});
