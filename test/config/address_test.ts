import assert from "node:assert/strict";
import { formatAddress, parseAddress, parseIp, parseNetwork, parsePort } from "../../src/config/address.ts";

Deno.test("parseIp() takes IPv4 and IPv6 and writes them short", () => {
  const rows: [text: string, want: string | null][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["", null],
    ["localhost", null],
    ["127.1", null],
    ["0x7f.0.0.1", null],
    ["010.0.0.1", null],
    ["1.2.3.256", null],
    ["1.2.3.4.5", null],
    ["fe80::1%eth0", null],
    ["::ffff:010.0.0.1", null],
    ["::ffff:0x7f.0.0.1", null],
    ["::1.2.3.4", null],
    ["[::1]", null],
    [" ::1", null],
  ];
  for (const [text, want] of rows) assert.equal(parseIp(text), want, text);
});

Deno.test("parsePort() takes 0 to 65535 in digits alone", () => {
  const rows: [text: string, want: number | null][] = [
    ["0", 0],
    ["80", 80],
    ["00080", 80],
    ["65535", 65535],
    ["65536", null],
    ["123456", null],
    ["", null],
    ["-1", null],
    ["+1", null],
    ["1.0", null],
    ["1e3", null],
    ["80x", null],
    [" 80", null],
  ];
  for (const [text, want] of rows) assert.equal(parsePort(text), want, text);
});

Deno.test("parseAddress() takes every form opentracker takes", () => {
  const rows: [text: string, want: string | null][] = [
    ["1.2.3.4", "1.2.3.4:6969"],
    ["1.2.3.4:80", "1.2.3.4:80"],
    ["1.2.3.4:0", "1.2.3.4:0"],
    ["::1", "[::1]:6969"],
    ["[::1]", "[::1]:6969"],
    ["[::1", "[::1]:6969"],
    ["[::1]:80", "[::1]:80"],
    ["::1.80", "[::1]:80"],
    ["::.80", "[::]:80"],
    ["2001:db8::1.80", "[2001:db8::1]:80"],
    ["::ffff:1.2.3.4", "1.2.3.4:6969"],
    ["::ffff:1.2.3.4.80", "1.2.3.4:80"],
    ["1.2.3.4.80", null],
    ["1.2.3.4:", null],
    ["1.2.3.4:65536", null],
    ["[1.2.3.4:80", null],
    ["[::1]80", null],
    ["[::1]:", null],
    ["[::1]:x", null],
    ["::1.", null],
    ["::1.65536", null],
    [":80", null],
    ["80", null],
    ["localhost:80", null],
    ["[]", null],
    ["[", null],
    ["", null],
  ];
  for (const [text, want] of rows) {
    const address = parseAddress(text, 6969);
    assert.equal(address && formatAddress(address), want, text);
  }
});

Deno.test("parseNetwork() takes an address and a prefix", () => {
  const rows: [text: string, want: string | null][] = [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.1.2.3/8"],
    ["10.0.0.1", "10.0.0.1/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:db8::/32", "2001:db8::/32"],
    ["::1", "::1/128"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["::ffff:10.0.0.0/95", null],
    ["10.0.0.0/33", null],
    ["::/129", null],
    ["10.0.0.0/-1", null],
    ["10.0.0.0/", null],
    ["10.0.0.0/8/8", null],
    ["192.168/16", null],
    ["/8", null],
    ["", null],
  ];
  for (const [text, want] of rows) {
    const network = parseNetwork(text);
    assert.equal(network && `${network.address}/${network.bits}`, want, text);
  }
});
