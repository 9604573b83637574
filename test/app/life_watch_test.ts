/** When a part is taken to hang, by a clock that is moved by hand. */
import assert from "node:assert/strict";
import { LifeWatch, LOOK_MS } from "../../src/life_watch.ts";
import { createLife, Life, LifeSeen } from "../../src/plugin/life.ts";

const MEBIBYTE = 1024 * 1024;

/** A part and the watch over it. */
class Watched {
  readonly #memory = createLife();
  readonly life = new Life(this.#memory);
  readonly seen = new LifeSeen(this.#memory);
  readonly #watch: LifeWatch;
  #nowMs = 0;
  rssBytes = 0;
  hasStarted = true;

  constructor(pagesWait = false) {
    this.#watch = new LifeWatch(this.seen, 4 * LOOK_MS, 0, pagesWait);
  }

  look(sinceMs = LOOK_MS): string | null {
    this.#nowMs += sinceMs;
    return this.#watch.look({ nowMs: this.#nowMs, rssBytes: this.rssBytes, hasStarted: this.hasStarted });
  }

  get silentMs(): number {
    return this.#watch.silentMs;
  }

  beat(outsideMebibytes = 0): void {
    this.life.beat(outsideMebibytes * MEBIBYTE);
  }
}

Deno.test("a part is given up after so many looks without a beat, and not sooner", () => {
  const part = new Watched();
  part.beat();
  for (let i = 0; i < 20; i++) {
    assert.deepEqual([part.look(), part.look(), part.look(), part.look()], [null, null, null, null]);
    part.beat();
  }
  part.look();
  assert.deepEqual([part.look(), part.look(), part.look()], [null, null, null]);
  assert.match(part.look()!, /^no sign of life for 2 s$/);
});

Deno.test("silence is counted whatever a part is at, in looks that come in time", () => {
  const part = new Watched();
  part.hasStarted = false;
  part.beat();
  const rows: [sinceMs: number, beats: boolean, want: number][] = [
    [LOOK_MS, false, 0],
    [LOOK_MS, false, LOOK_MS],
    [LOOK_MS, false, 2 * LOOK_MS],
    [LOOK_MS, true, 0],
    [LOOK_MS, false, LOOK_MS],
    [4 * LOOK_MS, false, 0],
  ];
  for (const [i, [sinceMs, beats, want]] of rows.entries()) {
    if (beats) part.beat();
    part.look(sinceMs);
    assert.equal(part.silentMs, want, String(i));
  }
});

Deno.test("a plugin that never is loaded is found, a page that waits is none", () => {
  for (
    const [pagesWait, hasStarted, isFound] of [[false, false, true], [false, true, true], [true, false, true], [
      true,
      true,
      false,
    ]]
  ) {
    const part = new Watched(pagesWait);
    part.hasStarted = hasStarted!;
    const looks = Array.from({ length: 70 }, (_, i) => {
      // It takes turns; and other plugins were loaded before.
      part.beat();
      part.life.begin(i < 8 ? i : 8);
      return part.look();
    });
    assert.deepEqual(looks.slice(0, 60).filter((why) => why !== null), []);
    assert.equal(looks[68], isFound ? "a plugin is not loaded after 30 s" : null, `${pagesWait} ${hasStarted}`);
  }
});

Deno.test("time in which the supervisor was held up itself does not count", () => {
  const part = new Watched();
  for (let i = 0; i < 100; i++) {
    // The process is stopped, the machine sleeps: the next look is late, and those after it are in time again.
    assert.equal(part.look(3_600_000), null);
    assert.deepEqual([part.look(), part.look(), part.look()], [null, null, null]);
  }
  // A machine so busy that every look is late: nothing is known of the part.
  for (let i = 0; i < 100; i++) assert.equal(part.look(4 * LOOK_MS), null);
});

Deno.test("a part that has not started may be silent, but not in a plugin's code", () => {
  const part = new Watched();
  part.hasStarted = false;
  for (let i = 0; i < 100; i++) assert.equal(part.look(), null);
  part.life.begin(1);
  assert.deepEqual([part.look(), part.look(), part.look()], [null, null, null]);
  assert.match(part.look()!, /no sign of life/);
});

Deno.test("a part that takes memory is given up sooner, in a plugin's code only", () => {
  const part = new Watched();
  part.beat();
  part.look();
  part.rssBytes = 600 * MEBIBYTE;
  assert.deepEqual([part.look(), part.look()], [null, null]);
  part.beat();
  part.look();
  part.life.enter(1);
  part.rssBytes = 1100 * MEBIBYTE;
  assert.deepEqual([part.look(), part.look()], [null, null]);
  part.rssBytes = 1200 * MEBIBYTE;
  assert.match(part.look()!, /^no sign of life, and 600 MiB more memory in use$/);
});

Deno.test("a part that gathers bytes outside of its heap is given up, whatever it held at its start", () => {
  const part = new Watched();
  for (const mebibytes of [700, 900, 1700, 100, 1700]) {
    part.beat(mebibytes);
    assert.equal(part.look(), null);
  }
  part.beat(1800);
  assert.match(part.look()!, /^1800 MiB of memory outside of its heap$/);
});

Deno.test("what holds a part: the slot it is in, or else what was begun last", () => {
  const part = new Watched();
  assert.deepEqual(part.seen.giveUp(), { mark: 0, isInSlot: false });
  part.life.begin(2);
  assert.deepEqual(part.seen.giveUp(), { mark: 2, isInSlot: false });
  part.life.enter(3);
  part.life.leave(3);
  assert.deepEqual(part.seen.giveUp(), { mark: 2, isInSlot: false });
  part.life.end();
  part.life.enter(3);
  assert.deepEqual(part.seen.giveUp(), { mark: 3, isInSlot: true });
});

Deno.test("a thread that was given up in a slot never comes out of it", async () => {
  const url = new URL("./slot_thread.ts", import.meta.url).href;
  for (const isGivenUp of [false, true]) {
    const memory = createLife(), seen = new LifeSeen(memory), steps = new Int32Array(new SharedArrayBuffer(8));
    using thread = new SlotThread(url, memory, steps);
    await thread.until(0, 1);
    assert.equal(seen.isInPlugin, true);
    if (isGivenUp) assert.deepEqual(seen.giveUp(), { mark: 5, isInSlot: true });
    Atomics.store(steps, 1, 1);
    if (!isGivenUp) {
      await thread.until(0, 3);
      continue;
    }
    await thread.until(0, 2);
    // It has left its slot and would be in the next step by now, as a thread that starts meanwhile is.
    using other = new SlotThread(url, createLife(), new Int32Array(new SharedArrayBuffer(8)));
    await other.until(0, 1);
    assert.equal(Atomics.load(steps, 0), 2);
  }
});

/** A thread that says in shared memory how far it is. */
class SlotThread {
  readonly #worker: Worker;
  readonly #steps: Int32Array;

  constructor(url: string, memory: SharedArrayBuffer, steps: Int32Array) {
    this.#steps = steps;
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.postMessage({ memory, steps });
  }

  async until(word: number, step: number): Promise<void> {
    while (Atomics.load(this.#steps, word) < step) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
