/** Many networks: text in, ranges in shared memory, addresses asked. */
import assert from "node:assert/strict";
import { readNetworkLines, readNetworkSlices } from "../../src/access/network_lines.ts";
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

Deno.test("readNetworkLines() takes a hundred thousand networks, in any order, and makes one of those that touch", () => {
  const random = seededRandom("many networks"), count = 100_000;
  const low = (i: number) => `${1 + (i >> 16)}.${i >> 8 & 255}.${i & 255}`, hex = (i: number) => (i >> 16).toString(16);
  const rows: { name: string; line: (i: number) => string; ranges: number; inside: string[]; outside: string[] }[] = [
    {
      name: "IPv4",
      line: (i) => `${low(i)}.0/25`,
      ranges: count * 2,
      inside: ["1.0.0.0", "1.77.3.127", "2.134.159.1"],
      outside: ["1.77.3.128", "2.134.160.1", "0.255.255.255"],
    },
    {
      name: "IPv4, side by side",
      line: (i) => `${low(i)}.0/24`,
      ranges: 2,
      inside: ["2.134.159.255"],
      outside: [
        "2.134.160.0",
      ],
    },
    {
      name: "IPv6",
      line: (i) => `2001:db8:${hex(i)}:${(i & 0xffff).toString(16)}:8000::/65`,
      ranges: count * 8,
      inside: ["2001:db8:1:869f:8000::", "2001:db8::ffff:ffff:ffff:ffff"],
      outside: ["2001:db8:1:869f::", "2001:db8:1:86a0:8000::", "2001:db8::1"],
    },
    {
      name: "IPv6, side by side",
      line: (i) => `2001:db8:${hex(i)}:${(i & 0xffff).toString(16)}::/64`,
      ranges: 8,
      inside: ["2001:db8::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:1::", "2001:db8:1:869f::1"],
      outside: ["2001:db8:1:86a0::", "2001:db7:ffff:ffff::1"],
    },
  ];
  for (const { name, line, ranges: words, inside, outside } of rows) {
    const lines = Array.from({ length: count }, (_, i) => line(i));
    for (let i = count - 1; i > 0; i--) {
      const other = random.below(i + 1);
      [lines[i], lines[other]] = [lines[other]!, lines[i]!];
    }
    const { memory, networks } = readNetworkLines(lines.join("\n")), ranges = new NetworkRanges(memory);
    assert.deepEqual([networks, memory.byteLength], [count, (4 + words) * 4], name);
    for (const address of inside) assert.ok(holds(ranges, address), `${name} has ${address}`);
    for (const address of outside) assert.ok(!holds(ranges, address), `${name} has not ${address}`);
  }
});

Deno.test("readNetworkSlices() lets others have their turn while it reads, and while it puts in order", () => {
  const turns = (text: string) => {
    let count = 0;
    for (const reading = readNetworkSlices(text); !reading.next().done; count++);
    return count;
  };
  const lines = Array.from({ length: 100_000 }, (_, i) => `${1 + (i >> 16)}.${i >> 8 & 255}.${i & 255}.0/25\n`).join(
    "",
  );
  const [remarks, networks] = [turns("# no network at all\n".repeat(100_000)), turns(lines)];
  assert.ok(remarks >= 5, `${remarks} while lines are read`);
  assert.ok(networks >= remarks + 10, `${networks} with networks to sort`);
});
