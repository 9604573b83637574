/** Networks and their counts as opentracker prints them, and the counting of all peers by network. */
import type { NetworkCount } from "waggle/plugin";

/** Networks shown of each length. */
const ROWS_MAX = 128;
/** Slots of a table at first, and at most: 16 MiB. */
const SLOTS_MIN = 1 << 10, SLOTS_MAX = 1 << 21;
const HASH_FACTOR = 0x9e3779b1;

/** A block of opentracker's: the networks of `bits` bits in `counts`, those with the most first. */
export function networkBlock(bits: number, counts: readonly NetworkCount[]): string {
  const rows = counts.filter((row) => row.bits === bits).sort((a, b) => b.count - a.count).slice(0, ROWS_MAX);
  const lines = rows.map(({ address, count }) => `${String(count).padStart(8, "0")}: ${address}\n`);
  return `Networks, limit /${bits}:\n${lines.join("")}\n`;
}

/** The blocks of IPv4 networks of each of `lengths` over all `addresses`. */
export async function addressBlocks(
  lengths: readonly number[],
  addresses: AsyncIterable<Uint32Array>,
): Promise<string> {
  const tables = lengths.map((bits) => new NetworkTable(bits));
  for await (const batch of addresses) for (const table of tables) table.add(batch);
  return tables.map((table) => networkBlock(table.bits, table.top())).join("");
}

/**
 * How often each network occurs. When the table is full, networks that have occurred once are forgotten: none of them
 * would be shown while others are.
 */
class NetworkTable {
  readonly bits: number;
  readonly #mask: number;
  #networks = new Uint32Array(SLOTS_MIN);
  /** 0: the slot is free. */
  #counts = new Uint32Array(SLOTS_MIN);
  #used = 0;

  constructor(bits: number) {
    this.bits = bits;
    this.#mask = -1 << (32 - bits);
  }

  add(addresses: Uint32Array): void {
    for (let i = 0; i < addresses.length; i++) this.#put((addresses[i]! & this.#mask) >>> 0, 1);
  }

  top(): NetworkCount[] {
    const rows: { network: number; count: number }[] = [];
    for (let slot = 0; slot < this.#counts.length; slot++) {
      const count = this.#counts[slot]!;
      if (count === 0) continue;
      rows.push({ network: this.#networks[slot]!, count });
      if (rows.length >= ROWS_MAX * 16) keepTop(rows);
    }
    keepTop(rows);
    return rows.map(({ network, count }) => ({ address: addressText(network), bits: this.bits, count }));
  }

  #put(network: number, count: number): void {
    const mask = this.#counts.length - 1;
    let slot = (Math.imul(network, HASH_FACTOR) >>> 7) & mask;
    while (this.#counts[slot]! > 0 && this.#networks[slot] !== network) slot = (slot + 1) & mask;
    if (this.#counts[slot] === 0) {
      this.#networks[slot] = network;
      this.#used++;
    }
    this.#counts[slot]! += count;
    if (this.#used * 4 > this.#counts.length * 3) this.#makeRoom();
  }

  #makeRoom(): void {
    const networks = this.#networks, counts = this.#counts, isAtLimit = counts.length >= SLOTS_MAX;
    const slots = isAtLimit ? counts.length : counts.length * 2;
    // At the limit the rarest go; how rare, is found by how many would be left.
    let least = 1;
    if (isAtLimit) { for (least = 2; countAbove(counts, least) * 2 > slots; least *= 2); }
    this.#networks = new Uint32Array(slots);
    this.#counts = new Uint32Array(slots);
    this.#used = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i]! >= least) this.#put(networks[i]!, counts[i]!);
  }
}

function keepTop(rows: { network: number; count: number }[]): void {
  rows.sort((a, b) => b.count - a.count || a.network - b.network).splice(ROWS_MAX);
}

function countAbove(counts: Uint32Array, least: number): number {
  let above = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i]! >= least) above++;
  return above;
}

function addressText(network: number): string {
  return `${network >>> 24}.${network >>> 16 & 255}.${network >>> 8 & 255}.${network & 255}`;
}
