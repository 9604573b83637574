import assert from "node:assert/strict";
import { HashSet } from "../../src/access/hash_set.ts";
import { ListWriter } from "../../src/access/list_writer.ts";
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

Deno.test("ListWriter publishes once a list, and again when a change needs a larger one", () => {
  const published: SharedArrayBuffer[] = [],
    writer = new ListWriter(Int32Array.of(5, 6), (_, memory) => published.push(memory));
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

Deno.test("a list of five million takes at most 200 MB", () => {
  assert.ok(HashSet.create(5_000_000, Int32Array.of(1, 2)).memory.byteLength <= 200_000_000);
});

Deno.test("ListWriter uses the memory of an old list again, once no front has it", () => {
  const published: { memory: SharedArrayBuffer; serial: number }[] = [];
  const writer = new ListWriter(Int32Array.of(7, 8), (_, memory, serial) => published.push({ memory, serial }), 1000);
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
