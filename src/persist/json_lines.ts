/**
 * The state as text that other programs can read: one JSON object a line and torrent.
 *
 *   {"infoHash":"40 hex digits","completed":3,"touched":29382712,"peers":[{"ip":"10.0.0.1","port":6881,
 *    "seeder":true,"completed":true,"age":4}, …]}
 *
 * `touched` is the minute of the last announce since 1970, `age` a peer's minutes before that. Source: schema.ts.
 */
import { formatAddress, parseAddress } from "../bittorrent/address.ts";
import { COMPLETED_MAX } from "../swarm/layout.ts";
import type { StateRow } from "./state_file.ts";

/** Bytes of an address and of what follows it: port, and the mark of schema.ts. */
const FAMILIES = [{ bytes: 4, peers: "peers4", seeders: "seeders4" }, {
  bytes: 16,
  peers: "peers6",
  seeders: "seeders6",
}] as const;
const TAIL_BYTES = 4;
const AGE_MAX = 0x7fff;
/** A minute in the year 9999. */
const TOUCHED_MAX = 4_223_370_000;
const V4_MAPPED_BYTES = 12;

/** One peer of a line. */
interface JsonPeer {
  readonly ip: string;
  readonly port: number;
  readonly seeder: boolean;
  readonly completed: boolean;
  readonly age: number;
}

/** The line of one torrent, without its end. */
export function formatJsonLine(row: StateRow): string {
  const { infoHash, completed, touched } = row;
  const peers = FAMILIES.flatMap(({ bytes, peers, seeders }) => listPeers(row[peers], row[seeders], bytes));
  return JSON.stringify({ infoHash: infoHash.toHex(), completed, touched, peers });
}

function listPeers(packed: Uint8Array | null, seeders: number, addressBytes: number): JsonPeer[] {
  const peers: JsonPeer[] = [], stride = addressBytes + TAIL_BYTES;
  if (packed === null) return peers;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  for (let at = 0; at < packed.length; at += stride) {
    const tail = at + addressBytes, mark = view.getUint16(tail + 2, true);
    peers.push({
      ip: formatAddress(packed.subarray(at, tail)),
      port: view.getUint16(tail),
      seeder: peers.length < seeders,
      completed: (mark & 0x8000) !== 0,
      age: mark & AGE_MAX,
    });
  }
  return peers;
}

/** The torrent of one line, or null when the line is not one. Never throws. */
export function parseJsonLine(line: string): StateRow | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { infoHash, completed, touched, peers } = value as Record<string, unknown>;
  if (typeof infoHash !== "string" || !/^[0-9a-f]{40}$/i.test(infoHash)) return null;
  if (!isWhole(completed, COMPLETED_MAX) || !isWhole(touched, TOUCHED_MAX) || !Array.isArray(peers)) return null;
  const packed = packPeers(peers);
  return packed === null ? null : { infoHash: Uint8Array.fromHex(infoHash), completed, touched, ...packed };
}

type Packed = Pick<StateRow, "seeders4" | "peers4" | "seeders6" | "peers6">;

function packPeers(peers: readonly unknown[]): Packed | null {
  const sides: [Uint8Array[], Uint8Array[]][] = [[[], []], [[], []]];
  for (const peer of peers) {
    const packed = packPeer(peer);
    if (packed === null) return null;
    sides[packed.length === 8 ? 0 : 1]![(peer as JsonPeer).seeder ? 0 : 1]!.push(packed);
  }
  const [[seeders4, leechers4], [seeders6, leechers6]] = sides as [
    [Uint8Array[], Uint8Array[]],
    [Uint8Array[], Uint8Array[]],
  ];
  return {
    seeders4: seeders4.length,
    peers4: joined([...seeders4, ...leechers4]),
    seeders6: seeders6.length,
    peers6: joined([...seeders6, ...leechers6]),
  };
}

function packPeer(value: unknown): Uint8Array | null {
  if (typeof value !== "object" || value === null) return null;
  const { ip, port, seeder, completed, age } = value as Record<string, unknown>, mapped = new Uint8Array(16);
  if (typeof ip !== "string" || typeof seeder !== "boolean" || typeof completed !== "boolean") return null;
  if (!isWhole(port, 0xffff) || port === 0 || !isWhole(age, AGE_MAX) || !parseAddress(ip, mapped)) return null;
  // A mapped address is an IPv4 address, however it is written.
  const address = isMapped(mapped) ? mapped.subarray(V4_MAPPED_BYTES) : mapped,
    packed = new Uint8Array(address.length + TAIL_BYTES);
  const view = new DataView(packed.buffer);
  packed.set(address);
  view.setUint16(address.length, port);
  view.setUint16(address.length + 2, age | (completed ? 0x8000 : 0), true);
  return packed;
}

function isMapped(address: Uint8Array): boolean {
  return address[10] === 0xff && address[11] === 0xff && address.subarray(0, 10).every((byte) => byte === 0);
}

function joined(parts: readonly Uint8Array[]): Uint8Array | null {
  if (parts.length === 0) return null;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function isWhole(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}
