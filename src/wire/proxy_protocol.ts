/**
 * The PROXY protocol: the line or header a proxy puts before a connection's first byte, to say whose connection it is.
 * Pure and total. Source: HAProxy, "The PROXY protocol", versions 1 and 2.
 *
 *   v1   PROXY TCP4 192.0.2.1 192.0.2.9 56324 443 CR LF      at most 107 bytes; also TCP6 and UNKNOWN
 *   v2   0 signature (12)   12 version 2, command   13 family, protocol   14 length (2)   16 source address (4 or 16) …
 */
import { type AddressRegisters, setAddress4, setAddress6, setAddressText } from "../bittorrent/address.ts";

/** The header is not all there yet. */
export const PROXY_INCOMPLETE = 0;
/** There is none, or it is broken. */
export const PROXY_INVALID = -1;

const LINE_BYTES_MAX = 107, HEAD_BYTES = 16;
/** Longest v2 header: addresses and a handful of extensions. */
const BLOCK_BYTES_MAX = 1024;
const LF = 0x0a, CR = 0x0d;
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const LINE_START = new TextEncoder().encode("PROXY ");
const LOCAL = 0x20, PROXIED = 0x21, TCP4 = 0x11, TCP6 = 0x21;
const latin1 = new TextDecoder("latin1");

/**
 * Reads the header that begins at `start`; bytes come up to `end`. Returns its length, PROXY_INCOMPLETE or PROXY_INVALID.
 * Sets the address of `target`, or leaves it where the proxy speaks for itself or does not know. Once a connection.
 */
export function decodeProxyHeader(bytes: Uint8Array, start: number, end: number, target: AddressRegisters): number {
  if (begins(SIGNATURE, bytes, start, end)) return decodeBlock(bytes, start, end, target);
  if (begins(LINE_START, bytes, start, end)) return decodeLine(bytes, start, end, target);
  return PROXY_INVALID;
}

// Whether what is there is the beginning, or all, of `text`.
function begins(text: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = Math.min(text.length, end - start);
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

function decodeLine(bytes: Uint8Array, start: number, end: number, target: AddressRegisters): number {
  const last = Math.min(end, start + LINE_BYTES_MAX);
  let at = start;
  while (at < last && bytes[at] !== LF) at++;
  if (at === last) return end - start < LINE_BYTES_MAX ? PROXY_INCOMPLETE : PROXY_INVALID;
  if (bytes[at - 1] !== CR) return PROXY_INVALID;
  const [, family, source, , ...ports] = latin1.decode(bytes.slice(start, at - 1)).split(" ");
  if (family === "UNKNOWN") return at + 1 - start;
  const isTcp = family === "TCP4" || family === "TCP6";
  if (!isTcp || ports.length !== 2 || source!.includes(":") !== (family === "TCP6")) return PROXY_INVALID;
  return setAddressText(target, source!) ? at + 1 - start : PROXY_INVALID;
}

function decodeBlock(bytes: Uint8Array, start: number, end: number, target: AddressRegisters): number {
  if (end - start < HEAD_BYTES) return PROXY_INCOMPLETE;
  const command = bytes[start + 12], family = bytes[start + 13];
  const length = bytes[start + 14]! << 8 | bytes[start + 15]!, whole = HEAD_BYTES + length;
  if (whole > BLOCK_BYTES_MAX || (command !== LOCAL && command !== PROXIED)) return PROXY_INVALID;
  if (end - start < whole) return PROXY_INCOMPLETE;
  // A health check of the proxy's own, or a family that is none of ours.
  if (command === LOCAL || (family !== TCP4 && family !== TCP6)) return whole;
  if (length < (family === TCP4 ? 12 : 36)) return PROXY_INVALID;
  const words = new Int32Array(
    bytes.slice(start + HEAD_BYTES, start + HEAD_BYTES + 16).buffer,
    0,
    family === TCP4 ? 1 : 4,
  );
  if (family === TCP4) setAddress4(target, words[0]!);
  else setAddress6(target, words, 0);
  return whole;
}
