/** Addresses and networks in text: three readers of them must agree, and a set of networks must hold what it says. */
import assert from "node:assert/strict";
import ipaddr from "ipaddr.js";
import { NetworkSet } from "../../../src/access/networks.ts";
import { formatAddress, parseAddress } from "../../../src/bittorrent/address.ts";
import {
  formatAddress as formatEndpoint,
  parseAddress as parseEndpoint,
  parseIp,
  parseNetwork,
} from "../../../src/config/address.ts";
import { formatValue, readValue } from "../../../src/config/kind.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import type { Random } from "../../support/random.ts";
import { sameBytes } from "./world.ts";

const PORT_DEFAULT = 6969;

/** One address, address with port, or network. */
export const addresses: FuzzTarget = {
  name: "addresses",
  summary: "addresses, with a port or the length of a prefix, and sets of networks",
  bytesMax: 120,
  words: [
    "1.2.3.4",
    "::",
    "::1",
    "[",
    "]",
    "]:",
    ":80",
    "/0",
    "/32",
    "/96",
    "/128",
    "::ffff:",
    "2001:db8::",
    "%eth0",
    ".",
    "0x",
    "fe80",
  ],
  seeds: () =>
    ["1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80", "::1.80", "10.0.0.0/8", "2001:db8::/32", "::ffff:10.0.0.0/104"]
      .map((text) => new TextEncoder().encode(text)),
  open: openAddresses,
};

function openAddresses(): Check {
  const own = new Uint8Array(16), again = new Uint8Array(16), decoder = new TextDecoder();
  return (bytes, chance) => {
    const text = decoder.decode(bytes), isAddress = parseAddress(text, own), ip = parseIp(text);
    if (isAddress) {
      assert.ok(parseAddress(formatAddress(own), again) && sameBytes(own, again), "formatted and parsed");
    }
    if (ip !== null) {
      assert.ok(isAddress, "the config takes an address that the tracker does not");
      assert.ok(parseAddress(ip, again) && sameBytes(own, again), `${text} is ${ip}`);
      assert.ok(sameBytes(own, mappedBytes(ip)), `${text} is ${ip}`);
    }
    const endpoint = parseEndpoint(text, PORT_DEFAULT);
    if (endpoint !== null) {
      assert.ok(parseAddress(endpoint.address, again) && endpoint.port >= 0 && endpoint.port <= 65535);
      assert.deepEqual(parseEndpoint(formatEndpoint(endpoint), 1), endpoint);
    }
    return `${isAddress} ${ip?.includes(":")} ${endpoint === null} ${checkNetwork(text, chance)}`;
  };
}

function mappedBytes(text: string): Uint8Array {
  const ip = ipaddr.parse(text);
  return Uint8Array.from((ip instanceof ipaddr.IPv4 ? ip.toIPv4MappedAddress() : ip).toByteArray());
}

// A network's own first and last addresses are in it, those a bit further are not.
function checkNetwork(text: string, chance: Random): number {
  const network = parseNetwork(text);
  if (network === null) return -1;
  const set = new NetworkSet([network]), bits = network.bits + (network.address.includes(":") ? 0 : 96);
  assert.ok(set.hasText(network.address));
  assert.deepEqual(readValue({ kind: "network", default: [], repeatable: true }, formatValue(network)), {
    value: network,
  });
  const base = numberOf(mappedBytes(network.address)), size = 1n << BigInt(128 - bits);
  for (let i = 0; i < 4; i++) {
    const asked = chance.bytes(16), near = bytesOf(base ^ (numberOf(asked) % (size * 4n)));
    assert.equal(set.has(near), numberOf(near) / size === base / size, near.toHex());
    assert.equal(set.has(asked), numberOf(asked) / size === base / size, asked.toHex());
  }
  return bits;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toHex()}`);
}

function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.fromHex((number & (1n << 128n) - 1n).toString(16).padStart(32, "0"));
}
