import assert from "node:assert/strict";
import { formatAddress, setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { HALVING_MINUTES, NETWORK_COUNTS_WORDS, NetworkCounts } from "../../src/stats/network_counts.ts";

function newCounts(bits4: number): { note: (address: string, times: number) => void; list: () => string[] } & {
  counts: NetworkCounts;
} {
  const counts = new NetworkCounts(new Int32Array(NETWORK_COUNTS_WORDS), bits4), request = new AnnounceRequest();
  return {
    counts,
    note: (address, times) => {
      assert.ok(setAddressText(request, address));
      for (let i = 0; i < times; i++) counts.note(request.address, request.family);
    },
    list: () => {
      const lines: string[] = [];
      counts.forEach((address, bits, count) => lines.push(`${formatAddress(address)}/${bits} ${count}`));
      return lines.sort();
    },
  };
}

Deno.test("NetworkCounts takes the addresses of one network together", () => {
  const rows: [bits4: number, addresses: string[], want: string[]][] = [
    [24, ["192.0.2.1", "192.0.2.200", "192.0.3.1"], ["192.0.2.0/24 2", "192.0.3.0/24 1"]],
    [28, ["192.0.2.1", "192.0.2.15", "192.0.2.16"], ["192.0.2.0/28 2", "192.0.2.16/28 1"]],
    [32, ["10.0.0.1", "10.0.0.2"], ["10.0.0.1/32 1", "10.0.0.2/32 1"]],
    [20, ["10.1.17.1", "10.1.31.1"], ["10.1.16.0/20 2"]],
    [24, ["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2::1"], ["2001:db8:1::/48 2", "2001:db8:2::/48 1"]],
  ];
  for (const [bits4, addresses, want] of rows) {
    const { note, list } = newCounts(bits4);
    for (const address of addresses) note(address, 1);
    assert.deepEqual(list(), want);
  }
});

Deno.test("NetworkCounts keeps the heavy ones among many light ones", () => {
  const { note, list } = newCounts(24);
  for (let i = 0; i < 50_000; i++) {
    note(`10.${i >> 8 & 255}.${i & 255}.1`, 1);
    if (i % 5 === 0) note("192.0.2.1", 1);
  }
  const heavy = list().find((line) => line.startsWith("192.0.2.0/24"));
  assert.ok(heavy !== undefined && Number(heavy.split(" ")[1]) > 9000, `${heavy}`);
});

Deno.test("NetworkCounts halves its counts as time goes by", () => {
  const { counts, note, list } = newCounts(24);
  note("192.0.2.1", 5);
  counts.age(HALVING_MINUTES - 1);
  assert.deepEqual(list(), ["192.0.2.0/24 5"]);
  counts.age(HALVING_MINUTES);
  assert.deepEqual(list(), ["192.0.2.0/24 2"]);
  counts.age(HALVING_MINUTES + 1);
  assert.deepEqual(list(), ["192.0.2.0/24 2"]);
  counts.age(2 * HALVING_MINUTES);
  counts.age(3 * HALVING_MINUTES);
  assert.deepEqual(list(), []);
});
