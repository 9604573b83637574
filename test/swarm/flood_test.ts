/** Floods of the store, as bench/flood.ts makes them, small: the budget holds, and swarms that were there stay whole. */
import assert from "node:assert/strict";
import { type FloodScene, floodStore, KNOWN_TORRENTS } from "../../bench/store_flood.ts";

/** What each scene must come to beside what is true of all. `fill`: least share of the memory in use at the end. */
const ROWS: readonly (FloodScene & { readonly isRefused: boolean; readonly fill: number })[] = [
  { name: "torrents of random hashes", mebibytes: 16, hashes: 300_000, peers: 0, isRefused: true, fill: 0.94 },
  { name: "one swarm that fits", mebibytes: 16, hashes: 0, peers: 200_000, isRefused: false, fill: 0.3 },
  { name: "one swarm that does not", mebibytes: 16, hashes: 0, peers: 1_500_000, isRefused: true, fill: 0.98 },
  { name: "both at once", mebibytes: 16, hashes: 300_000, peers: 200_000, isRefused: true, fill: 0.98 },
];

for (const { isRefused, fill, ...scene } of ROWS) {
  Deno.test(`SwarmStore under a flood: ${scene.name}`, () => {
    const { wrong, looks, notStored, refused, full, after } = floodStore(scene);
    assert.ok(looks > KNOWN_TORRENTS);
    assert.equal(wrong, 0, "known swarms that were not what they were");
    assert.equal(notStored, refused, "what was refused is counted");
    assert.equal(refused > 0, isRefused, `${refused} refused`);
    assert.ok(full.bytesUsed <= full.bytesMax && full.bytesUsed >= full.bytesMax * fill, `${full.bytesUsed} bytes`);
    assert.equal(after.torrents, KNOWN_TORRENTS, "the flood has expired, the known have not");
    assert.ok(after.bytesUsed < full.bytesUsed);
  });
}
