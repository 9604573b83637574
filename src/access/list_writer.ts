/**
 * The lists of one plugin as its host writes them: built apart, published whole, and changed one hash at a time after
 * that. Lists that are loaded together come into force together, so that nobody is served or refused by the new half of
 * a change and the old half of it. Publishing is handed out: who holds the writer sends the memory to the fronts.
 */
import { HashLines } from "./hash_lines.ts";
import { HashSet } from "./hash_set.ts";

/** Kinds of list. */
export type ListKind = "allow" | "deny";

/** A list as the fronts are told it. */
export interface PublishedList {
  readonly kind: ListKind;
  readonly memory: SharedArrayBuffer;
}

/** Sends new lists to the fronts, each of which takes all of them at once. `serial`: counts up. */
export type Publish = (lists: readonly PublishedList[], serial: number) => void;

/** A hash that was added or taken out while new lists were loaded. */
interface Change {
  readonly kind: ListKind;
  readonly infoHash: Int32Array;
  readonly isAdded: boolean;
}

/** Lists being loaded together, and what was changed meanwhile. */
interface Loading {
  readonly sets: Map<ListKind, HashSet>;
  readonly changes: Change[];
  /** There were more changes than are kept: the lists of before have them, and stay. */
  isOverrun: boolean;
}

/** Changes kept while lists are loaded: some 40 MB of the host's memory, which has a limit. */
export const CHANGES_MAX = 250_000;
/** Lists published that not every front has yet. What comes while there are so many is published as one, later. */
export const PUBLISHED_AHEAD_MAX = 16;

/** Memory that has had its time is used for the next list: each thread would free it when it pleases, which is late. */
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
  /** One of each kind, so that there are never more than two sets of it; what is older goes as threads let go of it. */
  readonly #retired = new Map<ListKind, Retired>();
  #loading: Loading | undefined;
  /** To be published when the fronts have more of what was. */
  readonly #due = new Map<ListKind, HashSet>();
  #serial: number;
  #inForce: number;
  readonly #words = new Int32Array(5);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** `key`: four secret words. `serial`: above those of an earlier writer for the same fronts. */
  constructor(key: Int32Array, publish: Publish, serial = 0) {
    this.#serial = this.#inForce = serial;
    this.#key = key;
    this.#publish = publish;
  }

  /** See AccessLists in plugin/api.ts. */
  begin(kind: ListKind, expected: number): ListBuilder {
    checkKind(kind);
    const set = this.#empty(kind, Math.max(0, Math.ceil(expected) || 0));
    return new ListBuilder(set, (set) => this.#publishOne(kind, set));
  }

  /** All fronts have every list published up to `serial`: what those replaced is read by nobody. */
  setInForce(serial: number): void {
    this.#inForce = serial;
    this.#publishDue();
  }

  #empty(kind: ListKind, entries: number): HashSet {
    const retired = this.#retired.get(kind);
    if (retired === undefined || retired.successor > this.#inForce) return HashSet.create(entries, this.#key);
    this.#retired.delete(kind);
    return HashSet.reuse(retired.memory, entries) ?? HashSet.create(entries, this.#key);
  }

  /**
   * Lets `load` publish lists: they come into force together when it is done. When it throws, none of them does. What is
   * added and taken out meanwhile is so in the lists of before at once, and in the new ones when they come.
   */
  async together(load: () => void | Promise<void>): Promise<void> {
    const loading: Loading = this.#loading = { sets: new Map(), changes: [], isOverrun: false };
    try {
      await load();
    } finally {
      this.#loading = undefined;
    }
    const { sets, changes, isOverrun } = loading;
    if (isOverrun) throw new Error(`more than ${CHANGES_MAX} hashes were added or taken out while lists were loaded`);
    for (const { kind, infoHash, isAdded } of changes) {
      // A kind that was not loaded has its change already, unless there was no list to have it.
      const set = sets.get(kind) ?? (this.#published.has(kind) ? undefined : HashSet.create(0, this.#key));
      if (set !== undefined) sets.set(kind, changed(set, infoHash, isAdded));
    }
    if (sets.size > 0) this.#put(sets);
  }

  /** Adds one hash of 20 bytes to the published list, which is made if there is none. */
  add(kind: ListKind, infoHash: Uint8Array): void {
    this.#change("add", kind, infoHash);
  }

  /** Takes one hash out. */
  remove(kind: ListKind, infoHash: Uint8Array): void {
    this.#change("remove", kind, infoHash);
  }

  #change(method: "add" | "remove", kind: ListKind, infoHash: Uint8Array): void {
    checkKind(kind);
    checkInfoHash(method, infoHash);
    const isAdded = method === "add", words = this.#wordsOf(infoHash), old = this.#published.get(kind);
    this.#loading && noteChange(this.#loading, { kind, infoHash: words.slice(), isAdded });
    // The first list is not made of what comes while it is loaded.
    if (old === undefined && (this.#loading !== undefined || !isAdded)) return;
    const set = changed(old ?? HashSet.create(0, this.#key), words, isAdded);
    if (set !== old) this.#put(new Map([[kind, set]]));
  }

  #wordsOf(infoHash: Uint8Array): Int32Array {
    this.#bytes.set(infoHash);
    return this.#words;
  }

  #publishOne(kind: ListKind, set: HashSet): void {
    if (this.#loading === undefined) this.#put(new Map([[kind, set]]));
    else this.#loading.sets.set(kind, set);
  }

  #put(sets: ReadonlyMap<ListKind, HashSet>): void {
    for (const [kind, set] of sets) {
      const old = this.#published.get(kind), successor = this.#serial + 1;
      if (old !== undefined) this.#retired.set(kind, { memory: old.memory, successor });
      this.#published.set(kind, set);
      this.#due.set(kind, set);
    }
    this.#publishDue();
  }

  #publishDue(): void {
    if (this.#due.size === 0 || this.#serial - this.#inForce >= PUBLISHED_AHEAD_MAX) return;
    const lists = [...this.#due].map(([kind, { memory }]) => ({ kind, memory }));
    this.#due.clear();
    this.#publish(lists, ++this.#serial);
  }
}

// Plugins call what is here, and their types are taken off unchecked: a text has a length and elements as bytes have.
function checkBytes(method: "add" | "remove" | "addLines", given: unknown): void {
  if (given instanceof Uint8Array) return;
  const what = typeof given === "string" ? "a text" : given === null ? "null" : `a value of type ${typeof given}`;
  throw new Error(`${method} takes bytes (Uint8Array), and was given ${given === undefined ? "nothing" : what}`);
}

function checkInfoHash(method: "add" | "remove", given: Uint8Array): void {
  checkBytes(method, given);
  if (given.length !== 20) throw new Error(`an info hash has 20 bytes, and this has ${given.length}`);
}

function checkKind(kind: string): void {
  if (kind !== "allow" && kind !== "deny") throw new Error(`a list is "allow" or "deny", and not ${quoted(kind)}`);
}

function quoted(given: unknown): string {
  return typeof given === "string" ? JSON.stringify(given) : String(given);
}

function noteChange(loading: Loading, change: Change): void {
  if (loading.changes.length < CHANGES_MAX) loading.changes.push(change);
  else loading.isOverrun = true;
}

// `set`, or a larger copy where it had no room, with the hash added or taken out.
function changed(set: HashSet, infoHash: Int32Array, isAdded: boolean): HashSet {
  const roomy = isAdded && set.isFull ? set.grown() : set;
  if (isAdded) roomy.add(infoHash, 0);
  else roomy.remove(infoHash, 0);
  return roomy;
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
    checkInfoHash("add", infoHash);
    this.#bytes.set(infoHash);
    this.#add(this.#words);
  }

  /** Takes a piece of a list's text. */
  addLines(text: Uint8Array): void {
    checkBytes("addLines", text);
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
