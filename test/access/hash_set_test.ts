import assert from "node:assert/strict";
import { HashSet } from "../../src/access/hash_set.ts";
import { type ListKind, ListWriter, type Publish } from "../../src/access/list_writer.ts";
import { seededRandom } from "../support/random.ts";

Deno.test("HashSet agrees with a Set over additions, removals and growth", () => {
  const random = seededRandom("hash set"), naive = new Set<number>();
  let set = HashSet.create(0, Int32Array.of(1, 2));
  // Zeros in every word: a hash of zeros is one like any other.
  const hashOf = (n: number) => Int32Array.of(n & 1, 0, n >> 1, 0, 0);
  for (let i = 0; i < 20_000; i++) {
    const n = random.below(500), hash = hashOf(n);
    if (random.below(10) < 6) {
      if (set.isFull) set = set.grown();
      set.add(hash, 0);
      naive.add(n);
    } else {
      set.remove(hash, 0);
      naive.delete(n);
    }
    assert.equal(set.size, naive.size);
  }
  for (let n = 0; n < 600; n++) assert.equal(set.has(hashOf(n), 0), naive.has(n), `hash ${n}`);
});

Deno.test("HashSet: another view of the memory sees changes at once", () => {
  const writer = HashSet.create(10, Int32Array.of(3, 4)),
    reader = new HashSet(writer.memory),
    hash = Int32Array.of(1, 2, 3, 4, 5);
  assert.equal(reader.has(hash, 0), false);
  writer.add(hash, 0);
  assert.equal(reader.has(hash, 0), true);
  writer.remove(hash, 0);
  assert.equal(reader.has(hash, 0), false);
});

Deno.test("HashSet comes to an end in any memory that fits", () => {
  // A set's own, as its writer could leave it: no slot is free, and it says that it has more than there are.
  const memory = HashSet.create(1, Int32Array.of(1, 2, 3, 4)).memory, words = new Int32Array(memory).fill(2);
  const other = Int32Array.of(1, 2, 3, 4, 5);
  for (const slots of [64, 1, 0, -1, 0x7fffffff]) {
    words[0] = slots;
    const set = new HashSet(memory);
    assert.equal(set.has(other, 0), false);
    set.add(other, 0);
    set.remove(other, 0);
    assert.equal(set.has(other, 0), false);
  }
  const fits = [[32, true], [33, false], [28, false], [0, false]] as const;
  for (const [bytes, want] of fits) assert.equal(HashSet.fits(new SharedArrayBuffer(bytes)), want);
  assert.equal(HashSet.fits(new SharedArrayBuffer(32, { maxByteLength: 64 })), false);
});

Deno.test("ListWriter publishes once a list, and again when a change needs a larger one", () => {
  const published: SharedArrayBuffer[] = [],
    writer = new ListWriter(Int32Array.of(5, 6), (lists) => published.push(...lists.map(({ memory }) => memory)));
  const list = writer.begin("allow", 2);
  list.addLines(new TextEncoder().encode(`${"ab".repeat(20)}\n${"cd".repeat(20)}`));
  assert.equal(published.length, 0);
  list.publish();
  assert.deepEqual([published.length, list.size, list.badLines], [1, 2, 0]);
  for (let i = 0; i < 100; i++) writer.add("allow", Uint8Array.from({ length: 20 }, () => i));
  assert.ok(published.length > 1);
  assert.equal(new HashSet(published.at(-1)!).size, 102);
  assert.throws(() => writer.add("deny", new Uint8Array(19)), /20 bytes/);
});

Deno.test("a list of five million takes at most 200 MB, with the one that takes its place", () => {
  assert.ok(HashSet.create(5_000_000, Int32Array.of(1, 2, 3, 4)).memory.byteLength <= 100_000_000);
});

Deno.test("HashSet: a word that differs, whichever, is another hash", () => {
  const set = HashSet.create(10, Int32Array.of(1, 2, 3, 4)), hash = Int32Array.of(1, 2, 3, 4, 5);
  set.add(hash, 0);
  for (let word = 0; word < 5; word++) {
    for (let bit = 0; bit < 32; bit++) assert.ok(!set.has(hash.map((w, i) => i === word ? w ^ 1 << bit : w), 0));
  }
  assert.ok(set.has(hash, 0));
});

Deno.test("ListWriter has two lists of a kind in memory, however often one takes the other's place", () => {
  const memories = new Set<SharedArrayBuffer>();
  const publish: Publish = (lists) => lists.forEach(({ memory }) => memories.add(memory));
  const writer = new ListWriter(Int32Array.of(1, 2, 3, 4), publish);
  for (let round = 1; round <= 10; round++) {
    for (const kind of ["allow", "deny"] as const) {
      // Lists become longer, a little each day.
      const list = writer.begin(kind, 1000 + round * 10);
      list.add(hashOf(round));
      list.publish();
      writer.setInForce(round * 2);
    }
  }
  assert.equal(memories.size, 4);
});

Deno.test("ListWriter uses the memory of an old list again, once no front has it", () => {
  const published: { memory: SharedArrayBuffer; serial: number }[] = [];
  const publishOne: Publish = ([list], serial) => published.push({ memory: list!.memory, serial });
  const writer = new ListWriter(Int32Array.of(7, 8), publishOne, 1000);
  const publish = (byte: number) => {
    const list = writer.begin("allow", 100);
    list.add(new Uint8Array(20).fill(byte));
    list.publish();
    return published.at(-1)!;
  };
  const first = publish(1), second = publish(2);
  assert.notEqual(second.memory, first.memory);
  const third = publish(3);
  assert.ok(third.memory !== first.memory && third.memory !== second.memory, "fronts may still read them");
  writer.setInForce(third.serial);
  const fourth = publish(4);
  assert.ok(fourth.memory === first.memory || fourth.memory === second.memory);
  assert.notEqual(fourth.memory, third.memory);
  const set = new HashSet(fourth.memory), hash = (byte: number) => new Int32Array(new Uint8Array(20).fill(byte).buffer);
  assert.deepEqual([1, 2, 3, 4].map((byte) => set.has(hash(byte), 0)), [false, false, false, true]);
});

/** A writer whose lists are asked as a front would: those it was told last, by kind. */
class Listened {
  readonly published: string[] = [];
  readonly #memories = new Map<ListKind, SharedArrayBuffer>();
  readonly writer = new ListWriter(Int32Array.of(9, 10), (lists) => {
    this.published.push(lists.map(({ kind }) => kind).join(" "));
    for (const { kind, memory } of lists) this.#memories.set(kind, memory);
  });

  /** Publishes a list of `bytes`, each of which is a hash 20 times over. */
  load(kind: ListKind, ...bytes: number[]): void {
    const list = this.writer.begin(kind, bytes.length);
    for (const byte of bytes) list.add(hashOf(byte));
    list.publish();
  }

  /** Those of the hashes 1 to 9 that are in the list. */
  inForce(kind: ListKind): string {
    const memory = this.#memories.get(kind);
    if (memory === undefined) return "none";
    const set = new HashSet(memory);
    return "123456789".split("").filter((n) => set.has(new Int32Array(hashOf(Number(n)).buffer), 0)).join("");
  }
}

const hashOf = (byte: number) => new Uint8Array(20).fill(byte);

Deno.test("lists that are loaded together are published together, when the loading is done", async () => {
  const listened = new Listened();
  await listened.writer.together(() => {
    listened.load("allow", 1, 2);
    listened.load("deny", 2);
    assert.deepEqual(listened.published, []);
  });
  assert.deepEqual(listened.published, ["allow deny"]);
  assert.deepEqual([listened.inForce("allow"), listened.inForce("deny")], ["12", "2"]);
  listened.load("deny", 3);
  assert.deepEqual(listened.published, ["allow deny", "deny"]);
});

Deno.test("lists whose loading fails leave those of before, whole", async () => {
  const listened = new Listened();
  await listened.writer.together(() => listened.load("allow", 1));
  const failing = listened.writer.together(() => {
    listened.load("allow", 2);
    throw new Error("boom");
  });
  await assert.rejects(failing, /boom/);
  assert.deepEqual([listened.published.length, listened.inForce("allow")], [1, "1"]);
  listened.load("allow", 3);
  assert.equal(listened.inForce("allow"), "3");
});

Deno.test("a hash changed while lists are loaded is so at once, and in the new lists", async () => {
  const listened = new Listened(), { writer } = listened;
  await writer.together(() => listened.load("allow", 1, 2));
  writer.add("allow", hashOf(8));
  await writer.together(async () => {
    writer.add("allow", hashOf(5));
    writer.remove("allow", hashOf(2));
    await Promise.resolve();
    listened.load("allow", 2, 3);
    writer.add("allow", hashOf(6));
    writer.remove("allow", hashOf(6));
    writer.add("deny", hashOf(7));
    assert.deepEqual([listened.inForce("allow"), listened.inForce("deny")], ["158", "none"]);
  });
  // 8 came before the loading, and is gone with the list it was added to.
  assert.deepEqual([listened.inForce("allow"), listened.inForce("deny")], ["35", "7"]);
  assert.deepEqual(listened.published, ["allow", "allow deny"]);
});
