import assert from "node:assert/strict";
import fc from "fast-check";
import { compareBytes } from "../../src/torrent/byte_order.ts";
import { decodeBencode, DEPTH_MAX, entryOf, formatBencodeFault } from "../../src/torrent/decode_bencode.ts";
import { type BencodeValue, encodeBencode } from "../../src/torrent/encode_bencode.ts";
import { valueOf } from "../support/bencode.ts";
import { latin1 } from "../support/vectors.ts";

/** Any value, with dictionaries whose keys differ. */
const anyValue: fc.Arbitrary<BencodeValue> = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 8 }), tie("value")), {
      maxLength: 5,
      selector: ([key]) => key.join(),
    }).map((entries) => ({ entries })),
  ),
})).value;

Deno.test("decodeBencode() after encodeBencode() is the identity, byte for byte", () => {
  fc.assert(fc.property(anyValue, (value) => {
    const encoded = encodeBencode(value);
    const node = decodeBencode(encoded);
    assert(node.kind !== "fault");
    assert.equal(node.end, encoded.length);
    assert.deepEqual(encodeBencode(valueOf(node)), encoded);
    if (node.kind === "dictionary") assert.equal(node.isSorted, true);
  }));
});

Deno.test("decodeBencode() notes where each value stands", () => {
  fc.assert(fc.property(fc.array(anyValue, { maxLength: 5 }), (values) => {
    const encoded = encodeBencode(values);
    const node = decodeBencode(encoded);
    assert(node.kind === "list");
    for (const [index, item] of node.items.entries()) {
      assert.deepEqual(encoded.slice(item.start, item.end), encodeBencode(values[index]));
    }
  }));
});

Deno.test("decodeBencode() never throws, whatever the bytes", () => {
  const bencodeLike = fc.string({ unit: fc.constantFrom(..."deli0123456789:-ab"), maxLength: 60 }).map(latin1);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), bencodeLike), (bytes) => {
      const node = decodeBencode(bytes);
      if (node.kind === "fault") assert(node.at >= 0 && node.at <= bytes.length && node.reason !== "");
      else assert(node.end <= bytes.length);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("decodeBencode() says what is wrong and where", () => {
  const rows: { input: string; want: string }[] = [
    { input: "", want: "at byte 0 a value is missing: the data ends" },
    { input: "x", want: "at byte 0 no value begins with this byte" },
    { input: "e", want: "at byte 0 no value begins with this byte" },
    { input: "i12", want: "at byte 1 an integer is cut off" },
    { input: "ie", want: "at byte 1 an integer has no digits" },
    { input: "i-e", want: "at byte 2 an integer has no digits" },
    { input: "i01e", want: "at byte 1 an integer has a leading zero" },
    { input: "i-0e", want: "at byte 0 an integer is -0" },
    { input: "i1x", want: "at byte 2 an integer has a byte that is not a digit" },
    { input: `i${"9".repeat(21)}e`, want: "at byte 1 an integer has more than 20 digits" },
    { input: "5:abc", want: "at byte 0 a string claims 5 bytes and 3 are left" },
    { input: "2147483648:a", want: "at byte 0 a string claims 2147483648 bytes and 1 are left" },
    { input: "99999999999999999999:a", want: "at byte 0 a string claims 100000000000000000000 bytes and 1 are left" },
    { input: "03:abc", want: "at byte 0 the length of a string has a leading zero" },
    { input: "3", want: "at byte 0 the length of a string is cut off" },
    { input: "l1:a", want: "at byte 0 a list is cut off" },
    { input: "d1:a", want: "at byte 4 a value is missing: the data ends" },
    { input: "d1:ai1e", want: "at byte 0 a dictionary is cut off" },
    { input: "di1ei2ee", want: "at byte 1 no value begins with this byte" },
    { input: "d1:bi1e1:ai1e1:bi2ee", want: 'at byte 13 the key "b" stands twice' },
    { input: "l".repeat(DEPTH_MAX + 1), want: `at byte ${DEPTH_MAX} values nest deeper than ${DEPTH_MAX}` },
  ];
  for (const { input, want } of rows) {
    const node = decodeBencode(latin1(input));
    assert(node.kind === "fault", input);
    assert.equal(formatBencodeFault(node), want, input);
  }
});

Deno.test("decodeBencode() outlives bombs of lists and of values", () => {
  const nested = decodeBencode(new Uint8Array(5_000_000).fill(0x6c));
  assert(nested.kind === "fault");
  const wide = new Uint8Array(6_000_000);
  for (let at = 0; at < wide.length; at += 2) wide.set([0x30, 0x3a], at);
  wide[0] = 0x6c;
  wide[1] = 0x6c;
  const node = decodeBencode(wide);
  assert(node.kind === "fault" && node.reason === "there are more than 2000000 values");
});

Deno.test("decodeBencode() leaves trailing bytes, and takes keys out of order", () => {
  const node = decodeBencode(latin1("d1:bi1e1:ai-20eexyz"));
  assert(node.kind === "dictionary");
  assert.deepEqual([node.end, node.isSorted], [16, false]);
  const a = entryOf(node, "a");
  assert(a?.kind === "integer" && a.value === -20n);
  assert.equal(entryOf(node, "c"), undefined);
});

Deno.test("encodeBencode() sorts keys by bytes, not by letters of UTF-16", () => {
  // U+FF5E stands before U+1F41D in UTF-8, and after its surrogates in UTF-16.
  const encoded = encodeBencode({ entries: [["\u{1f41d}", 1], ["\uff5e", 2], ["a", undefined], ["", 3]] });
  assert.deepEqual(new TextDecoder().decode(encoded), "d0:i3e3:\uff5ei2e4:\u{1f41d}i1ee");
  assert.throws(() => encodeBencode(1.5), RangeError);
});

Deno.test("compareBytes() puts a prefix first", () => {
  assert(compareBytes(latin1("a"), latin1("ab")) < 0);
  assert(compareBytes(latin1("\xff"), latin1("a")) > 0);
  assert.equal(compareBytes(latin1("ab"), latin1("ab")), 0);
});
