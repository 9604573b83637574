/**
 * The lists of one plugin as its host writes them: built apart, published whole, and changed one hash at a time after
 * that. Publishing is handed out: who holds the writer sends the memory to the fronts.
 */
import { HashLines } from "./hash_lines.ts";
import { HashSet } from "./hash_set.ts";

/** Kinds of list. */
export type ListKind = "allow" | "deny";

/** Sends a new list's memory to the fronts. `serial`: counts up, over both kinds. */
export type Publish = (kind: ListKind, memory: SharedArrayBuffer, serial: number) => void;

/** Memory that has had its time is used again from here on: each thread would free it when it pleases, which is late. */
interface Retired {
  readonly memory: SharedArrayBuffer;
  /** Of the list that took its place. */
  readonly successor: number;
}

/** Writes the lists of one plugin. */
export class ListWriter {
  readonly #key: Int32Array;
  readonly #publish: Publish;
  readonly #published = new Map<ListKind, HashSet>();
  #retired: Retired[] = [];
  #serial: number;
  #inForce = 0;
  readonly #words = new Int32Array(5);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** `key`: two secret words. `serial`: above those of an earlier writer for the same fronts. */
  constructor(key: Int32Array, publish: Publish, serial = 0) {
    this.#serial = serial;
    this.#key = key;
    this.#publish = publish;
  }

  /** See AccessLists in plugin/api.ts. */
  begin(kind: ListKind, expected: number): ListBuilder {
    return new ListBuilder(this.#empty(Math.max(0, Math.ceil(expected) || 0)), (set) => this.#put(kind, set));
  }

  /** All fronts have every list published up to `serial`: what those replaced is read by nobody. */
  setInForce(serial: number): void {
    this.#inForce = serial;
  }

  #empty(entries: number): HashSet {
    for (const retired of this.#retired) {
      if (retired.successor > this.#inForce) continue;
      const set = HashSet.reuse(retired.memory, entries);
      if (set === null) continue;
      this.#retired = this.#retired.filter((other) => other !== retired);
      return set;
    }
    return HashSet.create(entries, this.#key);
  }

  /** Adds one hash of 20 bytes to the published list, which is made if there is none. */
  add(kind: ListKind, infoHash: Uint8Array): void {
    let set = this.#published.get(kind) ?? HashSet.create(0, this.#key);
    if (set.isFull) set = set.grown();
    set.add(this.#wordsOf(infoHash), 0);
    if (set !== this.#published.get(kind)) this.#put(kind, set);
  }

  /** Takes one hash out. */
  remove(kind: ListKind, infoHash: Uint8Array): void {
    this.#published.get(kind)?.remove(this.#wordsOf(infoHash), 0);
  }

  #wordsOf(infoHash: Uint8Array): Int32Array {
    if (infoHash.length !== 20) throw new Error(`an info hash has 20 bytes, and this has ${infoHash.length}`);
    this.#bytes.set(infoHash);
    return this.#words;
  }

  #put(kind: ListKind, set: HashSet): void {
    const old = this.#published.get(kind), serial = ++this.#serial;
    // One in reserve is enough; what is older goes when the threads let go of it.
    if (old !== undefined) this.#retired = [...this.#retired.slice(-1), { memory: old.memory, successor: serial }];
    this.#published.set(kind, set);
    this.#publish(kind, set.memory, serial);
  }
}

/** A list in the making; see AccessListBuilder in plugin/api.ts. */
export class ListBuilder {
  #set: HashSet;
  readonly #onPublish: (set: HashSet) => void;
  readonly #lines = new HashLines((words) => this.#add(words));
  readonly #words = new Int32Array(5);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  constructor(set: HashSet, onPublish: (set: HashSet) => void) {
    this.#set = set;
    this.#onPublish = onPublish;
  }

  get size(): number {
    return this.#set.size;
  }

  get badLines(): number {
    return this.#lines.badLines;
  }

  /** Adds a hash of 20 bytes. */
  add(infoHash: Uint8Array): void {
    if (infoHash.length !== 20) throw new Error(`an info hash has 20 bytes, and this has ${infoHash.length}`);
    this.#bytes.set(infoHash);
    this.#add(this.#words);
  }

  /** Takes a piece of a list's text. */
  addLines(text: Uint8Array): void {
    this.#lines.take(text);
  }

  /** The text is over: a last line without end counts. */
  endLines(): void {
    this.#lines.end();
  }

  /** Puts the list in the place of the old one. */
  publish(): void {
    this.endLines();
    this.#onPublish(this.#set);
  }

  #add(words: Int32Array): void {
    if (this.#set.isFull) this.#set = this.#set.grown();
    this.#set.add(words, 0);
  }
}
