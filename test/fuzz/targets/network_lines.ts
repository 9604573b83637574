/** Files of networks, against the config's reader of one network and a set that is looked through one by one. */
import assert from "node:assert/strict";
import { readNetworkLines } from "../../../src/access/network_lines.ts";
import { NetworkRanges } from "../../../src/access/network_ranges.ts";
import { NetworkSet } from "../../../src/access/networks.ts";
import { AnnounceRequest } from "../../../src/bittorrent/announce.ts";
import { parseAddress, setAddress6 } from "../../../src/bittorrent/address.ts";
import { type Network, parseNetwork } from "../../../src/config/address.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import type { Random } from "../../support/random.ts";

const ASKED = 8;

/** Files of networks that are denied. */
export const networkLines: FuzzTarget = {
  name: "network_lines",
  summary: "files of networks (access.deny_networks)",
  bytesMax: 4096,
  words: [
    "10.0.0.0/8",
    "192.0.2.7",
    "2001:db8::/32",
    "::ffff:1.2.3.0/120",
    "\n",
    "\r\n",
    " # ",
    "/0",
    "/33",
    "::",
    "/128",
  ],
  seeds: () =>
    [
      "192.0.2.0/24 # a remark\n2001:db8::/32\n192.0.2.7\n",
      "0.0.0.0/1\n128.0.0.0/1\n::/0\n",
      "10.0.0.0/9\n10.128.0.0/9",
    ]
      .map((text) => new TextEncoder().encode(text)),
  open: openNetworkLines,
};

function openNetworkLines(): Check {
  const decoder = new TextDecoder(), asked = new AnnounceRequest();
  return (bytes, chance) => {
    const text = decoder.decode(bytes), { memory, networks, badLines, firstBadLine } = readNetworkLines(text);
    const lines = text.split("\n").map((line) => line.replace(/#.*$/s, "").trim());
    const wanted = lines.filter((line) => line !== "").map((line) => parseNetwork(line));
    const good = wanted.filter((network) => network !== null);
    assert.deepEqual([networks, badLines], [good.length, wanted.length - good.length]);
    assert.equal(firstBadLine, lines.findIndex((line) => line !== "" && parseNetwork(line) === null) + 1);
    const ranges = new NetworkRanges(memory), [four, six] = [false, true].map((is6) => setOf(good, is6));
    assert.equal(ranges.size, good.length);
    for (let i = 0; i < ASKED; i++) {
      const address = near(good, chance);
      setAddress6(asked, new Int32Array(address.buffer), 0);
      const set = asked.family === 4 ? four! : six!;
      assert.equal(ranges.holds(asked), set.has(address), address.toHex());
    }
    return `${Math.min(20, networks)} ${Math.min(9, badLines)}`;
  };
}

// Each family for itself: an IPv6 network holds no IPv4 address, wide as it may be.
function setOf(networks: readonly Network[], is6: boolean): NetworkSet {
  return new NetworkSet(networks.filter(({ address }) => address.includes(":") === is6));
}

// 16 bytes: an address of one of the networks, one just outside of it, or any.
function near(networks: readonly Network[], chance: Random): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(16), network = networks[chance.below(Math.max(1, networks.length))];
  if (network === undefined || chance.oneIn(4)) {
    address.set(chance.bytes(16));
    if (chance.oneIn(2)) address.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    return address;
  }
  parseAddress(network.address, address);
  const bits = network.bits + (network.address.includes(":") ? 0 : 96), tail = chance.below(3);
  // Behind the prefix all zeros, all ones, or as it was written.
  for (let bit = bits; bit < 128 && tail < 2; bit++) setBit(address, bit, tail);
  if (bits > 0 && chance.oneIn(3)) address[(bits - 1) >> 3]! ^= 0x80 >> ((bits - 1) & 7);
  return address;
}

function setBit(bytes: Uint8Array, bit: number, value: number): void {
  const mask = 0x80 >> (bit & 7), at = bit >> 3;
  bytes[at] = value === 0 ? bytes[at]! & ~mask : bytes[at]! | mask;
}
