/**
 * The bencode encoder for torrent files: sorts keys by their bytes and takes values that are encoded already, so that
 * they can be moved without a change. Source: BEP 3. Pure. Not for replies of the tracker, which are made in place.
 */
import { compareBytes } from "./byte_order.ts";

/** What can be encoded. Strings are UTF-8; an integer must be safe (a bigint may be any). */
export type BencodeValue = number | bigint | string | Uint8Array | readonly BencodeValue[] | Dictionary | Encoded;

/** A dictionary to encode: entries in any order; one whose value is undefined is left out. No key twice. */
export interface Dictionary {
  readonly entries: readonly (readonly [key: string | Uint8Array, value: BencodeValue | undefined])[];
}

/** A value that is bencode already, copied as it is. */
export interface Encoded {
  readonly encoded: Uint8Array;
}

/** Encodes `value`. Throws RangeError on a number that is no safe integer, which is a fault of the caller. */
export function encodeBencode(value: BencodeValue): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  append(value, chunks);
  return concatBytes(chunks);
}

/** Joins `chunks` into one array. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const UTF8 = new TextEncoder();

function append(value: BencodeValue, chunks: Uint8Array[]): void {
  if (typeof value === "number" || typeof value === "bigint") {
    if (typeof value === "number" && !Number.isSafeInteger(value)) throw new RangeError(`Cannot encode ${value}`);
    chunks.push(UTF8.encode(`i${value}e`));
  } else if (typeof value === "string") {
    append(UTF8.encode(value), chunks);
  } else if (value instanceof Uint8Array) {
    chunks.push(UTF8.encode(`${value.length}:`), value);
  } else if ("encoded" in value) {
    chunks.push(value.encoded);
  } else if (isList(value)) {
    chunks.push(UTF8.encode("l"));
    for (const item of value) append(item, chunks);
    chunks.push(UTF8.encode("e"));
  } else {
    appendDictionary(value, chunks);
  }
}

function isList(value: readonly BencodeValue[] | Dictionary): value is readonly BencodeValue[] {
  return Array.isArray(value);
}

function appendDictionary({ entries }: Dictionary, chunks: Uint8Array[]): void {
  const sorted = entries
    .map(([key, value]) => ({ key: typeof key === "string" ? UTF8.encode(key) : key, value }))
    .sort((a, b) => compareBytes(a.key, b.key));
  chunks.push(UTF8.encode("d"));
  for (const { key, value } of sorted) {
    if (value === undefined) continue;
    append(key, chunks);
    append(value, chunks);
  }
  chunks.push(UTF8.encode("e"));
}
