/** Addresses between text, bytes and words. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { formatAddress, parseAddress, setAddress4, setAddress6, setAddressText } from "../../src/bittorrent/address.ts";
import { Random, seededRandom } from "../support/random.ts";

/** What the registers hold after the text, or null where it was refused. */
function read(text: string): string | null {
  const request = new AnnounceRequest();
  request.address.fill(-1);
  if (!setAddressText(request, text)) return null;
  const length = request.family === 4 ? 4 : 16;
  assert.ok(request.addressBytes.subarray(length).every((byte) => byte === 0), "the rest is zero");
  return `${request.family} ${request.addressBytes.subarray(0, length).toHex()}`;
}

Deno.test("setAddressText() reads every form of an address", () => {
  const rows: [text: string, want: string][] = [
    ["0.0.0.0", "4 00000000"],
    ["1.2.3.4", "4 01020304"],
    ["255.255.255.255", "4 ffffffff"],
    ["::", `6 ${"00".repeat(16)}`],
    ["::1", `6 ${"00".repeat(15)}01`],
    ["1::", `6 0001${"00".repeat(14)}`],
    ["2001:db8::1", `6 20010db8${"00".repeat(11)}01`],
    ["2001:DB8::ABCD", `6 20010db8${"00".repeat(10)}abcd`],
    ["1:2:3:4:5:6:7:8", "6 00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "6 00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "6 00000002000300040005000600070008"],
    ["fe80::1%eth0", `6 fe80${"00".repeat(13)}01`],
    ["64:ff9b::192.0.2.33", "6 0064ff9b0000000000000000c0000221"],
    ["1:2:3:4:5:6:192.0.2.33", "6 000100020003000400050006c0000221"],
    ["::ffff:192.0.2.1", "4 c0000201"],
    ["::FFFF:c000:0201", "4 c0000201"],
    ["0:0:0:0:0:ffff:1.2.3.4", "4 01020304"],
    ["::fffe:1.2.3.4", "6 00000000000000000000fffe01020304"],
    ["::1:ffff:1.2.3.4", "6 00000000000000000001ffff01020304"],
    ["::1.2.3.4", `6 ${"00".repeat(12)}01020304`],
  ];
  for (const [text, want] of rows) assert.equal(read(text), want, text);
});

Deno.test("setAddressText() refuses what is no address", () => {
  const rows = [
    "",
    ".",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "1..2.3",
    "256.1.1.1",
    "010.001.000.09",
    "1.2.3.00",
    "1.2.3.1000",
    "-1.2.3.4",
    " 1.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "localhost",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "[::1]",
    "::1 ",
    ":1::",
    "::1:",
    "::1.2.3",
    "::1.2.3.256",
    "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::ffff:1.2.3.4:5",
  ];
  for (const text of rows) assert.equal(read(text), null, JSON.stringify(text));
});

Deno.test("setAddress6() makes a mapped address IPv4, from any place", () => {
  const words = new Int32Array(Uint8Array.of(9, 9, 9, 9, ...new Array(10).fill(0), 0xff, 0xff, 10, 0, 0, 7).buffer);
  const request = new AnnounceRequest();
  setAddress6(request, words, 1);
  assert.deepEqual([request.family, ...request.addressBytes], [4, 10, 0, 0, 7, ...new Array(12).fill(0)]);
});

Deno.test("setAddress4() clears what an IPv6 address left", () => {
  const request = new AnnounceRequest();
  setAddressText(request, "1:2:3:4:5:6:7:8");
  setAddress4(request, request.address[0]!);
  assert.deepEqual([request.family, ...request.addressBytes], [4, 0, 1, 0, 2, ...new Array(12).fill(0)]);
});

Deno.test("formatAddress() writes addresses as RFC 5952 says", () => {
  const rows: [hex: string, want: string][] = [
    ["01020304", "1.2.3.4"],
    ["ffffffff", "255.255.255.255"],
    ["00".repeat(16), "::"],
    [`${"00".repeat(15)}01`, "::1"],
    [`0001${"00".repeat(14)}`, "1::"],
    [`20010db8${"00".repeat(11)}01`, "2001:db8::1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010000000000010000000000000001", "2001:0:0:1::1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
    ["00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
    ["0001000200030004000500060000".padEnd(32, "0"), "1:2:3:4:5:6::"],
    ["abcdef0000000000000000000000ffff", "abcd:ef00::ffff"],
  ];
  for (const [hex, want] of rows) assert.equal(formatAddress(Uint8Array.fromHex(hex)), want, hex);
});

Deno.test("parseAddress() reads back what formatAddress() writes", () => {
  const random = seededRandom("addresses"), bytes = new Uint8Array(16);
  for (let i = 0; i < 20_000; i++) {
    const address = sparse(random, random.oneIn(2) ? 4 : 16), text = formatAddress(address);
    assert.ok(parseAddress(text, bytes), text);
    assert.deepEqual(bytes.subarray(16 - address.length), address, text);
    assert.ok(text === text.toLowerCase() && !/(^|:)0[0-9a-f]/.test(text.replaceAll(/\d+\.\d+\.\d+\.\d+/g, "")), text);
  }
});

/** Random bytes with many zeros: addresses have runs of them. */
function sparse(random: Random, length: number): Uint8Array {
  return random.bytes(length).map((byte) => random.oneIn(2) ? 0 : byte);
}
