/** The kernel's tables of sockets, /proc/net/udp and its like: who is bound where, and what was dropped. */
import { formatAddress } from "../bittorrent/address.ts";
import type { SystemFiles } from "../system_files.ts";

/** A bound UDP socket, or a TCP socket that listens. */
export interface KernelSocket {
  readonly protocol: "tcp" | "udp";
  /** Textual IP, no brackets. */
  readonly address: string;
  readonly port: number;
  /** Number by which the descriptors of processes name it. */
  readonly inode: number;
  /** Datagrams thrown away because its buffer was full; 0 for TCP. */
  readonly drops: number;
}

/** State of a TCP socket that listens. */
const LISTENS = "0A";

/** Reads all tables; null where the system has none. */
export function readSocketTable(files: SystemFiles): readonly KernelSocket[] | null {
  const tables = (["tcp", "udp"] as const).flatMap((protocol) =>
    ["", "6"].map((family) => ({ protocol, text: files.text(`/proc/net/${protocol}${family}`) }))
  );
  if (tables.every(({ text }) => text === null)) return null;
  return tables.flatMap(({ protocol, text }) =>
    (text ?? "").split("\n").slice(1).flatMap((line) => readRow(protocol, line))
  );
}

/** The sockets of `table` that have the address and the port, or the port on every address. */
export function socketsAt(
  table: readonly KernelSocket[],
  { protocol, address, port }: Pick<KernelSocket, "protocol" | "address" | "port">,
): readonly KernelSocket[] {
  const wildcards = ["0.0.0.0", "::"];
  return table.filter((socket) =>
    socket.protocol === protocol && socket.port === port &&
    (socket.address === address || wildcards.includes(socket.address) || wildcards.includes(address))
  );
}

// 0 sl, 1 local_address, 2 rem_address, 3 st, 4 tx:rx, 5 tr:when, 6 retrnsmt, 7 uid, 8 timeout, 9 inode, 10 ref,
// 11 pointer, 12 drops (UDP only).
function readRow(protocol: "tcp" | "udp", line: string): KernelSocket[] {
  const fields = line.trim().split(/\s+/), [address = "", port = ""] = (fields[1] ?? "").split(":");
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(address) || (protocol === "tcp" && fields[3] !== LISTENS)) return [];
  const inode = Number(fields[9]), drops = protocol === "udp" ? Number(fields[12]) : 0;
  return [{ protocol, address: readAddress(address), port: parseInt(port, 16), inode, drops }];
}

// Words of four bytes, each written as the number it is on this machine: little endian.
function readAddress(hex: string): string {
  const bytes = Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16));
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return formatAddress(bytes);
}
