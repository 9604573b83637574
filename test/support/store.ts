/** Helpers to drive a swarm store directly. */
import { AnnounceReply, AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { createArena } from "../../src/swarm/arena.ts";
import { SHARDS } from "../../src/swarm/layout.ts";
import { SwarmStore } from "../../src/swarm/swarm_store.ts";

/** A store over an arena of its own. */
export function newStore(mebibytes = 64, peerAgeMinutesMax = 45): SwarmStore {
  const secret = crypto.getRandomValues(new Int32Array(4));
  return new SwarmStore(createArena(mebibytes, secret), 1, 12345, peerAgeMinutesMax);
}

/** Sweeps every shard to its end. */
export function sweepAll(store: SwarmStore): void {
  for (let i = 0; i < SHARDS; i++) while (!store.sweep(i, 64));
}

/** Request and reply registers with a reply buffer, and readers of what was picked. */
export class StoreDriver {
  readonly request = new AnnounceRequest();
  readonly buffer = new Uint8Array(16384);
  readonly reply = new AnnounceReply(new Uint16Array(this.buffer.buffer));

  constructor() {
    this.reply.at4 = 0;
    this.reply.at6 = 4096;
  }

  /** Peers of the last reply as "family|address bytes|port". */
  picked(): string[] {
    const { reply, buffer } = this, peers: string[] = [];
    for (let i = 0; i < reply.peers4; i++) peers.push(peerName(buffer.subarray(i * 6, i * 6 + 6)));
    for (let i = 0; i < reply.peers6; i++) peers.push(peerName(buffer.subarray(8192 + i * 18, 8192 + i * 18 + 18)));
    return peers;
  }
}

/** A compact peer of 6 or 18 bytes as text. */
export function peerName(compact: Uint8Array): string {
  const port = compact.at(-2)! << 8 | compact.at(-1)!;
  return `${compact.length === 6 ? 4 : 6}|${compact.subarray(0, -2).join(".")}|${port}`;
}

/** Sets the asker of a request. `address`: 4 or 16 bytes. */
export function setAsker(request: AnnounceRequest, address: Uint8Array, port: number): string {
  request.addressBytes.fill(0);
  request.addressBytes.set(address);
  request.family = address.length === 4 ? 4 : 6;
  request.portWord = (port & 0xff) << 8 | port >> 8;
  return `${request.family}|${address.join(".")}|${port}`;
}
