import assert from "node:assert/strict";
import { NetworkSet } from "../../src/access/networks.ts";
import { formatAddress, parseAddress } from "../../src/bittorrent/address.ts";

Deno.test("NetworkSet.has() holds what its ranges hold", () => {
  const rows: [ranges: [string, number][], address: string, want: boolean][] = [
    [[], "1.2.3.4", false],
    [[["1.2.3.4", 32]], "1.2.3.4", true],
    [[["1.2.3.4", 32]], "1.2.3.5", false],
    [[["10.0.0.0", 8]], "10.255.0.1", true],
    [[["10.0.0.0", 8]], "11.0.0.1", false],
    [[["10.1.2.3", 9]], "10.127.0.1", true],
    [[["10.1.2.3", 9]], "10.128.0.1", false],
    [[["0.0.0.0", 0]], "255.1.1.1", true],
    [[["0.0.0.0", 0]], "2001:db8::1", false],
    [[["::", 0]], "2001:db8::1", true],
    [[["::", 0]], "1.2.3.4", true],
    [[["2001:db8::", 33]], "2001:db8:7fff::1", true],
    [[["2001:db8::", 33]], "2001:db8:8000::1", false],
    [[["2001:db8::1", 128]], "2001:db8::1", true],
    [[["10.0.0.0", 8], ["192.168.0.0", 16]], "192.168.3.4", true],
  ];
  for (const [ranges, address, want] of rows) {
    const set = new NetworkSet(ranges.map(([address, bits]) => ({ address, bits }))), bytes = new Uint8Array(16);
    parseAddress(address, bytes);
    const short = address.includes(":") ? bytes : bytes.slice(12), name = `${ranges} ${formatAddress(short)}`;
    assert.equal(set.has(short), want, name);
    assert.equal(set.hasText(address), want, name);
    assert.equal(set.size, ranges.length);
  }
  assert.equal(new NetworkSet([{ address: "::", bits: 0 }]).hasText("example.org"), false);
});
