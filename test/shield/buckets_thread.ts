/** A thread that takes all the tokens it can get of one address. */
import { setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { type BucketRate, Buckets, DATAGRAMS } from "../../src/shield/buckets.ts";
import { threadBody } from "../support/threads.ts";

/** What it is told. */
export interface BucketsTask {
  readonly memory: SharedArrayBuffer;
  readonly rate: BucketRate;
  readonly asks: number;
}

threadBody(({ memory, rate, asks }: BucketsTask): number => {
  const buckets = new Buckets(memory, rate, rate, rate), source = new AnnounceRequest();
  setAddressText(source, "192.0.2.1");
  let taken = 0;
  for (let i = 0; i < asks; i++) if (buckets.take(source, DATAGRAMS, 1)) taken++;
  return taken;
});
