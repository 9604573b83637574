/** The sweep keeps to its time whatever has been put into the store since the last one. */
import assert from "node:assert/strict";
import { AnnounceReply } from "../../src/bittorrent/announce.ts";
import { SWEEP_TICK_MS, SWEEP_VISITS_MAX, SweepPace } from "../../src/front/sweep_pace.ts";
import { seededRandom } from "../support/random.ts";
import { newTracker } from "../support/tracker.ts";

const TORRENTS = 400_000;
const TICKS_A_MINUTE = 60_000 / SWEEP_TICK_MS;

function filledTracker() {
  const tracker = newTracker({}, 64), random = seededRandom("sweep pace"), { request, store } = tracker;
  const reply = new AnnounceReply(new Uint16Array(64));
  reply.peersMax = 0;
  for (let i = 0; i < TORRENTS; i++) {
    for (let k = 0; k < 5; k++) request.infoHash[k] = random.below(2 ** 32);
    request.portWord = 1;
    store.announce(request, reply);
  }
  assert.equal(store.totals().torrents, TORRENTS);
  return tracker;
}

for (const fronts of [1, 3]) {
  Deno.test(`SweepPace of ${fronts} fronts sees every torrent of a store just filled within a minute`, () => {
    const tracker = filledTracker(),
      paces = Array.from({ length: fronts }, (_, i) => new SweepPace(tracker, i, fronts));
    tracker.clock.second = (tracker.store.peerAgeMinutesMax + 1) * 60;
    for (let tick = 0; tick < TICKS_A_MINUTE + 1; tick++) for (const pace of paces) pace.tick();
    assert.equal(tracker.store.totals().torrents, 0);
  });
}

Deno.test("SweepPace makes no more visits in a tick than its limit", () => {
  const tracker = filledTracker(), { store } = tracker, sweep = store.sweep.bind(store);
  let visits = 0, most = 0, all = 0;
  store.sweep = (shard, steps) => {
    visits++;
    return sweep(shard, steps);
  };
  const pace = new SweepPace(tracker, 0, 1);
  for (let tick = 0; tick < 2 * TICKS_A_MINUTE; tick++) {
    visits = 0;
    pace.tick();
    most = Math.max(most, visits);
    all += visits;
  }
  assert.ok(most <= SWEEP_VISITS_MAX, `${most} visits in a tick`);
  // Spread evenly: no tick has many times its share.
  assert.ok(most < all / TICKS_A_MINUTE * 3, `${most} visits in a tick of ${all} in all`);
});
