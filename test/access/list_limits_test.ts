/** How long lists may be, and how much a plugin may say at once. */
import assert from "node:assert/strict";
import { HASHES_MAX, HashSet } from "../../src/access/hash_set.ts";
import { CHANGES_MAX, ListWriter, PUBLISHED_AHEAD_MAX, type PublishedList } from "../../src/access/list_writer.ts";

const KEY = Int32Array.of(1, 2);

/** A hash for each number. */
function hash(i: number): Uint8Array {
  const bytes = new Uint8Array(20);
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

/** A writer, and what it has published. */
class Writing {
  readonly published: { lists: readonly PublishedList[]; serial: number }[] = [];
  readonly writer = new ListWriter(KEY, (lists, serial) => this.published.push({ lists, serial }), 1000);

  publish(hashes: readonly number[]): void {
    const list = this.writer.begin("allow", hashes.length);
    for (const i of hashes) list.add(hash(i));
    list.publish();
  }

  /** Whether the list published last has hash `i`. */
  has(i: number): boolean {
    const { memory } = this.published.at(-1)!.lists.find(({ kind }) => kind === "allow")!;
    return new HashSet(memory).has(new Int32Array(hash(i).buffer), 0);
  }
}

Deno.test("a list may not be longer than its limit, and is refused before it takes memory", () => {
  const sentence = new RegExp(`a list may have at most ${HASHES_MAX} info hashes`);
  assert.throws(() => HashSet.create(HASHES_MAX + 1, KEY), sentence);
  assert.throws(() => HashSet.create(10, KEY).grown(HASHES_MAX + 1), sentence);
  assert.throws(() => new Writing().writer.begin("deny", Infinity), sentence);
});

Deno.test("lists published faster than the fronts take them come as one, the last", () => {
  const writing = new Writing();
  for (let i = 1; i <= 100 * PUBLISHED_AHEAD_MAX; i++) writing.publish([i]);
  assert.equal(writing.published.length, PUBLISHED_AHEAD_MAX);
  writing.writer.setInForce(writing.published.at(-1)!.serial);
  assert.equal(writing.published.length, PUBLISHED_AHEAD_MAX + 1);
  assert.ok(writing.has(100 * PUBLISHED_AHEAD_MAX));
  writing.writer.add("allow", hash(7));
  assert.ok(writing.has(7), "what is published takes single hashes");
  writing.writer.setInForce(writing.published.at(-1)!.serial);
  assert.equal(writing.published.length, PUBLISHED_AHEAD_MAX + 1, "nothing more is due");
});

Deno.test("more changes than are kept while lists are loaded leave the lists of before, which have them", async () => {
  const writing = new Writing(), { writer } = writing;
  writing.publish([1]);
  const load = (changes: number) =>
    writer.together(() => {
      writing.publish([2]);
      for (let i = 0; i < changes; i++) writer.add("allow", hash(100 + i % 50));
    });
  await assert.rejects(load(CHANGES_MAX + 1), new RegExp(`more than ${CHANGES_MAX} hashes`));
  assert.deepEqual([1, 2, 100, 149].map((i) => writing.has(i)), [true, false, true, true]);
  await load(CHANGES_MAX);
  assert.deepEqual([1, 2, 100, 149].map((i) => writing.has(i)), [false, true, true, true]);
});

Deno.test("what is no list or no bytes is refused: plugins are not checked for types", () => {
  const writing = new Writing(), { writer } = writing, list = writer.begin("allow", 1);
  // As a plugin sees it whose types are taken off.
  const begin = (kind: unknown) => writer.begin(kind as never, 1);
  const add = (kind: unknown, infoHash: unknown) => writer.add(kind as never, infoHash as never);
  const remove = (kind: unknown, infoHash: unknown) => writer.remove(kind as never, infoHash as never);
  const text = "a text of 20 letters";
  const rows: readonly (readonly [call: () => unknown, want: string])[] = [
    [() => begin("denied"), 'a list is "allow" or "deny", and not "denied"'],
    [() => add("denied", hash(1)), 'a list is "allow" or "deny", and not "denied"'],
    [() => remove(undefined, hash(1)), 'a list is "allow" or "deny", and not undefined'],
    [() => add("allow", text), "add takes bytes (Uint8Array), and was given a text"],
    [() => remove("allow", text), "remove takes bytes (Uint8Array), and was given a text"],
    [() => add("allow", new Uint8Array(19)), "an info hash has 20 bytes, and this has 19"],
    [() => list.add(text as never), "add takes bytes (Uint8Array), and was given a text"],
    [() => list.addLines(`${"0".repeat(40)}\n` as never), "addLines takes bytes (Uint8Array), and was given a text"],
    [() => list.addLines(undefined as never), "addLines takes bytes (Uint8Array), and was given nothing"],
    [() => list.addLines([48] as never), "addLines takes bytes (Uint8Array), and was given a value of type object"],
  ];
  for (const [call, message] of rows) assert.throws(call, { message });
  assert.deepEqual([writing.published.length, list.size, list.badLines], [0, 0, 0]);
});
