/**
 * Those who come once: each announces a torrent that nobody else knows and is never heard of again, so that the tracker
 * forgets as many torrents and peers as it learns. When exactly it forgets one is its own affair, within bounds.
 */
import type { Random } from "../../test/support/random.ts";
import { UdpTalk } from "../../test/contract/udp_talk.ts";
import type { Address } from "./walker.ts";
import type { Account, Expectation } from "./model.ts";

/** Minutes after which the tracker of a soak forgets a peer. */
export const PEER_TIMEOUT_MINUTES = 3;
/** A peer is there for a minute less, because its age is kept in whole minutes … */
const THERE_MS = (PEER_TIMEOUT_MINUTES - 1) * 60_000;
/** … and is gone when a sweep has seen it after that: a sweep takes a minute, and on a busy machine some more. */
const GONE_MS = (PEER_TIMEOUT_MINUTES + 2) * 60_000;
const PORT = 30_000;

/** Everyone who came by. */
export class PassersBy implements Account {
  readonly completed = 0;
  /** How many there were. */
  count = 0;
  readonly #random: Random;
  readonly #address: Address;
  /** When each came, the earliest first. */
  #cameMs = new Map<string, number>();

  constructor(random: Random, address: Address) {
    this.#random = random;
    this.#address = address;
  }

  /** `count` more come by. */
  async pass(count: number): Promise<void> {
    using talk = new UdpTalk(this.#address.hostname, this.#address.udpPort);
    for (let i = 0; i < count; i++) {
      const infoHash = this.#random.bytes(20);
      // Noted first: if the answer is lost it may be there all the same.
      this.#cameMs.set(infoHash.toHex(), performance.now());
      const heard = await talk.announce(infoHash, { port: PORT, left: 1 });
      if ("refusal" in heard || heard.leechers !== 1) throw new Error(`a newcomer hears ${JSON.stringify(heard)}`);
      this.count++;
    }
  }

  *expected(): Iterable<Expectation> {
    const now = performance.now();
    for (const [infoHash, cameMs] of this.#cameMs) {
      if (now - cameMs > GONE_MS) this.#cameMs.delete(infoHash);
      else yield { infoHash, seeders: 0, leechers: 1, completed: 0, isCertain: now - cameMs < THERE_MS };
    }
  }
}
