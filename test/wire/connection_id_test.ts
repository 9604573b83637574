/** Connection ids: who may use one, how long, and that the MAC inside is Chaskey-12. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../src/bittorrent/announce.ts";
import { CONNECTION_ID_UNIT_SECONDS, ConnectionIds, permute } from "../../src/wire/connection_id.ts";
import { seededRandom } from "../support/random.ts";
import { setAsker } from "../support/store.ts";

const HOUR = 3600;
const NOW = 1_000_000;
const ALICE = Uint8Array.of(192, 0, 2, 1);
const BOB = Uint8Array.of(192, 0, 2, 2);
const ALICE6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const BOB6 = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
/** IPv6 whose first word is Alice's IPv4 address. */
const LOOKALIKE6 = Uint8Array.of(192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

const KEY = Int32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39);

function source(address: Uint8Array): AnnounceRequest {
  const request = new AnnounceRequest();
  setAsker(request, address, 6881);
  return request;
}

function issue(ids: ConnectionIds, address: Uint8Array, second: number): [high: number, low: number] {
  ids.issue(source(address), second);
  return [ids.high, ids.low];
}

Deno.test("ConnectionIds.isGood() knows its own ids, for their address and time", () => {
  const rows: { name: string; to: Uint8Array; from: Uint8Array; secondsLater: number; want: boolean }[] = [
    { name: "at once", to: ALICE, from: ALICE, secondsLater: 0, want: true },
    { name: "later", to: ALICE, from: ALICE, secondsLater: HOUR / 2, want: true },
    { name: "to its last second", to: ALICE, from: ALICE, secondsLater: HOUR, want: true },
    { name: "one unit past its time", to: ALICE, from: ALICE, secondsLater: HOUR + 8, want: false },
    { name: "a day later", to: ALICE, from: ALICE, secondsLater: 24 * HOUR, want: false },
    {
      name: "of a thread that is ahead",
      to: ALICE,
      from: ALICE,
      secondsLater: -CONNECTION_ID_UNIT_SECONDS,
      want: true,
    },
    { name: "from the future", to: ALICE, from: ALICE, secondsLater: -2 * CONNECTION_ID_UNIT_SECONDS, want: false },
    { name: "from the far future", to: ALICE, from: ALICE, secondsLater: -HOUR, want: false },
    { name: "another address", to: ALICE, from: BOB, secondsLater: 0, want: false },
    { name: "IPv6", to: ALICE6, from: ALICE6, secondsLater: HOUR, want: true },
    { name: "IPv6, past its time", to: ALICE6, from: ALICE6, secondsLater: HOUR + 8, want: false },
    { name: "another IPv6 address", to: ALICE6, from: BOB6, secondsLater: 0, want: false },
    { name: "of another family", to: ALICE, from: LOOKALIKE6, secondsLater: 0, want: false },
    { name: "of the other family", to: LOOKALIKE6, from: ALICE, secondsLater: 0, want: false },
  ];
  const ids = new ConnectionIds(KEY, HOUR);
  for (const { name, to, from, secondsLater, want } of rows) {
    const [high, low] = issue(ids, to, NOW);
    assert.equal(ids.isGood(source(from), high, low, NOW + secondsLater), want, name);
  }
});

Deno.test("ConnectionIds.isGood() holds across the wrap of the time in the id", () => {
  const ids = new ConnectionIds(KEY, HOUR), wrap = 0x10000 * CONNECTION_ID_UNIT_SECONDS;
  for (const second of [0, wrap - 8, wrap - 1, wrap, wrap + 8, 5 * wrap - 8]) {
    const [high, low] = issue(ids, ALICE, second);
    for (const [later, want] of [[-8, true], [0, true], [HOUR, true], [HOUR + 8, false]] as const) {
      assert.equal(ids.isGood(source(ALICE), high, low, second + later), want, `${later} s after ${second}`);
    }
  }
});

Deno.test("ConnectionIds.isGood() refuses an old id when the time in it comes round again", () => {
  const ids = new ConnectionIds(KEY, HOUR), wrap = 0x10000 * CONNECTION_ID_UNIT_SECONDS;
  for (const address of [ALICE, ALICE6]) {
    const [high, low] = issue(ids, address, NOW);
    for (const later of [wrap, wrap + HOUR / 2, 20 * wrap]) {
      assert.equal(ids.isGood(source(address), high, low, NOW + later), false, `${later} s later`);
    }
  }
});

Deno.test("ConnectionIds.isGood() refuses an id with any one bit flipped", () => {
  const ids = new ConnectionIds(KEY, HOUR);
  for (const address of [ALICE, ALICE6]) {
    const [high, low] = issue(ids, address, NOW);
    for (let bit = 0; bit < 32; bit++) {
      assert.equal(ids.isGood(source(address), high ^ 1 << bit, low, NOW), false, `high bit ${bit}`);
      assert.equal(ids.isGood(source(address), high, low ^ 1 << bit, NOW), false, `low bit ${bit}`);
    }
  }
});

Deno.test("ConnectionIds.isGood() refuses ids of another key, and random ones", () => {
  const random = seededRandom("connection ids"), ids = new ConnectionIds(KEY, HOUR);
  const others = new ConnectionIds(KEY.map((word) => word ^ 1), HOUR);
  const [high, low] = issue(others, ALICE, NOW);
  assert.equal(ids.isGood(source(ALICE), high, low, NOW), false);
  assert.equal(ids.isGood(source(ALICE), 0, 0, NOW), false);
  for (let i = 0; i < 10_000; i++) {
    // Of the right time, so that only the MAC can tell.
    const guess = (high & ~0xffff) | random.below(0x10000);
    assert.equal(ids.isGood(source(ALICE), guess, random.below(2 ** 32) | 0, NOW), false);
  }
});

Deno.test("ConnectionIds.issue() gives the same id for the same second and another for the next unit", () => {
  const ids = new ConnectionIds(KEY, HOUR);
  assert.deepEqual(issue(ids, ALICE, NOW), issue(ids, ALICE, NOW + 7));
  assert.notDeepEqual(issue(ids, ALICE, NOW), issue(ids, ALICE, NOW + 8));
});

Deno.test("ConnectionIds.issue() puts the time and 48 bits of Chaskey-12 into the id", () => {
  const ids = new ConnectionIds(KEY, HOUR), unit = Math.floor(NOW / CONNECTION_ID_UNIT_SECONDS);
  for (const [address, family] of [[ALICE, 4], [ALICE6, 6]] as const) {
    // The address, then time and family: one whole block for IPv4, two for IPv6.
    const message = new Uint8Array(family === 4 ? 16 : 32), view = new DataView(message.buffer);
    message.set(address);
    view.setUint32(family === 4 ? 4 : 16, unit, true);
    view.setUint32(family === 4 ? 8 : 20, family, true);
    const [word0, word1] = chaskey12(KEY, message), [high, low] = issue(ids, address, NOW);
    assert.deepEqual([high >>> 0, low >>> 0], [(unit << 16 | word1 & 0xffff) >>> 0, word0 >>> 0]);
  }
});

/** Chaskey as its paper writes it, around the permutation under test. Returns the tag's four words. */
function chaskey12(key: Int32Array, message: Uint8Array): Int32Array {
  const isWhole = message.length > 0 && message.length % 16 === 0;
  const padded = new Uint8Array(Math.max(16, Math.ceil(message.length / 16) * 16));
  padded.set(message);
  if (!isWhole) padded[message.length] = 1;
  const blocks = new Int32Array(padded.buffer), state = key.slice();
  const subkey = isWhole ? timesX(key) : timesX(timesX(key));
  for (let at = 0; at < blocks.length; at += 4) {
    const isLast = at + 4 === blocks.length;
    for (let i = 0; i < 4; i++) state[i]! ^= blocks[at + i]! ^ (isLast ? subkey[i]! : 0);
    permute(state);
  }
  return state.map((word, i) => word ^ subkey[i]!);
}

/** Multiplication by x modulo x^128 + x^7 + x^2 + x + 1, by way of big integers. */
function timesX(words: Int32Array): Int32Array {
  let value = words.reduceRight((sum, word) => sum << 32n | BigInt(word >>> 0), 0n) << 1n;
  if (value >> 128n) value = (value & (1n << 128n) - 1n) ^ 0x87n;
  return Int32Array.from([0n, 32n, 64n, 96n], (shift) => Number(value >> shift & 0xffffffffn) | 0);
}

Deno.test("permute() agrees with the official vectors of Chaskey-12", () => {
  // Messages 00, 01, 02 … of these lengths under KEY; from chaskey12.c by Nicky Mouha (2015).
  const rows: [length: number, tag: [number, number, number, number]][] = [
    [0, [0x43cb1f41, 0x51eba0c2, 0xff0a8ac3, 0x7ee3f642]],
    [1, [0xf9ac2067, 0x9c35a846, 0x441aad3d, 0x777b7330]],
    [15, [0x03cfb44b, 0x283c8163, 0xfca71448, 0xc40a0aea]],
    [16, [0x5dd0e2a9, 0xfb5eac8c, 0x633a392e, 0x500c36f3]],
    [17, [0x8b5f6d5a, 0x202314f6, 0x22092368, 0x9639e606]],
    [31, [0x1d3d30b1, 0x01d74fca, 0x3b2eb54c, 0xd8cd36b4]],
    [32, [0x77962784, 0x07c647fa, 0xdd752c0f, 0xd2f5a799]],
    [33, [0xd74bb867, 0x2c0dfb3a, 0xb697e9cd, 0x5658edda]],
    [48, [0xf36e748b, 0x8f34677f, 0x1e00ba1b, 0xdd7da46d]],
    [63, [0x2dd072e1, 0x42b89efe, 0xfb26b615, 0x049aa451]],
  ];
  for (const [length, tag] of rows) {
    const got = chaskey12(KEY, Uint8Array.from({ length }, (_, i) => i));
    assert.deepEqual([...got].map((word) => word >>> 0), tag, `${length} bytes`);
  }
});
