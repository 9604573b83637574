/**
 * The shield of one front: how often an address may ask (tracker.shield). It asks the buckets all fronts share, and knows
 * who is not limited: the loopback, the operator's own networks, and proxies, behind which the client's address counts.
 */
import { NetworkSet } from "../access/networks.ts";
import type { NetworkRange } from "../access/networks.ts";
import type { AddressRegisters } from "../bittorrent/address.ts";
import { BAD_IDS, type BucketRate, Buckets, DATAGRAMS, PROVEN } from "./buckets.ts";

/**
 * Bad connection ids an address may send before errors about them stop. Behind one address of a carrier are thousands of
 * clients, and after a restart without tracker.state each of them has an old id, once.
 */
const BAD_IDS_BURST = 256, BAD_IDS_PER_SECOND = 8;
/**
 * How long errors stop then: half the 15 s after which a client that hears nothing asks anew, and without its old id
 * (BEP 15), so that no honest one waits longer than it does for a lost packet.
 */
export const SILENCE_SECONDS = 8;

/** First byte of the loopback's IPv4 addresses; last word of `::1`. */
const LOOPBACK4 = 127, LOOPBACK6_WORD = 0x01000000;

/** Plain data and shared memory, for a front. */
export interface ShieldStart {
  /** From createBuckets. */
  readonly buckets: SharedArrayBuffer;
  /** What an address may ask, of each of its two buckets. */
  readonly rate: BucketRate;
  readonly exempt: readonly NetworkRange[];
  /** Proxies whose word on a client's address is taken: not limited either. */
  readonly proxies: readonly NetworkRange[];
}

/** The shield of one front. */
export class Shield {
  readonly #buckets: Buckets;
  readonly #exempt: NetworkSet;

  constructor({ buckets, rate, exempt, proxies }: ShieldStart) {
    this.#buckets = new Buckets(buckets, rate, rate, { perSecond: BAD_IDS_PER_SECOND, burst: BAD_IDS_BURST });
    this.#exempt = new NetworkSet([...exempt, ...proxies]);
  }

  /** Whether a datagram of `source`, which anyone may have sent, is looked at. */
  takesDatagram(source: AddressRegisters, second: number): boolean {
    return this.#takes(source, DATAGRAMS, second);
  }

  /** Whether a request is answered that `source` has certainly sent. */
  takesProven(source: AddressRegisters, second: number): boolean {
    return this.#takes(source, PROVEN, second);
  }

  /** Whether a bad connection id from `source` is answered with an error. */
  answersBadId(source: AddressRegisters, second: number): boolean {
    return isLoopback(source) || this.#buckets.take(source, BAD_IDS, second, SILENCE_SECONDS) ||
      this.#exempt.holds(source);
  }

  // The bucket first: it costs less than a look through many networks, and most addresses are in none.
  #takes(source: AddressRegisters, bucket: number, second: number): boolean {
    return isLoopback(source) || this.#buckets.take(source, bucket, second) || this.#exempt.holds(source);
  }
}

function isLoopback({ family, address }: AddressRegisters): boolean {
  return family === 4
    ? (address[0] & 0xff) === LOOPBACK4
    : address[3] === LOOPBACK6_WORD && (address[0] | address[1] | address[2]) === 0;
}
