/** The header of the PROXY protocol, both versions. */
import assert from "node:assert/strict";
import { formatAddress } from "../../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../../src/bittorrent/announce.ts";
import { decodeProxyHeader, PROXY_INCOMPLETE, PROXY_INVALID } from "../../../src/wire/proxy_protocol.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { AROUND, surrounded } from "./world.ts";

/** Longest header of each version. */
const LINE_BYTES_MAX = 107, BLOCK_BYTES_MAX = 1024;
const OWN_ADDRESS = 0x01020304;

/** Headers before a connection's first request. */
export const proxyProtocol: FuzzTarget = {
  name: "proxy_protocol",
  summary: "headers of the PROXY protocol, versions 1 and 2",
  bytesMax: 1200,
  words: [
    "PROXY ",
    "TCP4 ",
    "TCP6 ",
    "UNKNOWN",
    "192.0.2.1 ",
    "2001:db8::1 ",
    "::ffff:1.2.3.4 ",
    " 443",
    "\r\n",
    "\r",
    "\n",
  ],
  open: openProxyProtocol,
};

function openProxyProtocol(): Check {
  const target = new AnnounceRequest(), other = new AnnounceRequest();
  return (bytes, chance) => {
    const length = decodeFresh(bytes, 0, bytes.length, target), isV1 = bytes[0] === 0x50;
    if (length > 0) assert.ok(length <= Math.min(bytes.length, isV1 ? LINE_BYTES_MAX : BLOCK_BYTES_MAX));
    else {
      assert.ok(length === PROXY_INCOMPLETE || length === PROXY_INVALID);
      assert.equal(target.address[0], OWN_ADDRESS, "an address out of no header");
      // Waiting must have an end.
      if (length === PROXY_INCOMPLETE) assert.ok(bytes.length < (isV1 ? LINE_BYTES_MAX : BLOCK_BYTES_MAX));
    }
    const before = chance.below(8), whole = surrounded(bytes, AROUND[chance.below(AROUND.length)]!, before);
    assert.equal(decodeFresh(whole, before, before + bytes.length, other), length, "bytes around are read");
    checkPieces(bytes, length, other);
    return `${length < 0 ? -1 : Math.sign(length)} ${isV1} ${target.family} ${addressKind(target)}`;
  };
}

// Bytes that come one by one say "not yet" until they say what all of them say.
function checkPieces(bytes: Uint8Array, length: number, other: AnnounceRequest): void {
  const longest = length > 0 ? length : Math.min(bytes.length, BLOCK_BYTES_MAX);
  for (let end = 0; end < longest; end += 1 + (end >> 3)) {
    const soFar = decodeFresh(bytes, 0, end, other);
    assert.ok(
      soFar === PROXY_INCOMPLETE || soFar === PROXY_INVALID && length === PROXY_INVALID,
      `${soFar} after ${end}`,
    );
  }
}

function decodeFresh(bytes: Uint8Array, start: number, end: number, target: AnnounceRequest): number {
  target.family = 4;
  target.address.fill(0);
  target.address[0] = OWN_ADDRESS;
  return decodeProxyHeader(bytes, start, end, target);
}

function addressKind({ family, addressBytes, address }: AnnounceRequest): string {
  if (family === 4) assert.ok(address[1] === 0 && address[2] === 0 && address[3] === 0, "more than an IPv4 address");
  return formatAddress(addressBytes.subarray(0, family === 4 ? 4 : 16)).slice(0, 2);
}
