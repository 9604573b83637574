import assert from "node:assert/strict";
import fc from "fast-check";
import { replaceTrackers } from "../../src/torrent/edit_announce.ts";
import { type BencodeValue, encodeBencode } from "../../src/torrent/encode_bencode.ts";
import { type Metainfo, parseMetainfo } from "../../src/torrent/metainfo.ts";
import { pathFault, printable } from "../../src/torrent/safe_path.ts";

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const hex = (bytes: Uint8Array | undefined) =>
  bytes && Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** Written by hand: keys sorted, 20 letters for each SHA-1, 32 for each SHA-256. Hashes of info: `sha1sum`, `sha256sum`. */
const ROOT = "R".repeat(32);
const V1_INFO = "d6:lengthi40000e4:name5:a.bin12:piece lengthi16384e6:pieces60:" + "p".repeat(60) + "e";
const V1 =
  `d8:announce17:http://a/announce13:announce-listll17:http://a/announceel3:b:13:c:2ee7:comment2:hi4:info${V1_INFO}e`;
const FILES_INFO =
  "d5:filesld6:lengthi10e4:pathl1:x1:yeed4:attr1:p6:lengthi16374e4:pathl4:.pad5:16374eed6:lengthi0e4:pathl1:zeee" +
  "4:name1:d12:piece lengthi16384e6:pieces20:" + "p".repeat(20) + "7:privatei1ee";
const V2_INFO =
  `d9:file treed1:dd1:fd0:d6:lengthi20000e11:pieces root32:${ROOT}eee1:ed0:d6:lengthi0eeee12:meta versioni2e4:name1:t` +
  "12:piece lengthi16384ee";
const HYBRID_INFO = `d9:file treed1:hd0:d6:lengthi5e11:pieces root32:${ROOT}eee6:lengthi5e12:meta versioni2e4:name1:h` +
  "12:piece lengthi16384e6:pieces20:" + "p".repeat(20) + "e";

function read(text: string): Metainfo {
  const torrent = parseMetainfo(latin1(text));
  assert(!("kind" in torrent), "kind" in torrent ? torrent.reason : "");
  return torrent;
}

Deno.test("parseMetainfo() reads v1 with one file, and its trackers", () => {
  const torrent = read(V1);
  assert.deepEqual(
    [torrent.name, torrent.totalBytes, torrent.pieceLengthBytes, torrent.pieceCount, torrent.isPrivate],
    ["a.bin", 40000, 16384, 3, false],
  );
  assert.equal(hex(torrent.infoHashV1), "9e54b5c8b832d6a2ea606080be2a80f669af51aa");
  assert.equal(torrent.infoHashV2, undefined);
  assert.equal(torrent.announce, "http://a/announce");
  assert.deepEqual(torrent.tiers, [["http://a/announce"], ["b:1", "c:2"]]);
  assert.deepEqual(torrent.files, [{ path: [], lengthBytes: 40000, isPad: false }]);
  assert.deepEqual([torrent.comment, torrent.createdBy, torrent.warnings], ["hi", undefined, []]);
});

Deno.test("parseMetainfo() reads v1 with folders, without its padding", () => {
  const torrent = read(`d4:info${FILES_INFO}8:url-listl8:http://w8:http://see`);
  assert.deepEqual(torrent.files.map(({ path, lengthBytes }) => [path.join("/"), lengthBytes]), [["x/y", 10], [
    "z",
    0,
  ]]);
  assert.deepEqual([torrent.totalBytes, torrent.pieceCount, torrent.isPrivate], [10, 1, true]);
  assert.deepEqual(torrent.webSeeds, ["http://w", "http://s"]);
});

Deno.test("parseMetainfo() reads v2 and hybrids", () => {
  const v2 = read(`d4:info${V2_INFO}12:piece layersdee`);
  assert.equal(v2.infoHashV1, undefined);
  assert.deepEqual(v2.files.map(({ path, lengthBytes }) => [path.join("/"), lengthBytes]), [["d/f", 20000], ["e", 0]]);
  assert.deepEqual(v2.pieceCount, 2);
  const hybrid = read(`d4:info${HYBRID_INFO}12:piece layersdee`);
  assert.deepEqual(hybrid.files.map(({ path, lengthBytes }) => [path, lengthBytes]), [[[], 5]]);
  assert.equal(hybrid.infoHashV1?.length, 20);
  assert.equal(hybrid.infoHashV2?.length, 32);
});

Deno.test("parseMetainfo() hashes the bytes of info as they stand", async () => {
  for (const info of [V1_INFO, FILES_INFO, V2_INFO, HYBRID_INFO]) {
    const torrent = read(`d4:info${info}e`);
    const digest = async (name: string) => hex(new Uint8Array(await crypto.subtle.digest(name, latin1(info))));
    if (torrent.infoHashV1) assert.equal(hex(torrent.infoHashV1), await digest("SHA-1"));
    if (torrent.infoHashV2) assert.equal(hex(torrent.infoHashV2), await digest("SHA-256"));
  }
});

Deno.test("parseMetainfo() warns of what does no harm", () => {
  const warnings = (text: string) => read(text).warnings;
  assert.deepEqual(warnings(`${V1}\n`), ["1 byte follows the end of the torrent"]);
  assert.deepEqual(warnings(`d4:info${V1_INFO}7:comment1:xe`), [
    "its keys are not in order: some programs will refuse it",
  ]);
  const flat = warnings(`d13:announce-listl8:http://ae4:info${V1_INFO}e`);
  assert.deepEqual(flat, ["its announce-list is not a list of lists of URLs: programs will ignore it"]);
  assert.deepEqual(warnings(`d8:announce3:\xff\xff\xff4:info${V1_INFO}e`), ["the URL of a tracker is not UTF-8 text"]);
});

Deno.test("parseMetainfo() says why a source is not a torrent", () => {
  const info = (text: string) => `d4:info${text}e`;
  const rows: { input: string; want: string }[] = [
    { input: "", want: "it is empty" },
    { input: "<html>", want: "at byte 0 no value begins with this byte" },
    { input: "le", want: "it holds no dictionary" },
    { input: "de", want: "it has no info dictionary" },
    { input: "d4:info3:abce", want: "it has no info dictionary" },
    { input: V1.slice(0, -20), want: "at byte 161 a string claims 60 bytes and 42 are left" },
    { input: info("de"), want: "it has no name" },
    { input: info("d4:name1:ae"), want: "it has no usable piece length" },
    { input: info("d4:name1:a12:piece lengthi0ee"), want: "it has no usable piece length" },
    { input: info("d4:name1:a12:piece lengthi-5ee"), want: "it has no usable piece length" },
    { input: info("d4:name1:a12:piece lengthi5ee"), want: "it has no pieces" },
    { input: info(V1_INFO.replace("60:" + "p".repeat(60), "59:" + "p".repeat(59))), want: "its pieces are not hashes" },
    {
      input: info(V1_INFO.replace("60:" + "p".repeat(60), "40:" + "p".repeat(40))),
      want: "it has the hashes of 2 pieces and its files need 3",
    },
    { input: info(V1_INFO.replace("i40000e", "i-4e")), want: "it has neither files nor a usable length" },
    { input: info(V1_INFO.replace("i40000e", `i${2n ** 63n}e`)), want: "it has neither files nor a usable length" },
    { input: info(V1_INFO.replace("5:a.bin", "2:..")), want: 'the name ".." would lead out of its folder' },
    { input: info(V1_INFO.replace("5:a.bin", "5:/root")), want: 'a path holds the name "/root"' },
    { input: info(FILES_INFO.replace("l1:x1:ye", "l2:..1:ye")), want: 'the name ".." would lead out of its folder' },
    {
      input: info(FILES_INFO.replace("l1:x1:ye", "l4:..\\x1:ye")),
      want: 'the name "..\\\\x" would lead out of its folder',
    },
    { input: info(FILES_INFO.replace("l1:x1:ye", "l0:1:ye")), want: "a path holds an empty name" },
    { input: info(FILES_INFO.replace("l1:x1:ye", "le")), want: "a path is empty" },
    { input: info(V2_INFO.replace("1:f", "2:..")), want: 'the name ".." would lead out of its folder' },
    {
      input: info(V2_INFO.replace("i16384e", "i16385e")),
      want: "its pieces of 16385 bytes are not a power of two from 16384",
    },
    { input: info(V2_INFO.replace(`32:${ROOT}`, "1:x")), want: "one of its files has no usable pieces root" },
    {
      input: info(HYBRID_INFO.replace("6:lengthi5e12", "6:lengthi6e12")),
      want: "its list of files (v1) and its file tree (v2) differ",
    },
  ];
  for (const { input, want } of rows) {
    const torrent = parseMetainfo(latin1(input));
    assert("kind" in torrent, input);
    assert.equal(torrent.reason, want, input);
  }
});

Deno.test("parseMetainfo() never throws, whatever the bytes", () => {
  const seeds = [V1, `d4:info${FILES_INFO}e`, `d4:info${V2_INFO}e`, `d4:info${HYBRID_INFO}e`].map(latin1);
  const edit = fc.tuple(fc.nat(400), fc.nat(255));
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 4 }), fc.nat(400), (seed, edits, cut) => {
      const bytes = seed.slice(0, Math.max(1, seed.length - (cut > 300 ? cut - 300 : 0)));
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      parseMetainfo(bytes);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("replaceTrackers() changes trackers and nothing else", () => {
  const torrent = read(V1);
  const text = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  assert.equal(
    text(replaceTrackers(torrent, { announce: "udp://n:1", tiers: [["udp://n:1", "x:"], ["y:"]] })),
    `d8:announce9:udp://n:113:announce-listll9:udp://n:12:x:el2:y:ee7:comment2:hi4:info${V1_INFO}e`,
  );
  assert.equal(
    text(replaceTrackers(torrent, { announce: "udp://n:1", tiers: undefined })),
    `d8:announce9:udp://n:17:comment2:hi4:info${V1_INFO}e`,
  );
  const unsorted = read(`d4:info${V1_INFO}7:comment2:hi1:ai1eexyz`);
  assert.equal(
    text(replaceTrackers(unsorted, { announce: "udp://n:1", tiers: undefined })),
    `d1:ai1e8:announce9:udp://n:17:comment2:hi4:info${V1_INFO}exyz`,
  );
});

Deno.test("replaceTrackers() keeps the info hash and every other key", () => {
  const reserved = ["announce", "announce-list", "info"];
  const extra = fc.uniqueArray(
    fc.tuple(
      fc.string({ maxLength: 12 }).filter((key) => !reserved.includes(key)),
      fc.oneof(fc.integer(), fc.uint8Array()),
    ),
    { selector: ([key]) => key, maxLength: 6 },
  );
  const url = fc.webUrl();
  const tiers = fc.option(fc.array(fc.array(url, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  });
  const infos = fc.constantFrom(V1_INFO, FILES_INFO, V2_INFO, HYBRID_INFO).map(latin1);
  fc.assert(fc.property(infos, extra, url, tiers, url, tiers, (info, extra, oldUrl, oldTiers, newUrl, newTiers) => {
    const build = (announce: string, tiers: BencodeValue | undefined) =>
      encodeBencode({
        entries: [["announce", announce], ["announce-list", tiers], ["info", { encoded: info }], ...extra],
      });
    const before = parseMetainfo(build(oldUrl, oldTiers));
    assert(!("kind" in before));
    const edited = replaceTrackers(before, { announce: newUrl, tiers: newTiers });
    assert.deepEqual(edited, build(newUrl, newTiers));
    const after = parseMetainfo(edited);
    assert(!("kind" in after));
    assert.deepEqual([after.infoHashV1, after.infoHashV2], [before.infoHashV1, before.infoHashV2]);
    assert.deepEqual([after.announce, after.tiers], [newUrl, newTiers]);
    assert.deepEqual(replaceTrackers(after, { announce: oldUrl, tiers: oldTiers }), before.source);
  }));
});

Deno.test("pathFault() keeps names inside their folder", () => {
  for (const path of [["a"], ["a", "b.c"], ["..."], [".hidden"], ["a\\b"], ["\u{1f41d}"]]) {
    assert.equal(pathFault(path), null);
  }
  for (const path of [[], [""], ["."], ["a", ".."], ["a/b"], ["/etc"], ["a\0"], ["..\\x"], ["x\\.."]]) {
    assert.notEqual(pathFault(path), null, JSON.stringify(path));
  }
});

Deno.test("printable() disarms what steers a terminal", () => {
  assert.equal(printable("a\u001b[2Jb\u202ec\n\u{1f41d}"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}\u{1f41d}");
});
