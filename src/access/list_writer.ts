/**
 * The lists of one plugin as its host writes them: built apart, published whole, and changed one hash at a time after
 * that. Publishing is handed out: who holds the writer sends the memory to the fronts.
 */
import { HashLines } from "./hash_lines.ts";
import { HashSet } from "./hash_set.ts";

/** Kinds of list. */
export type ListKind = "allow" | "deny";

/** Sends a new list's memory to the fronts. */
export type Publish = (kind: ListKind, memory: SharedArrayBuffer) => void;

/** Writes the lists of one plugin. */
export class ListWriter {
  readonly #key: Int32Array;
  readonly #publish: Publish;
  readonly #published = new Map<ListKind, HashSet>();
  readonly #words = new Int32Array(5);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** `key`: two secret words. */
  constructor(key: Int32Array, publish: Publish) {
    this.#key = key;
    this.#publish = publish;
  }

  /** See AccessLists in plugin/api.ts. */
  begin(kind: ListKind, expected: number): ListBuilder {
    return new ListBuilder(
      HashSet.create(Math.max(0, Math.ceil(expected) || 0), this.#key),
      (set) => this.#put(kind, set),
    );
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
    this.#published.set(kind, set);
    this.#publish(kind, set.memory);
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
