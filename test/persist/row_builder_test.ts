/** A row of the state file, made of what was read of the store. */
import assert from "node:assert/strict";
import { RowBuilder } from "../../src/persist/row_builder.ts";
import { PEER4_WORDS, PEER_MINUTE_MASK } from "../../src/swarm/layout.ts";
import {
  RECORD_FIRST,
  RECORD_FLAGS,
  RECORD_LAST,
  RECORD_MINUTE,
  RECORD_PEERS,
  RECORD_WORDS,
} from "../../src/swarm/torrent_reader.ts";

Deno.test("RowBuilder.add() takes marks that are a minute ahead of its clock for new", () => {
  const builder = new RowBuilder(), record = new Int32Array(RECORD_WORDS + PEER4_WORDS), rowMinutes: number[] = [];
  for (const minute of [100, 0x7fff, 0xffff]) {
    record[RECORD_FLAGS] = RECORD_FIRST | RECORD_LAST;
    record[RECORD_MINUTE] = minute + 1 & 0xffff;
    record[RECORD_PEERS] = 1;
    // The peer was heard a minute after the torrent was touched by a thread that is behind.
    record[RECORD_WORDS + 1] = ((minute + 2) & PEER_MINUTE_MASK) << 16;
    builder.minute = minute;
    builder.wallMinute = 1000;
    assert.ok(builder.add(record, 0));
    rowMinutes.push(builder.touched, new Int32Array(builder.peers4!.slice().buffer)[1]! >>> 16);
  }
  assert.deepEqual(rowMinutes, [1000, 0, 1000, 0, 1000, 0]);
});
