/** Two keepers and one file: what one tracker hands over, the next one has, and no two of them keep it for good. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { Leaver } from "../../src/persist/handover.ts";
import type { KeeperState } from "../../src/persist/keeper_start.ts";
import { StateFault } from "../../src/persist/state_fault.ts";
import { StateFile, type StateRow } from "../../src/persist/state_file.ts";
import { NaiveSwarm } from "../support/naive_swarm.ts";
import { seededRandom } from "../support/random.ts";
import { readTorrents } from "../support/read_torrents.ts";
import { StateRun, withStatePath } from "../support/state.ts";

const TEN = Uint8Array.of(10, 0, 0, 1);
const HASH = new Uint8Array(20).fill(7), OTHER = new Uint8Array(20).fill(8);

/** A tracker that is to leave, and the one that takes over from it. */
class Pair {
  readonly told: KeeperState[] = [];
  readonly old: StateRun;
  #next: StateRun | undefined;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.old = new StateRun(path, { passSeconds: 5 }, (state) => this.told.push(state));
  }

  get next(): StateRun {
    return this.#next!;
  }

  /** The old one is ready to leave, and the new one has loaded. */
  begin(): void {
    this.old.keeper.obey("handOver");
    this.#next = new StateRun(this.#path, { takesOver: true }, (state) => this.told.push(state));
  }

  /** The new one serves, and the old one has heard of it. */
  serve(): void {
    this.next.keeper.obey("claim");
    this.next.keeper.take();
    this.next.keeper.obey("serve");
    this.next.keeper.take();
    this.old.keeper.pass();
  }
}

Deno.test(
  "a successor has every peer as it was last heard, by whichever of the two, and none that has left",
  withStatePath((path) => {
    const random = seededRandom("handover"), model = new NaiveSwarm(45), pair = new Pair(path);
    const hashes = Array.from({ length: 5 }, () => random.bytes(20)), { old } = pair;
    // Who announces by the new one has not done so by the old one for some minutes.
    const announce = (run: StateRun, isEven: boolean) => {
      const torrent = random.below(hashes.length), seeder = random.oneIn(3);
      const port = 2 + 2 * random.below([1, 3, 30, 150, 900][torrent]!) + (isEven ? 0 : 1);
      const event = random.oneIn(4) ? EVENT_STOPPED : random.oneIn(4) ? EVENT_COMPLETED : EVENT_NONE;
      const address = port % 3 === 0 ? new Uint8Array(16).fill(33) : TEN;
      const asker = run.announce(hashes[torrent]!, address, port, seeder, event);
      model.announce(hashes[torrent]!.join(), asker, seeder, event, 0);
    };
    const many = (even: StateRun, odd?: StateRun) => {
      for (let i = 0; i < 6000; i++) {
        announce(even, true);
        if (odd !== undefined) announce(odd, false);
        if (random.oneIn(200)) old.keeper.pass();
        if (random.oneIn(200) && even !== odd) pair.next.keeper.take();
      }
    };
    old.minute = 500;
    many(old, old);
    old.minute = 503;
    pair.begin();
    many(old);
    pair.next.keeper.take();
    many(old);
    pair.serve();
    many(old, pair.next);
    // What is on its way is aged by the wall clock, which stands still here.
    pair.next.keeper.take();
    // The fronts' clocks go on, the connections of the old one are not over.
    old.minute = 504;
    pair.next.minute = 1;
    many(old, pair.next);
    old.keeper.stop();
    pair.next.keeper.take();
    assert.deepEqual(pair.told, ["handingOver", "claimed", "takenOver"]);
    assert.equal(pair.next.lines.at(-1), "state: the other process has left");
    assert.deepEqual(peersOf(pair.next), modelPeers(model));
    pair.next.keeper.stop();
    const after = new StateRun(path);
    assert.deepEqual(peersOf(after), modelPeers(model));
    after.keeper.stop();
  }),
);

Deno.test(
  "a completed download that was counted is not counted again by the successor",
  withStatePath((path) => {
    const pair = new Pair(path), { old } = pair;
    old.announce(HASH, TEN, 1, false, EVENT_NONE);
    pair.begin();
    old.announce(HASH, TEN, 1, true, EVENT_COMPLETED);
    old.keeper.pass();
    pair.next.keeper.take();
    pair.next.announce(HASH, TEN, 1, true, EVENT_COMPLETED);
    assert.equal(readTorrents(pair.next.start.arena).get(HASH.join())!.completed, 1);
    pair.next.keeper.stop();
    old.keeper.stop();
  }),
);

Deno.test(
  "a successor that nobody waits for any more is told so, and writes nothing",
  withStatePath((path) => {
    const pair = new Pair(path), { old } = pair;
    old.announce(HASH, TEN, 1, true, EVENT_NONE);
    pair.begin();
    old.keeper.obey("keepOn");
    pair.next.keeper.obey("claim");
    pair.next.keeper.take();
    pair.next.announce(OTHER, TEN, 1, true, EVENT_NONE);
    pair.next.keeper.stop();
    old.announce(HASH, TEN, 2, true, EVENT_NONE);
    old.keeper.stop();
    assert.deepEqual(pair.told, ["handingOver", "unwanted"]);
    const after = new StateRun(path);
    assert.deepEqual(peersOf(after).map(([torrent, peers]) => [torrent, peers.length]), [[HASH.join(), 2]]);
    after.keeper.stop();
  }),
);

Deno.test(
  "a successor waits for its claim until the file can be written",
  withStatePath((path) => {
    const pair = new Pair(path);
    pair.begin();
    const blocker = new DatabaseSync(path);
    blocker.exec("BEGIN IMMEDIATE");
    pair.next.keeper.obey("claim");
    pair.next.keeper.take();
    assert.deepEqual(pair.told, ["handingOver"]);
    blocker.close();
    pair.next.keeper.take();
    assert.deepEqual(pair.told, ["handingOver", "claimed"]);
    pair.next.keeper.stop();
    pair.old.keeper.stop();
  }),
);

Deno.test(
  "a tracker whose successor ends takes back what that one wrote",
  withStatePath((path) => {
    const pair = new Pair(path), { old } = pair;
    old.announce(HASH, TEN, 1, true, EVENT_NONE);
    pair.begin();
    pair.serve();
    pair.next.announce(HASH, TEN, 2, true, EVENT_NONE);
    pair.next.announce(OTHER, TEN, 3, false, EVENT_NONE);
    pair.next.keeper.stop();
    old.announce(HASH, TEN, 4, true, EVENT_NONE);
    old.keeper.obey("keepOn");
    const want = [[HASH.join(), 3], [OTHER.join(), 1]];
    assert.deepEqual(peersOf(old).map(([torrent, peers]) => [torrent, peers.length]), want);
    old.keeper.stop();
    const after = new StateRun(path);
    assert.deepEqual(peersOf(after).map(([torrent, peers]) => [torrent, peers.length]), want);
    after.keeper.stop();
  }),
);

Deno.test(
  "a successor hands nothing over before the one before it has left",
  withStatePath((path) => {
    const pair = new Pair(path), { old } = pair;
    pair.begin();
    pair.serve();
    old.announce(HASH, TEN, 1, true, EVENT_NONE);
    old.keeper.pass();
    pair.next.keeper.obey("handOver");
    assert.equal(pair.told.at(-1), "unable");
    pair.next.keeper.take();
    assert.equal(pair.next.store.totals().seeders4, 1, "what was on its way came");
    old.keeper.stop();
    pair.next.keeper.take();
    pair.next.keeper.obey("handOver");
    assert.equal(pair.told.at(-1), "handingOver");
    pair.next.keeper.stop();
  }),
);

Deno.test(
  "a keeper that leaves writes large swarms no more often, and after a fault only what changed since it began",
  withStatePath((path) => {
    const pair = new Pair(path), { old } = pair;
    old.minute = 10;
    for (let port = 1; port <= 5000; port++) old.announce(HASH, TEN, port, true, EVENT_NONE);
    old.announce(OTHER, TEN, 1, true, EVENT_NONE);
    old.minute = 20;
    pair.begin();
    let writes = 0;
    for (let pass = 0; pass < 300; pass++) {
      old.announce(HASH, TEN, 1, true, EVENT_NONE);
      writes += old.keeper.pass();
    }
    assert.equal(writes, 1, "once in a minute of passes");
    const before = handedOver(path), blocker = new DatabaseSync(path);
    blocker.exec("BEGIN IMMEDIATE");
    assert.equal(old.keeper.pass(), -1);
    blocker.close();
    assert.equal(old.keeper.pass() > 0, true);
    assert.deepEqual(handedOver(path).slice(before.length), [HASH.join()]);
    pair.next.keeper.stop();
    old.keeper.stop();
  }),
);

Deno.test(
  "a start takes what was on its way to a successor when both were killed",
  withStatePath((path) => {
    const run = new StateRun(path);
    run.announce(HASH, TEN, 1, true, EVENT_NONE);
    run.keeper.stop();
    const file = StateFile.open(path), [row] = [...file.rows()];
    file.handOver({ ...row!, infoHash: OTHER });
    file.close();
    const next = new StateRun(path);
    assert.equal(next.store.totals().seeders4, 2);
    next.keeper.stop();
    assert.equal(rows(path).length, 2);
  }),
);

Deno.test(
  "a successor follows what the other one hands over, and writes nothing before it serves",
  withStatePath((path) => {
    const told: string[] = [], old = new StateRun(path, {}, (state) => told.push(state));
    old.announce(HASH, TEN, 1, true, EVENT_NONE);
    old.keeper.obey("handOver");
    assert.deepEqual(told, ["handingOver"]);
    const next = new StateRun(path, { takesOver: true });
    assert.equal(next.store.totals().seeders4, 1);
    old.announce(HASH, TEN, 2, true, EVENT_NONE);
    next.announce(OTHER, TEN, 1, true, EVENT_NONE);
    next.keeper.stop();
    assert.equal(rows(path).length, 1);
    old.keeper.obey("keepOn");
    old.keeper.stop();
    assert.deepEqual([rows(path).length, rows(path)[0]!.seeders4], [1, 2]);
  }),
);

for (const stage of ["begun", "claimed", "serving"] as const) {
  Deno.test(
    `a successor whose tracker is killed (${stage}) leaves the file to a third one that has its lock first`,
    withStatePath((path) => {
      const told: KeeperState[] = [], old = StateFile.open(path);
      new Leaver(old, 0);
      const next = new StateRun(path, { takesOver: true }, (state) => told.push(state));
      const claim = () => {
        next.keeper.obey("claim");
        next.keeper.take();
      };
      if (stage !== "begun") claim();
      if (stage === "serving") {
        next.keeper.obey("serve");
        next.keeper.take();
      }
      next.announce(HASH, TEN, 1, true, EVENT_NONE);
      // What the system does with the lock of a killed process.
      old.close();
      const third = new StateRun(path);
      if (stage === "begun") claim();
      // Whatever comes first.
      else if (stage === "claimed") next.keeper.take();
      else assert.equal(next.keeper.pass(), -1);
      next.keeper.obey("serve");
      assert.deepEqual(told, stage === "begun" ? ["unwanted"] : ["claimed", "ousted"]);
      third.announce(OTHER, TEN, 2, true, EVENT_NONE);
      third.keeper.stop();
      // Its fronts end after that one.
      next.keeper.take();
      if (stage !== "begun") next.keeper.stop();
      assert.deepEqual(rows(path).map(({ infoHash }) => infoHash), [OTHER]);
    }),
  );
}

Deno.test(
  "a successor that has the lock of a killed tracker goes on, and a third one is refused",
  withStatePath((path) => {
    const told: KeeperState[] = [], old = StateFile.open(path);
    new Leaver(old, 0);
    const next = new StateRun(path, { takesOver: true }, (state) => told.push(state));
    old.close();
    next.keeper.take();
    assert.throws(() => new StateRun(path), /is kept by another tracker that runs/);
    next.keeper.obey("claim");
    next.keeper.take();
    next.keeper.obey("serve");
    next.keeper.take();
    assert.deepEqual([told, next.lines.at(-1)], [["claimed"], "state: the other process has left"]);
    next.keeper.stop();
  }),
);

Deno.test(
  "a file of an older version is not brought up to date under the tracker that has it",
  withStatePath((path) => {
    StateFile.open(path).close();
    const db = new DatabaseSync(path);
    db.exec("DROP TABLE stats_minute; PRAGMA user_version = 2");
    assert.throws(
      () => StateFile.open(path, { isShared: true }),
      (error) =>
        error instanceof StateFault && /\(schema 2, this one has \d+\).*; stop that tracker/.test(error.message),
    );
    assert.deepEqual({ ...db.prepare("PRAGMA user_version").get() }, { user_version: 2 });
    db.close();
  }),
);

/** Torrents with their peers and whether each is a seeder, in order; those without peers are left out. */
function peersOf(run: StateRun): [torrent: string, peers: string[]][] {
  return sorted([...readTorrents(run.start.arena)].map(([torrent, { peers }]) => [torrent, peers]));
}

function modelPeers(model: NaiveSwarm): [torrent: string, peers: string[]][] {
  return sorted([...model.torrents].map(([torrent, { peers }]) => [torrent, peers]));
}

function sorted(torrents: [string, ReadonlyMap<string, { readonly seeder: boolean }>][]): [string, string[]][] {
  return torrents.filter(([, peers]) => peers.size > 0)
    .map((
      [torrent, peers],
    ): [string, string[]] => [torrent, [...peers].map(([name, { seeder }]) => `${name} ${seeder}`)])
    .map(([torrent, peers]): [string, string[]] => [torrent, peers.sort()])
    .sort(([a], [b]) => a < b ? -1 : 1);
}

function handedOver(path: string): string[] {
  return read(path, (file) => file.handedOver(0).rows.map(({ infoHash }) => infoHash.join()));
}

function rows(path: string): StateRow[] {
  return read(path, (file) => [...file.rows()]);
}

function read<Result>(path: string, look: (file: StateFile) => Result): Result {
  const file = StateFile.open(path, { readOnly: true });
  try {
    return look(file);
  } finally {
    file.close();
  }
}
