/**
 * The lists of all plugins as a front asks them: a hash is served when no list denies it and, if there are lists that
 * allow, one of them allows it. The lists are swapped whole; asking allocates nothing.
 */
import { HashSet } from "./hash_set.ts";

/** The published lists: memory of hash sets. Plain data, so that it can be sent to a worker. */
export interface PublishedLists {
  readonly allow: readonly SharedArrayBuffer[];
  readonly deny: readonly SharedArrayBuffer[];
}

/** The lists of one front. */
export class AccessSets {
  #allow: readonly HashSet[] = [];
  #deny: readonly HashSet[] = [];

  /** Takes new lists in the place of the old. */
  swap({ allow, deny }: PublishedLists): void {
    this.#allow = allow.map((memory) => new HashSet(memory));
    this.#deny = deny.map((memory) => new HashSet(memory));
  }

  /** Whether a list denies the hash of five words. */
  denies(infoHash: Int32Array): boolean {
    for (let i = 0; i < this.#deny.length; i++) if (this.#deny[i].has(infoHash, 0)) return true;
    return false;
  }

  /** Whether there are lists that allow, and none of them has the hash. */
  misses(infoHash: Int32Array): boolean {
    const allow = this.#allow;
    for (let i = 0; i < allow.length; i++) if (allow[i].has(infoHash, 0)) return false;
    return allow.length > 0;
  }
}
