/** Connection ids: nobody but who asked for one has one. */
import assert from "node:assert/strict";
import { AnnounceRequest } from "../../../src/bittorrent/announce.ts";
import { ConnectionIds } from "../../../src/wire/connection_id.ts";
import type { Check, FuzzTarget } from "../../support/fuzz.ts";
import { setAsker } from "../../support/store.ts";
import { SECRET } from "./world.ts";

const SECONDS = 3600, UNIT_SECONDS = 8, TIME_SECONDS_MAX = 2 ** 31;

/**
 * 0 an id (8)   8 seconds (4)   12 seconds later (2)   14 bit to flip (1)   15 family (1)   16 address (16)
 */
export const connectionId: FuzzTarget = {
  name: "connection_id",
  summary: "connection ids: made up, changed, old, and of others",
  bytesMax: 64,
  words: [],
  seeds: () => [new Uint8Array(32), new Uint8Array(32).fill(0xff), Uint8Array.from({ length: 32 }, (_, i) => i * 7)],
  open: openConnectionId,
};

function openConnectionId(): Check {
  const ids = new ConnectionIds(SECRET, SECONDS), source = new AnnounceRequest(), other = new AnnounceRequest();
  return (input) => {
    const bytes = new Uint8Array(32);
    bytes.set(input.subarray(0, 32));
    const view = new DataView(bytes.buffer), second = view.getUint32(8) % TIME_SECONDS_MAX;
    const isV4 = bytes[15]! % 2 === 0, address = bytes.subarray(16, isV4 ? 20 : 32);
    setAsker(source, address, 6881);
    // One in 2^48 would be right; the time in it must be right as well.
    assert.equal(ids.isGood(source, view.getInt32(0), view.getInt32(4), second), false, "an id made up");
    ids.issue(source, second);
    const { high, low } = ids, later = view.getUint16(12), isGood = ids.isGood(source, high, low, second + later);
    if (later <= SECONDS - UNIT_SECONDS) assert.equal(isGood, true, `${later} s later`);
    if (later > SECONDS + UNIT_SECONDS) assert.equal(isGood, false, `${later} s later`);
    const bit = bytes[14]! % 64, changed = bit < 32 ? [high ^ 1 << bit, low] : [high, low ^ 1 << bit - 32];
    assert.equal(ids.isGood(source, changed[0]!, changed[1]!, second), false, "a bit is changed");
    const neighbour = address.slice();
    neighbour[bytes[14]! % neighbour.length]! ^= 1 + bytes[13]! % 255;
    setAsker(other, neighbour, 6881);
    assert.equal(ids.isGood(other, high, low, second), false, "the id of another");
    return `${isV4} ${isGood} ${later >> 9}`;
  };
}
