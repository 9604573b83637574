/** Everything in a store, as a TorrentReader reads it, in maps that tests can compare. */
import assert from "node:assert/strict";
import { officeOwner } from "../../src/swarm/owners.ts";
import {
  READ_WORDS_MIN,
  type ReadWish,
  RECORD_COMPLETED,
  RECORD_COUNTS,
  RECORD_FIRST,
  RECORD_FLAGS,
  RECORD_LAST,
  RECORD_MINUTE,
  RECORD_NEW,
  RECORD_PEERS,
  RECORD_WORDS,
  recordWords,
  TorrentReader,
} from "../../src/swarm/torrent_reader.ts";
import type { NaiveSwarm } from "./naive_swarm.ts";

/** A torrent as read: peers by "family|address|port". */
export interface ReadTorrent {
  completed: number;
  minute: number;
  counts: number[];
  readonly peers: Map<string, ReadPeer>;
  isWhole: boolean;
  /** As its first piece says. */
  readonly isNew: boolean;
}

/** A peer as read; `minute` in 15 bits. */
export interface ReadPeer {
  readonly seeder: boolean;
  readonly completed: boolean;
  readonly minute: number;
}

/** Peers as well, and nothing is taken. */
export const READ_ALL: ReadWish = { peers: true, changesOnly: false };

/** Reads everything, calling `between` with what has been read after each slice. A torrent read twice is an error unless it was begun anew. */
export function readTorrents(
  arena: SharedArrayBuffer,
  wish: ReadWish = READ_ALL,
  between: (torrents: ReadonlyMap<string, ReadTorrent>) => void = () => {},
): Map<string, ReadTorrent> {
  const reader = new TorrentReader(arena, officeOwner(0), wish), out = new Int32Array(READ_WORDS_MIN);
  const torrents = new Map<string, ReadTorrent>();
  for (let shard = 0; shard < TorrentReader.shards; shard++) {
    for (reader.begin(shard); !reader.isDone; between(torrents)) {
      const words = reader.read(out);
      for (let at = 0; at < words; at += recordWords(out, at)) take(torrents, out, at);
    }
  }
  return torrents;
}

function take(torrents: Map<string, ReadTorrent>, out: Int32Array, at: number): void {
  const bytes = new Uint8Array(out.buffer), key = bytes.subarray(at * 4, at * 4 + 20).join();
  const known = torrents.get(key), flags = out[at + RECORD_FLAGS]!;
  if (flags & RECORD_FIRST) {
    assert.ok(known === undefined || !known.isWhole, `${key} is read twice`);
    torrents.set(key, {
      completed: 0,
      minute: 0,
      counts: [],
      peers: new Map(),
      isWhole: false,
      isNew: (flags & RECORD_NEW) !== 0,
    });
  }
  const torrent = torrents.get(key)!;
  torrent.completed = out[at + RECORD_COMPLETED]!;
  torrent.minute = out[at + RECORD_MINUTE]!;
  torrent.counts = [...out.subarray(at + RECORD_COUNTS, at + RECORD_COUNTS + 4)];
  torrent.isWhole = (flags & RECORD_LAST) !== 0;
  let from = at + RECORD_WORDS;
  for (let kind = 0; kind < 4; kind++) {
    const words = kind < 2 ? 2 : 5, family = kind < 2 ? 4 : 6;
    for (let i = 0; i < out[at + RECORD_PEERS + kind]!; i++, from += words) {
      const peer = bytes.subarray(from * 4, (from + words) * 4), mark = out[from + words - 1]! >>> 16;
      const address = peer.subarray(0, words * 4 - 4), port = peer[address.length]! << 8 | peer[address.length + 1]!;
      torrent.peers.set(`${family}|${address.join(".")}|${port}`, {
        seeder: kind % 2 === 0,
        completed: (mark & 0x8000) !== 0,
        minute: mark & 0x7fff,
      });
    }
  }
}

/** Asserts that what was read is what the model holds. `minutesLater`: the store's clock less the model's. */
export function assertSameTorrents(torrents: Map<string, ReadTorrent>, model: NaiveSwarm, minutesLater = 0): void {
  assert.deepEqual([...torrents.keys()].sort(), [...model.torrents.keys()].sort());
  for (const [key, want] of model.torrents) {
    const got = torrents.get(key)!;
    assert.ok(got.isWhole, `${key} is not read to its end`);
    const { seeders, leechers, completed } = model.counts(key);
    assert.deepEqual([got.counts[0]! + got.counts[2]!, got.counts[1]! + got.counts[3]!], [seeders, leechers]);
    assert.deepEqual([got.completed, got.minute], [completed, (want.touched + minutesLater) & 0xffff], key);
    const peers = new Map(
      [...want.peers].map(([name, peer]) => [name, { ...peer, minute: (peer.minute + minutesLater) & 0x7fff }]),
    );
    assert.deepEqual(sorted(got.peers), sorted(peers));
  }
}

function sorted<T extends ReadPeer>(peers: Map<string, T>): [string, boolean, boolean, number][] {
  const rows = [...peers].map(([name, { seeder, completed, minute }]) =>
    [name, seeder, completed, minute] as [string, boolean, boolean, number]
  );
  return rows.sort(([a], [b]) => a < b ? -1 : 1);
}
