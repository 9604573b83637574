/**
 * Decodes bencode the short way, for replies that tests look into: strings keep one character a byte, numbers are
 * numbers, and a scrape's hashes are keys. Throws on anything that is not bencode from the first byte to the last.
 */
import type { BencodeNode } from "../../src/torrent/decode_bencode.ts";
import type { BencodeValue } from "../../src/torrent/encode_bencode.ts";
import { latin1Text } from "./vectors.ts";

/** A decoded value. */
export type Bencode = number | string | Bencode[] | { [key: string]: Bencode };

/** The value that all of `bytes` is. */
export function decodeBencode(bytes: Uint8Array): Bencode {
  const reader = new Reader(latin1Text(bytes)), value = reader.value();
  if (reader.at !== bytes.length) throw new Error(`${bytes.length - reader.at} bytes behind the value`);
  return value;
}

class Reader {
  at = 0;

  constructor(readonly text: string) {}

  value(): Bencode {
    switch (this.text[this.at]) {
      case "i":
        return Number(this.#match(/i(0|-?[1-9]\d*)e/y));
      case "l":
        return this.#list();
      case "d":
        return this.#dictionary();
      default:
        return this.#string();
    }
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) {
      throw new Error(`no bencode at ${this.at}: ${JSON.stringify(this.text.slice(this.at, this.at + 40))}`);
    }
    this.at = pattern.lastIndex;
    return match[1]!;
  }

  #string(): string {
    const length = Number(this.#match(/(0|[1-9]\d*):/y)), text = this.text.slice(this.at, this.at + length);
    if (text.length < length) throw new Error(`a string of ${length} is cut off`);
    this.at += length;
    return text;
  }

  #list(): Bencode[] {
    const items: Bencode[] = [];
    for (this.at++; this.text[this.at] !== "e";) items.push(this.value());
    this.at++;
    return items;
  }

  #dictionary(): { [key: string]: Bencode } {
    const entries: { [key: string]: Bencode } = Object.create(null);
    for (this.at++; this.text[this.at] !== "e";) entries[this.#string()] = this.value();
    this.at++;
    return entries;
  }
}

/** What the tools decoded, as what would be encoded to get it. */
export function valueOf(node: BencodeNode): BencodeValue {
  switch (node.kind) {
    case "integer":
      return node.value;
    case "bytes":
      return node.bytes;
    case "list":
      return node.items.map(valueOf);
    case "dictionary":
      return { entries: node.entries.map(({ key, value }) => [key.bytes, valueOf(value)] as const) };
  }
}
