/** The keeper: what one run of the store holds, the next one finds, at the right age. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { EVENT_COMPLETED, EVENT_NONE, EVENT_STOPPED } from "../../src/bittorrent/announce.ts";
import { restoreStateDump } from "../../src/persist/statedump_loader.ts";
import { StateFile } from "../../src/persist/state_file.ts";
import { COUNTER, counterRow } from "../../src/stats/counters.ts";
import { NaiveSwarm } from "../support/naive_swarm.ts";
import { seededRandom } from "../support/random.ts";
import { assertSameTorrents, readTorrents } from "../support/read_torrents.ts";
import { StateRun, withStatePath } from "../support/state.ts";
import { sweepAll } from "../support/store.ts";

const TEN = Uint8Array.of(10, 0, 0, 1);
const HASH = new Uint8Array(20).fill(7);

Deno.test(
  "Keeper brings back every torrent and peer, with their ages, whatever shape their lists have",
  withStatePath((path) => {
    const random = seededRandom("keeper"), model = new NaiveSwarm(45);
    const hashes = Array.from({ length: 2000 }, () => random.bytes(20));
    // Ages in the file go by the wall clock.
    const wallMinute = Math.floor(Date.now() / 60_000);
    let run = new StateRun(path), later = 0;
    for (let round = 0; round < 3; round++) {
      const minute = 100 + round * 11;
      run.minute = minute + later;
      for (let i = 0; i < 20_000; i++) {
        const torrent = random.oneIn(2) ? random.below(3) : random.below(hashes.length);
        const ports = torrent === 0 ? 6000 : torrent < 3 ? 150 : 3, seeder = random.oneIn(3);
        const address = random.oneIn(3) ? new Uint8Array(16).fill(32 + random.below(2)) : TEN;
        const event = random.oneIn(8) ? EVENT_STOPPED : random.oneIn(4) ? EVENT_COMPLETED : EVENT_NONE;
        const asker = run.announce(hashes[torrent]!, address, 1 + random.below(ports), seeder, event);
        model.announce(hashes[torrent]!.join(), asker, seeder, event, minute);
        if (i % 4001 === 0) run.keeper.pass();
      }
      run.keeper.stop();
      // The new run's clock begins elsewhere.
      const begun = [0, 5, 40_000][round]!;
      run = new StateRun(path, { clock: secondsAt(begun * 60) });
      // Peers are a minute older than the model's when the test crosses one.
      if (Math.floor(Date.now() / 60_000) !== wallMinute) return run.keeper.stop();
      later = begun - minute;
      forgetEmpty(model);
      assertSameTorrents(readTorrents(run.start.arena), model, later);
    }
    run.keeper.stop();
  }),
);

Deno.test(
  "Keeper saves nothing anew that did not change",
  withStatePath((path) => {
    const run = new StateRun(path);
    run.announce(HASH, TEN, 1, true, EVENT_NONE);
    assert.equal(run.keeper.pass(), 1);
    assert.equal(run.keeper.pass(), 0);
    run.announce(HASH, TEN, 1, true, EVENT_STOPPED);
    assert.equal(run.keeper.pass(), 1);
    run.keeper.stop();
    assert.equal(new StateRun(path).store.totals().torrents, 0);
  }),
);

Deno.test(
  "Keeper writes large swarms in every pass up to so many peers, others once in a while, and all at its stop",
  withStatePath((path) => {
    const run = new StateRun(path, { passSeconds: 5 }), [small, large, vast] = [7, 8, 9].map((byte) => fillHash(byte));
    const join = (hash: Uint8Array, port: number) => run.announce(hash, TEN, port, true, EVENT_NONE);
    for (let port = 1; port <= 5000; port++) join(large!, port);
    for (let i = 0; i <= 131_072; i++) {
      run.announce(vast!, Uint8Array.of(10, 1, i >> 15, 1), 1 + (i & 0x7fff), true, EVENT_NONE);
    }
    const writes: number[] = [];
    for (let pass = 0; pass < 36; pass++) {
      for (const hash of [small!, large!, vast!]) join(hash, 1);
      writes.push(run.keeper.pass());
    }
    assert.equal(writes.filter((torrents) => torrents === 3).length, 3, "once in twelve passes of five seconds");
    assert.equal(writes.filter((torrents) => torrents === 2).length, 33);
    for (const hash of [large!, vast!]) join(hash, 65_535);
    const { seeders4 } = run.store.totals();
    run.keeper.stop();
    assert.equal(new StateRun(path).store.totals().seeders4, seeders4);
  }),
);

Deno.test(
  "Keeper writes in a pass as many large swarms as it has peers for",
  withStatePath((path) => {
    const run = new StateRun(path, { passSeconds: 1 }), hashes = Array.from({ length: 40 }, (_, i) => fillHash(i));
    const join = (port: number) => hashes.forEach((hash) => run.announce(hash, TEN, port, true, EVENT_NONE));
    for (let port = 1; port <= 5000; port++) join(port);
    for (let pass = 0; pass < 60; pass++) run.keeper.pass();
    join(1);
    const written = run.keeper.pass();
    // 131,072 peers are 26 of them, and the turn of a few more may be now.
    assert.ok(written >= 26 && written < 40, `${written} were written`);
    for (let pass = 0; pass < 60; pass++) run.keeper.pass();
    assert.equal(run.keeper.pass(), 0, "none is left out for good");
    run.keeper.stop();
  }),
);

Deno.test(
  "Keeper rests between the steps of a pass, and not when somebody waits for its end",
  withStatePath((path) => {
    const random = seededRandom("rests"), run = new StateRun(path), { wait } = Atomics;
    let rests = 0;
    const announceAll = () => {
      for (let i = 0; i < 2000; i++) run.announce(random.bytes(20), TEN, 1, true, EVENT_NONE);
      rests = 0;
    };
    Atomics.wait = () => {
      rests++;
      return "timed-out";
    };
    try {
      announceAll();
      assert.equal(run.keeper.pass(), 2000);
      // How many depends on the machine.
      assert.ok(rests > 1, `${rests} rests`);
      announceAll();
      run.keeper.stop();
      assert.equal(rests, 0);
    } finally {
      Atomics.wait = wait;
    }
  }),
);

Deno.test(
  "Keeper begins its next pass as much earlier as a pass takes",
  withStatePath((path) => {
    const { setTimeout, performance } = globalThis, { writeBack } = StateFile.prototype;
    const timers: { readonly run: () => void; readonly ms: number }[] = [];
    let nowMs = 0;
    globalThis.setTimeout = ((run: () => void, ms: number) => timers.push({ run, ms })) as unknown as typeof setTimeout;
    globalThis.performance = { now: () => nowMs } as Performance;
    StateFile.prototype.writeBack = () => nowMs += 1000;
    try {
      const run = new StateRun(path, { passSeconds: 5 });
      run.announce(HASH, TEN, 1, true, EVENT_NONE);
      timers[0]!.run();
      assert.deepEqual(timers.map(({ ms }) => ms), [5000, 3000]);
      run.keeper.stop();
    } finally {
      Object.assign(globalThis, { setTimeout, performance });
      StateFile.prototype.writeBack = writeBack;
    }
  }),
);

Deno.test(
  "Keeper does not bring back a peer whose leaving the sweep followed at once",
  withStatePath((path) => {
    const run = new StateRun(path);
    run.announce(HASH, TEN, 1, true, EVENT_NONE);
    run.keeper.pass();
    run.announce(HASH, TEN, 1, true, EVENT_STOPPED);
    sweepAll(run.store);
    run.keeper.pass();
    sweepAll(run.store);
    assert.equal(run.store.totals().torrents, 0);
    run.keeper.stop();
    assert.equal(new StateRun(path).store.totals().torrents, 0);
  }),
);

Deno.test(
  "Keeper leaves out the expired, and keeps the count of their downloads",
  withStatePath((path) => {
    const run = new StateRun(path);
    run.announce(HASH, TEN, 1, true, EVENT_COMPLETED);
    run.minute = 40;
    run.announce(HASH, Uint8Array.of(10, 0, 0, 2), 1, false, EVENT_NONE);
    run.keeper.stop();
    age(path, 5);
    const next = new StateRun(path), { seeders4, leechers4, torrents } = next.store.totals();
    assert.deepEqual({ seeders4, leechers4, torrents }, { seeders4: 0, leechers4: 1, torrents: 1 });
    assert.equal(readTorrents(next.start.arena).get(HASH.join())?.completed, 1);
    next.keeper.stop();
  }),
);

Deno.test(
  "Keeper remembers a count for tracker.state_days, and gives it to a torrent that comes back",
  withStatePath((path) => {
    const run = new StateRun(path);
    for (let port = 1; port <= 3; port++) run.announce(HASH, TEN, port, true, EVENT_COMPLETED);
    run.keeper.stop();
    age(path, 60 * 24 * 80);
    const back = new StateRun(path);
    assert.equal(back.store.totals().torrents, 0, "too old for the store");
    for (let i = 0; i < 64; i++) back.keeper.pass();
    back.announce(HASH, TEN, 9, true, EVENT_COMPLETED);
    back.keeper.pass();
    assert.equal(readTorrents(back.start.arena).get(HASH.join())?.completed, 4);
    back.announce(HASH, TEN, 9, true, EVENT_NONE);
    back.keeper.stop();
    assert.equal(rows(path)[0]?.completed, 4);
    age(path, 60 * 24 * 91);
    const late = new StateRun(path);
    for (let i = 0; i < 64; i++) late.keeper.pass();
    late.keeper.stop();
    assert.deepEqual(rows(path), []);
  }),
);

Deno.test(
  "Keeper adds what the file remembers of a torrent once, whenever a pass fails",
  withStatePath((path) => {
    const hashes = Array.from({ length: 50 }, (_, i) => new Uint8Array(20).fill(i + 1)), run = new StateRun(path);
    for (const hash of hashes) for (let i = 1; i <= 5; i++) run.announce(hash, TEN, i, true, EVENT_COMPLETED);
    run.keeper.stop();
    age(path, 60 * 24 * 2);
    const back = new StateRun(path), other = new DatabaseSync(path);
    for (const hash of hashes) back.announce(hash, TEN, 9, true, EVENT_COMPLETED);
    // Fails at the tenth torrent: some have their counts then, others do not.
    other.exec(
      `CREATE TRIGGER tenth BEFORE INSERT ON torrents
       WHEN (SELECT count(*) FROM torrents WHERE completed = 6) >= 9 BEGIN SELECT RAISE(ABORT, 'no more'); END`,
    );
    for (let i = 0; i < 2; i++) assert.equal(back.keeper.pass(), -1);
    other.exec("DROP TRIGGER tenth");
    other.close();
    assert.equal(back.keeper.pass(), 50);
    for (const { completed } of readTorrents(back.start.arena).values()) assert.equal(completed, 6);
    back.keeper.stop();
    assert.deepEqual(rows(path).map(({ completed }) => completed), hashes.map(() => 6));
  }),
);

Deno.test(
  "Keeper keeps the higher count of a state dump and the file, and counts on from there",
  withStatePath(async (path) => {
    const unixMinute = Math.floor(Date.now() / 60_000), dump = `${path}.dump`, other = new Uint8Array(20).fill(8);
    const file = StateFile.open(path),
      row = { touched: unixMinute, seeders4: 0, peers4: null, seeders6: 0, peers6: null };
    file.save({ ...row, infoHash: HASH, completed: 500 });
    file.save({ ...row, infoHash: other, completed: 500 });
    file.close();
    // Too old for the store, but not for the file.
    age(path, 60 * 24 * 2);
    Deno.writeTextFileSync(
      dump,
      [[HASH, 300], [other, 800]].map(([hash, completed]) =>
        `${(hash as Uint8Array).toHex()}:${unixMinute}:${completed}\n`
      ).join(""),
    );
    const run = new StateRun(path);
    await restoreStateDump(dump, run.start.arena, unixMinute);
    run.keeper.pass();
    for (const hash of [HASH, other]) run.announce(hash, TEN, 1, true, EVENT_COMPLETED);
    const counts = [HASH, other].map((hash) => readTorrents(run.start.arena).get(hash.join())?.completed);
    run.keeper.stop();
    assert.deepEqual(counts, [501, 801]);
    assert.deepEqual(rows(path).map(({ completed }) => completed), [501, 801]);
  }),
);

Deno.test(
  "Keeper takes what a clock ahead has written for as new as it can be, and writes it so",
  withStatePath((path) => {
    const run = new StateRun(path);
    run.announce(HASH, TEN, 1, true, EVENT_COMPLETED);
    run.keeper.stop();
    age(path, -60 * 24 * 365);
    const next = new StateRun(path);
    assert.equal(next.store.totals().seeders4, 1);
    next.keeper.stop();
    const [row] = rows(path), now = Math.floor(Date.now() / 60_000);
    assert.ok(row!.touched <= now && row!.touched >= now - 1, `${row!.touched} at ${now}`);
    assert.equal(row!.completed, 1);
  }),
);

Deno.test(
  "Keeper removes dead torrents from the file, and peers of torrents that only have a count",
  withStatePath((path) => {
    const run = new StateRun(path), random = seededRandom("keeper, dead");
    for (let i = 0; i < 300; i++) run.announce(random.bytes(20), TEN, 1, true, i === 0 ? EVENT_COMPLETED : EVENT_NONE);
    run.keeper.stop();
    age(path, 60);
    const next = new StateRun(path);
    for (let i = 0; i < 64; i++) next.keeper.pass();
    next.keeper.stop();
    const left = rows(path);
    assert.deepEqual([left.length, left[0]?.completed, left[0]?.peers4], [1, 1, null]);
  }),
);

Deno.test(
  "Keeper gives no age to what is announced in a minute that began after its pass",
  withStatePath((path) => {
    const old = new StateRun(path, {}, (state) => {
      // Told at the beginning of a pass.
      if (state !== "takenOver") return;
      old.minute = 101;
      old.announce(HASH, TEN, 1, true, EVENT_NONE);
    });
    old.minute = 100;
    old.keeper.obey("handOver");
    const next = new StateRun(path, { takesOver: true });
    const file = StateFile.open(path, { isShared: true });
    file.setMeta("handover", "serving");
    const wallMinute = Math.floor(Date.now() / 60_000);
    old.keeper.pass();
    const [row] = file.handedOver(0).rows;
    file.close();
    assert.ok(row!.touched >= wallMinute, `${wallMinute - row!.touched} minutes old`);
    next.keeper.stop();
    old.keeper.stop();
  }),
);

Deno.test(
  "Keeper keeps the key and the clock of connection ids",
  withStatePath((path) => {
    const first = new StateRun(path, { connectionId: new SharedArrayBuffer(20) });
    new Int32Array(first.start.connectionId).fill(0);
    first.minute = 30;
    first.keeper.stop();
    const file = StateFile.open(path);
    const key = file.meta("connection_id_key") as Uint8Array;
    file.setMeta("connection_id_key", Uint8Array.from({ length: 16 }, (_, i) => i + 1));
    file.close();
    assert.equal(key.length, 16);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    const words = new Int32Array(new StateRun(path).start.connectionId);
    assert.deepEqual([...new Uint8Array(words.buffer, 0, 16)], Array.from({ length: 16 }, (_, i) => i + 1));
    assert.ok(words[4]! >= 1800 && words[4]! < 1860, `${words[4]} seconds ahead`);
  }),
);

Deno.test(
  "Keeper serves on when the file cannot be written, counts it, and writes everything when it can again",
  withStatePath((path) => {
    const run = new StateRun(path), other = Uint8Array.of(10, 0, 0, 2);
    run.announce(HASH, TEN, 1, true, EVENT_NONE);
    run.keeper.pass();
    const blocker = new DatabaseSync(path);
    blocker.exec("BEGIN IMMEDIATE");
    run.announce(HASH, other, 1, true, EVENT_NONE);
    assert.equal(run.keeper.pass(), -1);
    run.announce(new Uint8Array(20).fill(8), other, 1, true, EVENT_NONE);
    assert.equal(run.keeper.pass(), -1);
    assert.equal(counterRow(run.start.counters, 0)[COUNTER.stateFaults], 2);
    assert.equal(
      run.lines.filter((line) => line.includes("is in use by another program")).length,
      1,
      run.lines.join("\n"),
    );
    blocker.close();
    assert.equal(run.keeper.pass(), 2);
    assert.ok(run.lines.at(-1)!.includes("can be written again"));
    run.keeper.stop();
    assert.equal(new StateRun(path).store.totals().seeders4, 3);
  }),
);

function fillHash(byte: number): Uint8Array {
  return new Uint8Array(20).fill(byte);
}

/** A clock that stands at `second`. */
function secondsAt(second: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(4);
  new Int32Array(memory)[0] = second;
  return memory;
}

// A torrent without peers and downloads is not worth a line in the file.
function forgetEmpty(model: NaiveSwarm): void {
  for (const [key, torrent] of model.torrents) {
    if (torrent.peers.size === 0 && torrent.completed === 0) model.torrents.delete(key);
  }
}

/** Makes everything in the file older. */
function age(path: string, minutes: number): void {
  const file = StateFile.open(path);
  file.transaction(() => {
    for (const row of [...file.rows()]) file.save({ ...row, touched: row.touched - minutes });
  });
  file.close();
}

function rows(path: string) {
  const file = StateFile.open(path);
  try {
    return [...file.rows()];
  } finally {
    file.close();
  }
}
