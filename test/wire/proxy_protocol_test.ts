import assert from "node:assert/strict";
import { formatAddress, setAddressText } from "../../src/bittorrent/address.ts";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { decodeProxyHeader, PROXY_INCOMPLETE, PROXY_INVALID } from "../../src/wire/proxy_protocol.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const V4 = "\x09\x08\x07\x06\x01\x02\x03\x04\0\x50\0\x51",
  V6 = `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(20)}`;

Deno.test("decodeProxyHeader() reads both versions, and leaves what is none", () => {
  const rows: [header: string, want: string | number][] = [
    ["PROXY TCP4 9.8.7.6 1.2.3.4 80 81\r\n", "9.8.7.6"],
    ["PROXY TCP6 2001:db8::1 ::1 80 81\r\n", "2001:db8::1"],
    ["PROXY UNKNOWN\r\n", "192.0.2.1"],
    ["PROXY UNKNOWN ffff:f...f:ffff 1 2\r\n", "192.0.2.1"],
    ["PROXY TCP4 9.8.7.6 1.2.3.4 80 81\n", PROXY_INVALID],
    ["PROXY TCP4 9.8.7 1.2.3.4 80 81\r\n", PROXY_INVALID],
    ["PROXY TCP4 2001:db8::1 1.2.3.4 80 81\r\n", PROXY_INVALID],
    ["PROXY TCP4\r\n", PROXY_INVALID],
    ["PROXY UDP4 9.8.7.6 1.2.3.4 80 81\r\n", PROXY_INVALID],
    [`PROXY TCP4 ${"9".repeat(120)}`, PROXY_INVALID],
    ["GET / HTTP/1.1\r\n\r\n", PROXY_INVALID],
    [`${SIGNATURE}\x21\x11\0\x0c${V4}`, "9.8.7.6"],
    [`${SIGNATURE}\x21\x11\0\x0f${V4}\x04\0\0`, "9.8.7.6"],
    [`${SIGNATURE}\x21\x21\0\x24${V6}`, "2001:db8::1"],
    [`${SIGNATURE}\x20\0\0\0`, "192.0.2.1"],
    [`${SIGNATURE}\x21\x31\0\x02ab`, "192.0.2.1"],
    [`${SIGNATURE}\x21\x11\0\x04abcd`, PROXY_INVALID],
    [`${SIGNATURE}\x11\x11\0\x0c${V4}`, PROXY_INVALID],
    [`${SIGNATURE}\x21\x11\xff\xff`, PROXY_INVALID],
  ];
  for (const [header, want] of rows) {
    const bytes = Uint8Array.from(`xyz${header}GET /`, (c) => c.charCodeAt(0)), target = new AnnounceRequest();
    const ask = (end: number) => {
      setAddressText(target, "192.0.2.1");
      return decodeProxyHeader(bytes, 3, end, target);
    };
    if (typeof want === "number") {
      assert.equal(ask(3 + header.length), want, JSON.stringify(header));
      continue;
    }
    for (let length = 0; length < header.length; length++) assert.equal(ask(3 + length), PROXY_INCOMPLETE, header);
    assert.equal(ask(bytes.length), header.length, JSON.stringify(header));
    assert.equal(formatAddress(target.addressBytes.subarray(0, target.family === 4 ? 4 : 16)), want);
  }
});
