/** Many networks: text in, ranges in shared memory, addresses asked. */
import assert from "node:assert/strict";
import { readNetworkLines } from "../../src/access/network_lines.ts";
import { NetworkRanges } from "../../src/access/network_ranges.ts";
import { NetworkSet } from "../../src/access/networks.ts";
import { formatAddress, setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { seededRandom } from "../support/random.ts";

const source = new AnnounceRequest();

function holds(ranges: NetworkRanges, address: string): boolean {
  assert.ok(setAddressText(source, address), address);
  return ranges.holds(source);
}

Deno.test("readNetworkLines() reads networks, addresses and remarks", () => {
  const rows: { line: string; inside?: string[]; outside?: string[]; isBad?: boolean }[] = [
    {
      line: "192.0.2.0/24",
      inside: ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.9"],
      outside: ["192.0.1.255", "192.0.3.0"],
    },
    { line: "192.0.2.7", inside: ["192.0.2.7"], outside: ["192.0.2.6", "192.0.2.8"] },
    { line: "192.0.2.77/24 # with bits past its prefix", inside: ["192.0.2.0"], outside: ["192.0.3.0"] },
    { line: "  198.51.100.0/25\t", inside: ["198.51.100.127"], outside: ["198.51.100.128"] },
    { line: "0.0.0.0/0", inside: ["0.0.0.0", "255.255.255.255"], outside: ["::1", "2001:db8::1"] },
    { line: "255.255.255.255", inside: ["255.255.255.255"], outside: ["255.255.255.254", "0.0.0.0"] },
    { line: "2001:db8::/32", inside: ["2001:db8::", "2001:db8:ffff::1"], outside: ["2001:db7:ffff::", "2001:db9::"] },
    { line: "2001:db8::5", inside: ["2001:db8::5"], outside: ["2001:db8::4", "2001:db8::6"] },
    { line: "2001:db8::/127", inside: ["2001:db8::1"], outside: ["2001:db8::2"] },
    { line: "::/0", inside: ["::1", "ffff:ffff::"], outside: ["192.0.2.1"] },
    { line: "::ffff:192.0.2.0/120", inside: ["192.0.2.1"], outside: ["192.0.3.0"] },
    { line: "::ffff:192.0.2.1", inside: ["192.0.2.1"], outside: ["192.0.2.2"] },
    { line: "# a remark" },
    { line: "" },
    { line: "   " },
    { line: "192.0.2.0/33", isBad: true },
    { line: "192.0.2.0/", isBad: true },
    { line: "192.0.2.0/2x", isBad: true },
    { line: "192.0.2.0/-1", isBad: true },
    { line: "192.0.2.0/24/8", isBad: true },
    { line: "192.0.2", isBad: true },
    { line: "192.0.2.256", isBad: true },
    { line: "2001:db8::/129", isBad: true },
    { line: "fe80::1%eth0", isBad: true },
    { line: "::192.0.2.1", isBad: true },
    { line: "::ffff:192.0.2.0/64", isBad: true },
    { line: "example.org", isBad: true },
    { line: "192.0.2.1 192.0.2.2", isBad: true },
    { line: "1".repeat(1000), isBad: true },
  ];
  for (const { line, inside = [], outside = [], isBad = false } of rows) {
    for (const text of [line, `${line}\r\n`, `# first\n${line}\n\n`]) {
      const read = readNetworkLines(text), ranges = new NetworkRanges(read.memory);
      assert.equal(read.badLines, isBad ? 1 : 0, line);
      assert.equal(read.firstBadLine, isBad ? text.startsWith("# first") ? 2 : 1 : 0, line);
      assert.equal(read.networks, inside.length > 0 ? 1 : 0, line);
      for (const address of inside) assert.ok(holds(ranges, address), `${line} has ${address}`);
      for (const address of outside) assert.ok(!holds(ranges, address), `${line} has not ${address}`);
    }
  }
});

Deno.test("NetworkRanges.holds() agrees with a look through all of the networks", () => {
  const random = seededRandom("network ranges");
  for (let round = 0; round < 30; round++) {
    const networks = Array.from({ length: random.below(60) }, () => {
      const is4 = random.below(2) === 0;
      // Few different bytes, so that networks overlap, touch and repeat.
      const bytes = Uint8Array.from({ length: is4 ? 4 : 16 }, () => [0, 1, 2, 127, 128, 254, 255][random.below(7)]!);
      if (!is4) bytes[0] = 0x20;
      return { address: formatAddress(bytes), bits: is4 ? random.below(33) : 3 + random.below(126) };
    });
    const { memory, badLines } = readNetworkLines(networks.map(({ address, bits }) => `${address}/${bits}\n`).join(""));
    const naive = new NetworkSet(networks), ranges = new NetworkRanges(memory);
    assert.deepEqual([badLines, ranges.size], [0, networks.length]);
    for (let i = 0; i < 300; i++) {
      const near = networks.length === 0 ? undefined : networks[random.below(networks.length)]!.address;
      setAddressText(source, near ?? "192.0.2.1");
      // The neighbours of what begins a network, and anything else.
      const last = source.family === 4 ? 3 : 15, by = random.below(3) - 1, at = random.below(last + 1);
      source.addressBytes[random.oneIn(3) ? at : last]! += by;
      assert.equal(ranges.holds(source), naive.holds(source), formatAddress(source.addressBytes.slice(0, last + 1)));
    }
  }
});

Deno.test("readNetworkLines() takes a hundred thousand networks", () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `${1 + (i >> 16)}.${i >> 8 & 255}.${i & 255}.0/25`);
  const { memory, networks } = readNetworkLines(lines.toReversed().join("\n")), ranges = new NetworkRanges(memory);
  assert.equal(networks, 100_000);
  assert.ok(holds(ranges, "1.0.0.0") && holds(ranges, "1.77.3.127") && holds(ranges, "2.134.159.1"));
  assert.ok(!holds(ranges, "1.77.3.128") && !holds(ranges, "2.134.160.1") && !holds(ranges, "0.255.255.255"));
});
