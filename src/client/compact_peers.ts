/** Packed peers: 6 bytes each (BEP 23), or 18 over IPv6 (BEP 7, BEP 15): address, then port, big endian. Pure. */
import { formatAddress } from "../bittorrent/address.ts";
import type { AnsweredPeer } from "./question.ts";

const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;
const PORT_BYTES = 2;

/** Reads as many whole peers as `bytes` hold; what is left over at the end is dropped. */
export function readCompactPeers(bytes: Uint8Array, family: 4 | 6): AnsweredPeer[] {
  const peerBytes = ADDRESS_BYTES[family] + PORT_BYTES;
  const peers: AnsweredPeer[] = [];
  for (let at = 0; at + peerBytes <= bytes.length; at += peerBytes) {
    const portAt = at + ADDRESS_BYTES[family];
    peers.push({ address: formatAddress(bytes.subarray(at, portAt)), port: bytes[portAt] << 8 | bytes[portAt + 1] });
  }
  return peers;
}
